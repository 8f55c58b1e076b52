#include "chunk_pool.h"

#include "checkers.h"
#include "os.h"

#include <string.h>

#define CACHED_PER_ORDER 16u

typedef struct {
    ta_chunk *top;
    uint32_t depth;
} chunk_stack;

/* All of it under the lock of os.h. */
static struct {
    ta_chunk *free[SLAB_ORDERS];
    chunk_stack cached[SLAB_ORDERS];
    void *free_record;
    ta_chunk *retired_first;
    ta_chunk *retired_last;
    uint64_t retired_bytes;
    uint64_t arenas;
    uint64_t in_use, in_use_chunks;
    uint64_t pinned, pinned_chunks;
    uint64_t retained; /* dirty bytes of free chunks */
    uint64_t memory_limit;
    uint64_t retained_limit;
} pool = {.memory_limit = TA_UNLIMITED, .retained_limit = (uint64_t)256 << 20};

/* Written before the first arena, read without the lock. */
static uint64_t quarantine = 0;

static ta_chunk *chunk_at(uint64_t address) {
    return (ta_chunk *)(uintptr_t)address;
}

static uint64_t address_of(const ta_chunk *chunk) {
    return (uint64_t)(uintptr_t)chunk;
}

static uint64_t dirty_bytes(const ta_chunk *chunk) {
    return (uint64_t)chunk->dirty * TA_MIN_CHUNK_BYTES;
}

/* Whether all of a chunk may have pages behind it, as after every use: then all is committed, too. */
static bool is_all_dirty(const ta_chunk *chunk) {
    return dirty_bytes(chunk) == chunk_bytes(chunk);
}

/* ---- lists and stacks of free chunks --------------------------------------------------------- */

static void list_insert(ta_chunk *chunk) {
    ta_chunk *head = pool.free[chunk->order];
    chunk->state = CHUNK_FREE;
    chunk->prev = 0;
    chunk->next = address_of(head);
    if (head != NULL) {
        head->prev = address_of(chunk);
    }
    pool.free[chunk->order] = chunk;
}

static void list_remove(ta_chunk *chunk) {
    if (chunk->prev != 0) {
        chunk_at(chunk->prev)->next = chunk->next;
    } else {
        pool.free[chunk->order] = chunk_at(chunk->next);
    }
    if (chunk->next != 0) {
        chunk_at(chunk->next)->prev = chunk->prev;
    }
}

/* Puts a free chunk into the lists, merged with its buddies as far as they are free. */
static void merge_in(ta_chunk *chunk) {
    while (chunk_bytes(chunk) < slab_of_chunk(chunk)->space_bytes) {
        ta_chunk *buddy = slab_buddy(chunk);
        if (buddy->state != CHUNK_FREE || buddy->order != chunk->order) {
            break;
        }
        list_remove(buddy);
        ta_chunk *low = chunk < buddy ? chunk : buddy;
        ta_chunk *high = chunk < buddy ? buddy : chunk;
        low->dirty += high->dirty;
        low->order++;
        high->state = CHUNK_INTERIOR;
        chunk = low;
    }
    list_insert(chunk);
}

static void merge_cached(void) {
    for (uint32_t order = 0; order < SLAB_ORDERS; order++) {
        chunk_stack *stack = &pool.cached[order];
        while (stack->top != NULL) {
            ta_chunk *chunk = stack->top;
            stack->top = chunk_at(chunk->next);
            merge_in(chunk);
        }
        stack->depth = 0;
    }
}

/* Halves a free chunk, already out of its list, until it has the order; upper halves stay free. */
static ta_chunk *split_to(ta_chunk *chunk, uint32_t order) {
    while (chunk->order > order) {
        chunk->order--;
        ta_chunk *high = slab_buddy(chunk);
        high->order = chunk->order;
        high->slab = chunk->slab;
        high->base = chunk_end(chunk);
        high->dirty = chunk->dirty == 0 ? 0 : slab_count_dirty(high);
        chunk->dirty -= high->dirty;
        list_insert(high);
    }
    return chunk;
}

static ta_chunk *take_listed(uint32_t order) {
    for (uint32_t o = order; o < SLAB_ORDERS; o++) {
        if (pool.free[o] != NULL) {
            ta_chunk *chunk = pool.free[o];
            list_remove(chunk);
            return split_to(chunk, order);
        }
    }
    return NULL;
}

/* Reserves another slab for chunks of the order. */
static bool grow(uint32_t order) {
    ta_slab *slab = slab_create(order);
    if (slab != NULL) {
        list_insert(&slab->chunks[0]);
    }
    return slab != NULL;
}

/* A free chunk of exactly the order, out of all lists: warm first, new address space last. */
static ta_chunk *take_free(uint32_t order) {
    chunk_stack *stack = &pool.cached[order];
    ta_chunk *chunk = stack->top;
    if (chunk != NULL) {
        stack->top = chunk_at(chunk->next);
        stack->depth--;
        return chunk;
    }
    chunk = take_listed(order);
    if (chunk == NULL) {
        merge_cached();
        chunk = take_listed(order);
    }
    if (chunk == NULL && grow(order)) {
        chunk = take_listed(order);
    }
    return chunk;
}

