/*
 * What the files of the pool share: chunk_pool.c lends chunks, free_pages.c knows and gives back the
 * pages of those that are free, pool_pins.c notes what becomes of pinned ones. The caller holds the
 * pool's lock for all that is declared here.
 */
#ifndef TA_POOL_PRIVATE_H
#define TA_POOL_PRIVATE_H

#include "chunk_pool.h"
#include "magazine.h"

/* All of it under the lock of os.h. */
typedef struct {
    void *free_record;
    descriptor *retired_first;
    descriptor *retired_last;
    uint64_t retired_bytes;
    uint64_t arenas;
    uint64_t stray_pins;
    uint64_t in_use, in_use_chunks;
    uint64_t pinned, pinned_chunks;
    uint64_t retained;     /* dirty bytes of free chunks but for doomed and those in magazines */
    descriptor *doomed;    /* free chunks whose pages are to go, linked by next */
    uint64_t doomed_bytes; /* dirty bytes of these, and of those that are being purged */
    uint64_t memory_limit;
    uint64_t retained_limit;
    bool quarantine_set;
    bool magazines_full; /* every chunk comes home through the lock */
} pool_state;

extern pool_state pool;

/* The bytes of a chunk that may have pages, see the descriptor. */
static inline uint64_t dirty_bytes(const descriptor *chunk) {
    return (uint64_t)chunk->dirty * TA_MIN_CHUNK_BYTES;
}

/* Whether all of a chunk may have pages behind it, as after every use. Then all is committed. */
static inline bool is_all_dirty(const descriptor *chunk) {
    return dirty_bytes(chunk) == chunk_bytes(chunk);
}

/* ---- chunk_pool.c ---------------------------------------------------------------------------- */

/* Brings all free chunks into the lists, merged as far as possible. */
void gather_free(void);

/* ---- free_pages.c ---------------------------------------------------------------------------- */

/*
 * Takes in a chunk that nobody has any more. Its pages may be too many: whoever calls this calls
 * purge_doomed once its own work is done.
 */
void come_home(descriptor *chunk);

/* What may be retained outside of magazines. */
uint64_t retained_room(void);

/* Gives the pages of doomed chunks back, which may take long: lets go of the lock meanwhile. */
void purge_doomed(void);

/*
 * Dooms free chunks, the largest first, until at most `keep` bytes are retained; returns how many
 * bytes of pages go so, in the caller's purge_doomed.
 */
uint64_t doom_free(uint64_t keep);

/*
 * Whether a chunk of this size may be had once what is doomed has been purged; if so, purges it or
 * waits while other threads do.
 */
bool wait_for_purge(uint64_t bytes);

#endif
