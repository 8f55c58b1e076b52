/*
 * Slabs: large reservations of address space, made accessible step by step, never taken back.
 *
 *   start                                            space (2 MiB aligned)
 *   | ta_slab, bitmaps | descriptors | records ... | chunk space: a power of two ... |
 *
 * One descriptor (64 bytes) for each 64 KiB of chunk space; records are the arenas' control blocks
 * with their private parts. Heads lie outside the chunk space, so a chunk can be handed out whole
 * and giving its pages back cannot wipe them.
 *
 * All functions want the pool's lock where they do not say otherwise; the inline ones need none.
 */
#ifndef TA_SLAB_H
#define TA_SLAB_H

#include "tensorarena.h"

#include <stdbool.h>

#define SLAB_SPACE_BYTES ((uint64_t)1 << 30) /* chunk space that is tried for first */
#define SLAB_ORDERS 32                       /* a chunk of order k has 64 KiB << k */
#define SLAB_RECORD_BYTES 192u               /* an arena: control block and private part */

typedef struct ta_slab {
    struct ta_slab *next;
    uint64_t size;          /* the whole reservation, from this struct on */
    uint64_t space;         /* first byte of the chunk space */
    uint64_t space_bytes;   /* a power of two */
    ta_chunk *chunks;       /* descriptors */
    uint64_t records;       /* next record never used */
    uint64_t records_ready; /* end of the accessible records */
    uint64_t records_end;
    uint64_t committed; /* bytes of chunk space made accessible */
    uint64_t *dirty;    /* one bit for each 64 KiB of chunk space that may have pages behind it */
    uint64_t bitmap[];  /* one bit for each commit step of the chunk space; then those of dirty */
} ta_slab;

/* A new slab with room for a chunk of the order; NULL when the system refuses even that. */
ta_slab *slab_create(uint32_t order);

/* Makes a chunk's bytes accessible; false when the system refuses. */
bool slab_commit(const ta_chunk *chunk);

/* Notes that all of a chunk may have pages behind it, or none. */
void slab_set_dirty(ta_chunk *chunk, bool dirty);

/* How many 64 KiB of a chunk may have pages behind them. */
uint32_t slab_count_dirty(const ta_chunk *chunk);

/* Memory for one arena, unused so far, from any slab or a new one; NULL when refused. */
void *slab_new_record(void);

/* The descriptor of the chunk of the same order that this one was split from its parent with. */
ta_chunk *slab_buddy(const ta_chunk *chunk);

/* The slab in which the address lies, NULL if none. Takes the lock itself. */
ta_slab *slab_holding(uint64_t address);

/* Totals over all slabs. */
void slab_totals(uint64_t *reserved, uint64_t *committed);

static inline ta_slab *slab_of_chunk(const ta_chunk *chunk) {
    return (ta_slab *)(uintptr_t)chunk->slab;
}

/* Links and descriptors are words in the ABI. */
static inline ta_chunk *chunk_at(uint64_t address) {
    return (ta_chunk *)(uintptr_t)address;
}

static inline uint64_t chunk_address(const ta_chunk *chunk) {
    return (uint64_t)(uintptr_t)chunk;
}

static inline uint64_t chunk_bytes(const ta_chunk *chunk) {
    return (uint64_t)TA_MIN_CHUNK_BYTES << chunk->order;
}

static inline uint64_t chunk_end(const ta_chunk *chunk) {
    return chunk->base + chunk_bytes(chunk);
}

/* The smallest order whose chunks hold bytes; SLAB_ORDERS when none does. */
static inline uint32_t order_of(uint64_t bytes) {
    uint32_t order = 0;
    while (order < SLAB_ORDERS && ((uint64_t)TA_MIN_CHUNK_BYTES << order) < bytes) {
        order++;
    }
    return order;
}

#endif
