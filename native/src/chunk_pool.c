#include "chunk_pool.h"

#include "checkers.h"
#include "free_chunks.h"
#include "magazine.h"
#include "os.h"

#include <string.h>

/* All of it under the lock of os.h. */
static struct {
    void *free_record;
    descriptor *retired_first;
    descriptor *retired_last;
    uint64_t retired_bytes;
    uint64_t arenas;
    uint64_t in_use, in_use_chunks;
    uint64_t pinned, pinned_chunks;
    uint64_t retained; /* dirty bytes of free chunks, but for those in magazines */
    uint64_t memory_limit;
    uint64_t retained_limit;
    bool magazines_full; /* every chunk comes home through the lock */
} pool = {.memory_limit = TA_UNLIMITED, .retained_limit = (uint64_t)256 << 20};

/* Written before the first arena, read without the lock. */
static uint64_t quarantine = 0;

static uint64_t dirty_bytes(const descriptor *chunk) {
    return (uint64_t)chunk->dirty * TA_MIN_CHUNK_BYTES;
}

/* Whether all of a chunk may have pages behind it, as after every use. Then all is committed. */
static bool is_all_dirty(const descriptor *chunk) {
    return dirty_bytes(chunk) == chunk_bytes(chunk);
}

/* ---- free chunks ----------------------------------------------------------------------------- */

/* Counts a chunk as no longer lent. */
static void count_home(const descriptor *chunk) {
    pool.in_use -= chunk_bytes(chunk);
    pool.in_use_chunks--;
}

static void come_home(descriptor *chunk);

static void leave_magazine(descriptor *chunk) {
    count_home(chunk);
    come_home(chunk);
}

static void put_record(void *record) {
    memcpy(record, &pool.free_record, sizeof(void *));
    pool.free_record = record;
    pool.arenas--;
}

static void empty_magazines(void) {
    magazines_empty(!pool.magazines_full, leave_magazine, put_record);
}

/* Brings all free chunks into the lists, merged as far as possible. */
static void gather_free(void) {
    empty_magazines();
    free_merge();
}

/* Reserves another slab, with a chunk of the order at least. */
static bool grow(uint32_t order) {
    ta_slab *slab = slab_create(order);
    if (slab != NULL) {
        free_put(&slab->chunks[0]);
    }
    return slab != NULL;
}

/* A free chunk of exactly the order: warm first, new address space last. */
static descriptor *take_free(uint32_t order) {
    descriptor *chunk = free_take(order);
    if (chunk == NULL) {
        gather_free();
        chunk = free_take(order);
    }
    if (chunk == NULL && grow(order)) {
        chunk = free_take(order);
    }
    return chunk;
}

/* ---- giving pages back ----------------------------------------------------------------------- */

static void purge(descriptor *chunk) {
    os_purge((void *)(uintptr_t)chunk->base, chunk_bytes(chunk));
    slab_set_dirty(chunk, false);
}

