/*
 * Slabs: large reservations of address space, made accessible step by step and never given back.
 *
 *   start                                            space (2 MiB aligned)
 *   | ta_slab, bitmaps | descriptors | payers | records ... | chunk space: a power of two ... |
 *
 * One descriptor (64 bytes) and one payer (8) for each 64 KiB of chunk space; records are the arenas' control blocks
 * with their private parts. Heads lie outside the chunk space, so a chunk can be handed out whole
 * and giving its pages back cannot wipe them.
 *
 * The caller holds the pool's lock where a comment does not say otherwise.
 */
#ifndef TA_SLAB_H
#define TA_SLAB_H

#include "chunk.h"

#include <stdatomic.h>

#define SLAB_SPACE_BYTES ((uint64_t)1 << 30) /* chunk space, if no chunk needs more */
#define SLAB_RECORD_BYTES 192u               /* an arena: control block and private part */

typedef struct ta_slab {
    struct ta_slab *next;
    uint64_t size;        /* the whole reservation, from this struct on */
    uint64_t space;       /* first byte of the chunk space */
    uint64_t space_bytes; /* a power of two */
    descriptor *chunks;   /* one for each 64 KiB of chunk space */
    uint64_t records_start;
    uint64_t records;       /* next record never used */
    uint64_t records_ready; /* end of the accessible records */
    uint64_t records_end;
    uint64_t committed; /* bytes of chunk space made accessible */
    _Atomic(ta_budget *)
        *payers;       /* for each 64 KiB: whose budget pays for a chunk that begins there */
    uint64_t *dirty;   /* one bit for each 64 KiB of chunk space that may have pages behind it */
    uint64_t bitmap[]; /* one bit for each commit step of the chunk space; then those of dirty */
} ta_slab;

/* A new slab with room for a chunk of the order; NULL when the system refuses even that. */
ta_slab *slab_create(uint32_t order);

/* Makes a chunk's bytes accessible; false when the system refuses. */
bool slab_commit(const descriptor *chunk);

/* Notes that the first units of 64 KiB of a chunk may have pages behind them, or have none. */
void slab_set_dirty(const descriptor *chunk, uint64_t units, bool dirty);

/* How many 64 KiB of a chunk may have pages behind them. */
uint32_t slab_count_dirty(const descriptor *chunk);

/* How many 64 KiB from its start on have all those that may have pages. */
uint64_t slab_dirty_units(const descriptor *chunk);

/* Notes who pays for a lent chunk, NULL for nobody. Its holder calls this and slab_take_payer, without the lock. */
void slab_note_payer(descriptor *chunk, ta_budget *payer);

/* Takes the note out and returns it, NULL for nobody; the holder discharges him once the chunk is home. */
ta_budget *slab_take_payer(descriptor *chunk);

/* Who pays for any chunk, NULL for nobody. What becomes of him only the lock tells, see budget.c. */
ta_budget *slab_payer(const descriptor *chunk);

/* Memory for one arena, unused so far; NULL when no slab has room or the system refuses. */
void *slab_new_record(void);

/* Calls for each record that was ever used, without the lock. */
void slab_each_record(void (*visit)(void *record));

/*
 * Calls for each chunk of all slabs, lent or free; `visit` may let go of the lock meanwhile, if the
 * chunk that it was given can neither be given back nor merge.
 */
void slab_each_chunk(void (*visit)(descriptor *chunk, void *with), void *with);

/* The other half of the chunk that this one is a half of. */
descriptor *slab_buddy(const descriptor *chunk);

/*
 * Makes the largest whole chunk that begins so many units of 64 KiB behind the start of a chunk and
 * has no more than `units`; its dirty count is not set.
 */
descriptor *slab_part(const descriptor *chunk, uint64_t at, uint64_t units);

/* The slab in which the address lies, NULL if none. Takes the lock itself. */
ta_slab *slab_holding(uint64_t address);

/* Totals over all slabs. */
void slab_totals(uint64_t *reserved, uint64_t *committed);

/* Needs no lock. */
static inline ta_slab *slab_of_chunk(const descriptor *chunk) {
    return (ta_slab *)(uintptr_t)chunk->slab;
}

#endif