static void put_free(ta_chunk *chunk) {
    chunk_stack *stack = &pool.cached[chunk->order];
    if (chunk->dirty != 0 && stack->depth < CACHED_PER_ORDER) {
        chunk->state = CHUNK_CACHED;
        chunk->next = address_of(stack->top);
        stack->top = chunk;
        stack->depth++;
    } else {
        merge_in(chunk);
    }
}

/* ---- giving pages back ----------------------------------------------------------------------- */

static void purge(ta_chunk *chunk) {
    os_purge((void *)(uintptr_t)chunk->base, chunk_bytes(chunk));
    slab_set_dirty(chunk, false);
}

/* Gives back pages of free chunks, largest chunks first, until at most `keep` bytes are retained. */
static uint64_t purge_free(uint64_t keep) {
    uint64_t before = pool.retained;
    if (before <= keep) {
        return 0;
    }
    merge_cached();
    for (uint32_t order = SLAB_ORDERS; order-- > 0 && pool.retained > keep;) {
        for (ta_chunk *chunk = pool.free[order]; chunk != NULL && pool.retained > keep;
             chunk = chunk_at(chunk->next)) {
            pool.retained -= dirty_bytes(chunk);
            if (chunk->dirty != 0) {
                purge(chunk);
            }
        }
    }
    return before - pool.retained;
}

/* ---- taking and giving ----------------------------------------------------------------------- */

static void free_retired(uint64_t keep);

static ta_chunk *take_order(uint32_t order, ta_status *why) {
    uint64_t bytes = (uint64_t)TA_MIN_CHUNK_BYTES << order;
    if (bytes > pool.memory_limit || pool.in_use > pool.memory_limit - bytes) {
        *why = TA_ERR_POOL_LIMIT;
        return NULL;
    }
    *why = TA_ERR_NO_MEMORY;
    ta_chunk *chunk = take_free(order);
    if (chunk == NULL) {
        return NULL;
    }
    chunk->state = CHUNK_USED; /* at once: a buddy that comes home must not merge with it */
    if (!is_all_dirty(chunk) && !slab_commit(chunk)) {
        put_free(chunk);
        return NULL;
    }
    pool.retained -= dirty_bytes(chunk);
    pool.in_use += bytes;
    pool.in_use_chunks++;
    /* The process's limit counts pages that are merely kept, too: those can go. */
    purge_free(pool.memory_limit - pool.in_use);
    return chunk;
}

ta_chunk *pool_take(uint64_t least, uint64_t wanted, bool huge, ta_status *why) {
    uint32_t lowest = order_of(least);
    uint32_t order = order_of(wanted < least ? least : wanted);
    *why = TA_ERR_NO_MEMORY;
    if (lowest >= SLAB_ORDERS) {
        return NULL;
    }
    if (order >= SLAB_ORDERS) {
        order = lowest;
    }
    os_lock();
    ta_chunk *chunk = take_order(order, why);
    if (chunk == NULL && pool.retired_first != NULL) {
        free_retired(0);
        chunk = take_order(order, why);
    }
    while (chunk == NULL && order > lowest) {
        chunk = take_order(--order, why);
    }
    os_unlock();
    if (chunk == NULL) {
        return NULL;
    }
    CHECKER_TAKEN(chunk);
    chunk->word = 0;
    chunk->owner_pins = 0;
    chunk->floor = 0;
    chunk->next = 0;
    chunk->huge = huge;
    chunk->prev = chunk->base;
    if (huge) {
        os_huge_pages((void *)(uintptr_t)chunk->base, chunk_bytes(chunk), true);
    }
    return chunk;
}

/* Whether so many bytes more of free chunks are too many to keep, beside those in use. */
static bool is_too_much(uint64_t bytes, uint64_t in_use) {
    return pool.retained + bytes > pool.retained_limit ||
           in_use + pool.retained + bytes > pool.memory_limit;
}

/* Puts a chunk that rests nowhere into the free ones; under the lock. */
static void come_home(ta_chunk *chunk) {
    uint64_t bytes = chunk_bytes(chunk);
    if (is_too_much(bytes, pool.in_use)) {
        purge(chunk);
    } else {
        if (!is_all_dirty(chunk)) {
            slab_set_dirty(chunk, true);
        }
        pool.retained += bytes;
    }
    put_free(chunk);
}

static void free_retired(uint64_t keep) {
    while (pool.retired_bytes > keep) {
        ta_chunk *chunk = pool.retired_first;
        pool.retired_first = chunk_at(chunk->next);
        pool.retired_bytes -= chunk_bytes(chunk);
        come_home(chunk);
    }
}

static void retire(ta_chunk *chunk) {
    chunk->state = CHUNK_RETIRED;
    chunk->next = 0;
    if (pool.retired_first == NULL) {
        pool.retired_first = chunk;
    } else {
        pool.retired_last->next = address_of(chunk);
    }
    pool.retired_last = chunk;
    pool.retired_bytes += chunk_bytes(chunk);
    free_retired(quarantine);
}