/* Gives back pages of free chunks, largest chunks first, until at most `keep` bytes are retained. */
static uint64_t purge_free(uint64_t keep) {
    if (pool.retained <= keep) {
        return 0;
    }
    gather_free();
    uint64_t before = pool.retained;
    for (uint32_t order = CHUNK_ORDERS; order-- > 0 && pool.retained > keep;) {
        for (descriptor *chunk = free_listed(order); chunk != NULL && pool.retained > keep;
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

static descriptor *take_order(uint32_t order, ta_status *why) {
    uint64_t bytes = (uint64_t)TA_MIN_CHUNK_BYTES << order;
    if (bytes > pool.memory_limit || pool.in_use > pool.memory_limit - bytes) {
        *why = TA_ERR_POOL_LIMIT;
        return NULL;
    }
    *why = TA_ERR_NO_MEMORY;
    descriptor *chunk = take_free(order);
    if (chunk == NULL) {
        return NULL;
    }
    chunk->state = CHUNK_USED; /* first of all: a buddy that comes home must not merge with it */
    if (!is_all_dirty(chunk) && !slab_commit(chunk)) {
        free_put(chunk);
        return NULL;
    }
    pool.retained -= dirty_bytes(chunk);
    pool.in_use += bytes;
    pool.in_use_chunks++;
    /* The limit also counts the pages of free chunks: those can go. */
    purge_free(pool.memory_limit - pool.in_use);
    return chunk;
}

uint64_t pool_chunk_bytes(uint64_t bytes) {
    uint32_t order = order_of(bytes);
    return order < CHUNK_ORDERS ? (uint64_t)TA_MIN_CHUNK_BYTES << order : bytes;
}

/* A chunk of the order from the thread's magazine, NULL if it has none. */
static descriptor *take_warm(uint32_t order) {
    magazine *mine = magazine_enter();
    if (mine == NULL) {
        return NULL;
    }
    descriptor *chunk = magazine_take(mine, order);
    magazine_leave(mine);
    return chunk;
}

/* A chunk of the order or, if the system or the limits refuse that, of one down to the lowest. */
static descriptor *take_locked(uint32_t lowest, uint32_t order, ta_status *why) {
    os_lock();
    descriptor *chunk = take_order(order, why);
    if (chunk == NULL) {
        /* What rests in the quarantine or in magazines may be what is missing. */
        free_retired(0);
        empty_magazines();
        chunk = take_order(order, why);
    }
    while (chunk == NULL && order > lowest) {
        chunk = take_order(--order, why);
    }
    os_unlock();
    return chunk;
}

descriptor *pool_take(uint64_t least, uint64_t wanted, bool huge, ta_status *why) {
    uint32_t lowest = order_of(least);
    uint32_t order = order_of(wanted < least ? least : wanted);
    if (lowest >= CHUNK_ORDERS) {
        os_lock();
        *why = least > pool.memory_limit ? TA_ERR_POOL_LIMIT : TA_ERR_NO_MEMORY;
        os_unlock();
        return NULL;
    }
    if (order >= CHUNK_ORDERS) {
        order = lowest;
    }
    descriptor *chunk = take_warm(order);
    if (chunk == NULL) {
        chunk = take_locked(lowest, order, why);
    }
    if (chunk == NULL) {
        return NULL;
    }
    CHECKER_TAKEN(chunk);
    chunk->word = 0;
    chunk->owner_pins = 0;
    chunk->floor = 0;
    chunk->next = 0;
    chunk->huge = huge;
    chunk->used_end = chunk->base;
    if (huge) {
        os_huge_pages((void *)(uintptr_t)chunk->base, chunk_bytes(chunk), true);
    }
    return chunk;
}

/* What may be retained outside of magazines. */
static uint64_t retained_room(void) {
    return pool.retained_limit - (pool.magazines_full ? 0 : MAGAZINES_BYTES);
}

/* Whether the pages of free chunks are too many with so many bytes more, beside those in use. */
static bool is_too_much(uint64_t bytes, uint64_t in_use) {
    return pool.retained + bytes > retained_room() ||
           in_use + pool.retained + bytes > pool.memory_limit;
}

/*
 * Decides whether magazines have room. They have none while a chunk that comes home may have to give
 * its pages back: when little may be retained, and when the memory limit was lowered below what is in
 * use. With a quarantine only records come to magazines.
 */
static void tend_magazines(void) {
    bool full = pool.retained_limit < 2 * MAGAZINES_BYTES || pool.in_use > pool.memory_limit;
    if (full != pool.magazines_full) {
        pool.magazines_full = full;
        empty_magazines();
    }
}

/* Puts a chunk that nobody has any more among the free ones; under the lock. */
static void come_home(descriptor *chunk) {
    uint64_t bytes = chunk_bytes(chunk);
    if (is_too_much(bytes, pool.in_use)) {
        purge(chunk);
    } else {
        if (!is_all_dirty(chunk)) {
            slab_set_dirty(chunk, true);
        }
        pool.retained += bytes;
    }
    free_put(chunk);
}

static void free_retired(uint64_t keep) {
    while (pool.retired_bytes > keep) {
        descriptor *chunk = pool.retired_first;
        pool.retired_first = chunk_at(chunk->next);
        pool.retired_bytes -= chunk_bytes(chunk);
        come_home(chunk);
    }
}

static void retire(descriptor *chunk) {
    chunk->state = CHUNK_RETIRED;
    chunk->next = 0;
    if (pool.retired_first == NULL) {
        pool.retired_first = chunk;
    } else {
        pool.retired_last->next = chunk_address(chunk);
    }
    pool.retired_last = chunk;
    pool.retired_bytes += chunk_bytes(chunk);
    free_retired(quarantine);
}

void chunk_wipe(descriptor *chunk, uint64_t from) {
    uint64_t end = chunk->used_end;
    if (chunk->secret && from < end) {
        CHECKER_LETS(from, end - from);
        memset((void *)(uintptr_t)from, 0, end - from);
        chunk->used_end = from;
    }
}

/* The part of giving a chunk back that may take long; without the lock. */
static void make_ready(descriptor *chunk) {
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
static void give_locked(descriptor *chunk) {
    uint64_t bytes = chunk_bytes(chunk);
    bool purged = quarantine == 0 && is_too_much(bytes, pool.in_use - bytes);
    if (purged) {
        /* Others go on meanwhile: nobody knows the chunk, and it counts as in use. */
        os_unlock();
        os_purge((void *)(uintptr_t)chunk->base, bytes);
        os_lock();
    }
    count_home(chunk);
    if (chunk->state == CHUNK_DETACHED) {
        pool.pinned -= bytes;
        pool.pinned_chunks--;
    }
    if (purged) {
        slab_set_dirty(chunk, false);
        free_put(chunk);
    } else if (quarantine != 0) {
        retire(chunk);
    } else {
        come_home(chunk);
    }
    if (pool.magazines_full) {
        tend_magazines();
    }
}

void pool_give(descriptor *chunk) {
    make_ready(chunk);
    os_lock();
    give_locked(chunk);
    os_unlock();
}

void pool_note_detached(descriptor *chunk, bool detached) {
    uint64_t bytes = chunk_bytes(chunk);
    os_lock();
    chunk->state = detached ? CHUNK_DETACHED : CHUNK_USED;
    pool.pinned += detached ? bytes : -bytes;
    pool.pinned_chunks += detached ? 1 : -(uint64_t)1;
    os_unlock();
}

static void *take_record_locked(void) {
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

void *pool_take_record(void) {
    void *record = NULL;
    magazine *mine = magazine_enter();
    if (mine != NULL) {
        record = magazine_take_record(mine);
        magazine_leave(mine);
    }
    return record != NULL ? record : take_record_locked();
}

void pool_give_record(void *record, descriptor *chain) {
    for (descriptor *chunk = chain; chunk != NULL; chunk = chunk_at(chunk->next)) {
        make_ready(chunk);
    }
    magazine *mine = magazine_enter();
    descriptor *rest = NULL;
    while (chain != NULL) {
        descriptor *chunk = chain;
        chain = chunk_at(chunk->next);
        if (mine == NULL || !magazine_put(mine, chunk)) {
            chunk->next = chunk_address(rest);
            rest = chunk;
        }
    }
    bool record_rests = mine == NULL || !magazine_put_record(mine, record);
    if (mine != NULL) {
        magazine_leave(mine);
    }
    if (rest == NULL && !record_rests) {
        return;
    }
    os_lock();
    while (rest != NULL) {
        descriptor *chunk = rest;
        rest = chunk_at(chunk->next);
        give_locked(chunk);
    }
    if (record_rests) {
        put_record(record);
    }
    os_unlock();
}

uint64_t pool_quarantine(void) {
    return quarantine;
}

/* ---- the public side ------------------------------------------------------------------------- */

uint64_t ta_pool_trim(void) {
    os_lock();
    empty_magazines();
    uint64_t given = purge_free(0);
    os_unlock();
    return given;
}

void ta_pool_set_memory_limit(uint64_t bytes) {
    os_lock();
    pool.memory_limit = bytes;
    empty_magazines();
    tend_magazines();
    purge_free(bytes > pool.in_use ? bytes - pool.in_use : 0);
    os_unlock();
}

void ta_pool_set_retained_limit(uint64_t bytes) {
    os_lock();
    pool.retained_limit = bytes;
    tend_magazines();
    purge_free(retained_room());
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
    magazine_totals resting = magazines_totals();
    now.in_use = pool.in_use - resting.bytes;
    now.in_use_chunks = pool.in_use_chunks - resting.chunks;
    now.pinned = pool.pinned;
    now.pinned_chunks = pool.pinned_chunks;
    now.free = pool.retained + resting.bytes;
    now.free_chunks = free_count() + resting.chunks;
    now.memory_limit = pool.memory_limit;
    now.retained_limit = pool.retained_limit;
    now.arenas = pool.arenas - resting.records;
    os_unlock();
    memcpy(info, &now, info_size);
    return TA_OK;
}
