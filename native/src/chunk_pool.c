#include "checkers.h"
#include "chunk_pins.h"
#include "free_chunks.h"
#include "os.h"
#include "pool_private.h"

#include <string.h>

pool_state pool = {.memory_limit = TA_UNLIMITED, .retained_limit = (uint64_t)256 << 20};

/* Written once, before the first slab; read without the lock. */
static uint64_t quarantine = 0;

/* ---- free chunks ----------------------------------------------------------------------------- */

/* Counts a chunk as no longer lent. */
static void count_home(const descriptor *chunk) {
    pool.in_use -= chunk_bytes(chunk);
    pool.in_use_chunks--;
}

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

void gather_free(void) {
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

/* A free chunk of exactly this size: warm first, new address space last. */
static descriptor *take_free(uint64_t bytes) {
    descriptor *chunk = free_take(bytes);
    if (chunk == NULL) {
        gather_free();
        chunk = free_take(bytes);
    }
    if (chunk == NULL && grow(order_of(bytes))) {
        chunk = free_take(bytes);
    }
    return chunk;
}

/* ---- taking and giving ----------------------------------------------------------------------- */

static void free_retired(uint64_t keep);

/* From here on `dirty` says how much of the chunk may have been touched since it was lent. */
static void lend(descriptor *chunk) {
    chunk->warm = is_all_dirty(chunk);
    /* Small chunks are not watched: there is little to gain. */
    chunk->dirty = chunk->warm || chunk->order < SMALL_ORDERS ? (uint32_t)chunk_units(chunk) : 0;
}

static descriptor *take_size(uint64_t bytes, ta_status *why) {
    uint64_t taken = pool.in_use + pool.doomed_bytes; /* pages that still are to go are there */
    if (bytes > pool.memory_limit || taken > pool.memory_limit - bytes) {
        *why = TA_ERR_POOL_LIMIT;
        return NULL;
    }
    *why = TA_ERR_NO_MEMORY;
    descriptor *chunk = take_free(bytes);
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
    lend(chunk);
    return chunk;
}

/* A chunk of the size from the thread's magazine, NULL if it has none. */
static descriptor *take_warm(uint64_t bytes) {
    uint32_t order = order_of(bytes);
    magazine *mine = bytes == whole_bytes(order) ? magazine_enter() : NULL;
    if (mine == NULL) {
        return NULL;
    }
    descriptor *chunk = magazine_take(mine, order);
    magazine_leave(mine);
    return chunk;
}

/* Pages that are being given back are still there: who needs their room waits for it. */
static descriptor *take_waiting(uint64_t bytes, ta_status *why) {
    descriptor *chunk = NULL;
    do {
        chunk = take_size(bytes, why);
    } while (chunk == NULL && wait_for_purge(bytes));
    return chunk;
}

/* A chunk of this size or, if the system or the limits refuse that, of one down to the least. */
static descriptor *take_locked(uint64_t least, uint64_t bytes, ta_status *why) {
    os_lock();
    descriptor *chunk = take_size(bytes, why);
    if (chunk == NULL) {
        /* What rests in the quarantine or in magazines may be what is missing. */
        free_retired(0);
        empty_magazines();
        purge_doomed();
        chunk = take_waiting(bytes, why);
    }
    while (chunk == NULL && bytes > least) {
        bytes = chunk_smaller(bytes, least);
        chunk = take_waiting(bytes, why);
    }
    if (chunk != NULL) {
        /* The limit also counts the pages of free chunks: those can go. */
        uint64_t room = pool.memory_limit - pool.in_use;
        doom_free(pool.doomed_bytes < room ? room - pool.doomed_bytes : 0);
    }
    purge_doomed();
    os_unlock();
    return chunk;
}

uint64_t pool_chunk_bytes(uint64_t bytes) {
    return bytes > TA_MAX_CAPACITY ? bytes : cut_bytes(bytes);
}

/* A chunk that nobody has used since it was taken. */
static descriptor *fresh(descriptor *chunk, bool huge, ta_budget *payer) {
    CHECKER_TAKEN(chunk);
    chunk->word = 0;
    chunk->owner_pins = 0;
    chunk->floor = 0;
    chunk->next = 0;
    chunk->huge = huge;
    slab_note_payer(chunk, payer);
    chunk->exposed = 0; /* of who had it before; nobody else has it now */
    chunk->adopted = 0;
    chunk->used_end = chunk->base;
    if (huge) {
        os_huge_pages((void *)(uintptr_t)chunk->base, chunk_bytes(chunk), true);
    }
    return chunk;
}

descriptor *pool_take(ta_budget *budget, uint64_t least, uint64_t wanted, bool huge,
                      ta_status *why) {
    if (least > TA_MAX_CAPACITY) {
        os_lock();
        *why = least > pool.memory_limit ? TA_ERR_POOL_LIMIT : TA_ERR_NO_MEMORY;
        os_unlock();
        return NULL;
    }
    uint64_t lowest = cut_bytes(least);
    uint64_t bytes = wanted > least && wanted <= TA_MAX_CAPACITY ? cut_bytes(wanted) : lowest;
    ta_budget *payer = budget == NULL ? NULL : budget_charge(budget, lowest, &bytes, why);
    if (budget != NULL && payer == NULL) {
        return NULL;
    }
    descriptor *chunk = take_warm(bytes);
    if (chunk == NULL) {
        chunk = take_locked(lowest, bytes, why);
    }
    if (payer != NULL && (chunk == NULL || chunk_bytes(chunk) < bytes)) {
        budget_discharge(payer, chunk == NULL ? bytes : bytes - chunk_bytes(chunk));
    }
    return chunk == NULL ? NULL : fresh(chunk, huge, payer);
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
    chunk_let_go(chunk);
    chunk_wipe(chunk, chunk->base);
    if (chunk->huge) {
        os_huge_pages(start, chunk_bytes(chunk), false);
        chunk->huge = 0;
    }
    if (quarantine != 0) {
        uint64_t touched = dirty_bytes(chunk);
        CHECKER_LETS(chunk->base, touched);
        memset(start, TA_QUARANTINE_BYTE, touched);
    }
    CHECKER_GIVEN(chunk);
}

static void give_locked(descriptor *chunk) {
    count_home(chunk);
    if (chunk->state == CHUNK_DETACHED) {
        pool.pinned -= chunk_bytes(chunk);
        pool.pinned_chunks--;
    }
    if (quarantine != 0) {
        retire(chunk);
    } else {
        come_home(chunk);
    }
    if (pool.magazines_full) {
        tend_magazines();
    }
}

void pool_give(descriptor *chunk) {
    ta_budget *payer = slab_take_payer(chunk);
    uint64_t bytes = chunk_bytes(chunk);
    make_ready(chunk);
    os_lock();
    give_locked(chunk);
    purge_doomed();
    os_unlock();
    if (payer != NULL) {
        budget_discharge(payer, bytes);
    }
}

void *pool_new_record(void) {
    void *record = slab_new_record();
    return record == NULL && grow(0) ? slab_new_record() : record;
}

static void *take_record_locked(void) {
    os_lock();
    void *record = pool.free_record;
    if (record != NULL) {
        memcpy(&pool.free_record, record, sizeof(void *));
    } else {
        record = pool_new_record();
    }
    pool.arenas += record != NULL;
    os_unlock();
    return record;
}

void *pool_take_record(descriptor **chunk) {
    void *record = NULL;
    descriptor *warm = NULL;
    magazine *mine = magazine_enter();
    if (mine != NULL) {
        record = magazine_take_record(mine);
        warm = record != NULL && chunk != NULL ? magazine_take(mine, 0) : NULL;
        magazine_leave(mine);
    }
    if (chunk != NULL) {
        *chunk = warm == NULL ? NULL : fresh(warm, false, NULL);
    }
    return record != NULL ? record : take_record_locked();
}

static void give_record(void *record, descriptor *chain) {
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
    bool record_rests = record != NULL && (mine == NULL || !magazine_put_record(mine, record));
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
    purge_doomed();
    os_unlock();
}

static bool has_charged(const descriptor *chunk) {
    while (chunk != NULL && !chunk->charged) {
        chunk = chunk_at(chunk->next);
    }
    return chunk != NULL;
}

/*
 * Leaves a chain with the chunks that the same budget pays for as the first one, and gives the others
 * back: of a reservation, or adopted ones. Returns that budget, or NULL for none, and what it paid.
 */
static ta_budget *keep_one_payer(descriptor *chain, uint64_t *paid) {
    ta_budget *payer = slab_take_payer(chain);
    *paid = chunk_bytes(chain);
    for (descriptor *kept = chain, *chunk; (chunk = chunk_at(kept->next)) != NULL;) {
        if ((chunk->charged ? slab_payer(chunk) : NULL) != payer) {
            kept->next = chunk->next;
            pool_give(chunk);
            continue;
        }
        slab_take_payer(chunk);
        *paid += chunk_bytes(chunk);
        kept = chunk;
    }
    return payer;
}

void pool_give_record(void *record, descriptor *chain) {
    uint64_t paid = 0;
    ta_budget *payer = has_charged(chain) ? keep_one_payer(chain, &paid) : NULL;
    for (descriptor *chunk = chain; chunk != NULL; chunk = chunk_at(chunk->next)) {
        make_ready(chunk);
    }
    give_record(record, chain);
    if (payer != NULL) {
        budget_discharge(payer, paid);
    }
}

/* What nobody can release stays as it is, without pages, unless somebody may still look at them. */
static void purge_if_javas(descriptor *chunk, void *unused) {
    (void)unused;
    if (chunk->state == CHUNK_DETACHED && !chunk->exposed && !chunk_is_natively_pinned(chunk)) {
        os_unlock();
        os_purge((void *)(uintptr_t)chunk->base, dirty_bytes(chunk));
        os_lock();
    }
}

void pool_give_all_pages(void) {
    os_lock();
    slab_each_chunk(purge_if_javas, NULL);
    free_retired(0);
    empty_magazines();
    doom_free(0);
    purge_doomed();
    os_unlock();
}

uint64_t pool_quarantine(void) {
    return quarantine;
}

/* ---- the public side ------------------------------------------------------------------------- */

uint64_t ta_pool_trim(void) {
    os_lock();
    empty_magazines();
    uint64_t given = doom_free(0);
    purge_doomed();
    os_unlock();
    return given;
}

void ta_pool_set_memory_limit(uint64_t bytes) {
    os_lock();
    pool.memory_limit = bytes;
    empty_magazines();
    tend_magazines();
    doom_free(bytes > pool.in_use ? bytes - pool.in_use : 0);
    purge_doomed();
    os_unlock();
}

void ta_pool_set_retained_limit(uint64_t bytes) {
    os_lock();
    pool.retained_limit = bytes;
    tend_magazines();
    doom_free(retained_room());
    purge_doomed();
    os_unlock();
}

ta_status ta_pool_set_quarantine(uint64_t bytes) {
    os_lock();
    uint64_t reserved, committed;
    slab_totals(&reserved, &committed);
    bool in_time = !pool.quarantine_set && reserved == 0;
    if (in_time) {
        quarantine = bytes;
        pool.quarantine_set = true;
    }
    bool is_so = quarantine == bytes;
    os_unlock();
    return is_so ? TA_OK : TA_ERR_ARGUMENT;
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
    now.stray_pins = pool.stray_pins;
    os_unlock();
    memcpy(info, &now, info_size);
    return TA_OK;
}