void chunk_wipe(ta_chunk *chunk, uint64_t from) {
    uint64_t end = chunk->prev;
    if (chunk->secret && from < end) {
        CHECKER_LETS(from, end - from);
        memset((void *)(uintptr_t)from, 0, end - from);
        chunk->prev = from;
    }
}

/* What giving a chunk needs outside the lock: it may take long. */
static void make_ready(ta_chunk *chunk) {
    void *start = (void *)(uintptr_t)chunk->base;
    chunk_wipe(chunk, chunk->base);
    if (chunk->huge) {
        os_huge_pages(start, chunk_bytes(chunk), false);
        chunk->huge = 0;
    }
    if (quarantine != 0) {
        CHECKER_LETS(chunk->base, chunk_bytes(chunk));
        memset(start, TA_QUARANTINE_BYTE, chunk_bytes(chunk));
    }
    CHECKER_GIVEN(chunk);
}

/* Lets go of the lock while it purges. */
static void give_locked(ta_chunk *chunk) {
    uint64_t bytes = chunk_bytes(chunk);
    bool purged = quarantine == 0 && is_too_much(bytes, pool.in_use - bytes);
    if (purged) {
        /* It takes long, so let others go on. Nobody else knows the chunk, and it counts as in use. */
        os_unlock();
        os_purge((void *)(uintptr_t)chunk->base, bytes);
        os_lock();
    }
    pool.in_use -= bytes;
    pool.in_use_chunks--;
    if (chunk->state == CHUNK_DETACHED) {
        pool.pinned -= bytes;
        pool.pinned_chunks--;
    }
    if (purged) {
        slab_set_dirty(chunk, false);
        put_free(chunk);
    } else if (quarantine != 0) {
        retire(chunk);
    } else {
        come_home(chunk);
    }
}

void pool_give(ta_chunk *chunk) {
    make_ready(chunk);
    os_lock();
    give_locked(chunk);
    os_unlock();
}

void pool_note_detached(ta_chunk *chunk, bool detached) {
    uint64_t bytes = chunk_bytes(chunk);
    os_lock();
    chunk->state = detached ? CHUNK_DETACHED : CHUNK_USED;
    pool.pinned += detached ? bytes : -bytes;
    pool.pinned_chunks += detached ? 1 : -(uint64_t)1;
    os_unlock();
}

void *pool_take_record(void) {
    os_lock();
    void *record = pool.free_record;
    if (record != NULL) {
        memcpy(&pool.free_record, record, sizeof(void *));
    } else {
        record = slab_new_record();
        if (record == NULL && grow(0)) {
            record = slab_new_record();
        }
    }
    pool.arenas += record != NULL;
    os_unlock();
    return record;
}

void pool_give_record(void *record, ta_chunk *chain) {
    for (ta_chunk *chunk = chain; chunk != NULL; chunk = chunk_at(chunk->next)) {
        make_ready(chunk);
    }
    os_lock();
    while (chain != NULL) {
        ta_chunk *chunk = chain;
        chain = chunk_at(chunk->next);
        give_locked(chunk);
    }
    memcpy(record, &pool.free_record, sizeof(void *));
    pool.free_record = record;
    pool.arenas--;
    os_unlock();
}

uint64_t pool_quarantine(void) {
    return quarantine;
}

/* ---- the public side ------------------------------------------------------------------------- */

uint64_t ta_pool_trim(void) {
    os_lock();
    uint64_t given = purge_free(0);
    os_unlock();
    return given;
}

void ta_pool_set_memory_limit(uint64_t bytes) {
    os_lock();
    pool.memory_limit = bytes;
    purge_free(bytes > pool.in_use ? bytes - pool.in_use : 0);
    os_unlock();
}

void ta_pool_set_retained_limit(uint64_t bytes) {
    os_lock();
    pool.retained_limit = bytes;
    purge_free(bytes);
    os_unlock();
}

void ta_pool_set_quarantine(uint64_t bytes) {
    os_lock();
    quarantine = bytes;
    free_retired(bytes);
    os_unlock();
}

ta_status ta_pool_stats(ta_pool_info *info, size_t info_size) {
    if (info == NULL || info_size > sizeof(ta_pool_info)) {
        return TA_ERR_ARGUMENT;
    }
    ta_pool_info now = {0};
    os_lock();
    slab_totals(&now.reserved, &now.committed);
    now.in_use = pool.in_use;
    now.in_use_chunks = pool.in_use_chunks;
    now.pinned = pool.pinned;
    now.pinned_chunks = pool.pinned_chunks;
    now.free = pool.retained;
    now.memory_limit = pool.memory_limit;
    now.retained_limit = pool.retained_limit;
    now.arenas = pool.arenas;
    for (uint32_t order = 0; order < SLAB_ORDERS; order++) {
        for (const ta_chunk *c = pool.free[order]; c != NULL; c = chunk_at(c->next)) {
            now.free_chunks += c->dirty != 0;
        }
        now.free_chunks += pool.cached[order].depth;
    }
    os_unlock();
    memcpy(info, &now, info_size);
    return TA_OK;
}
