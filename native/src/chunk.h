/*
 * A chunk's descriptor as the library sees it, and what follows from it alone. `shown` is what the
 * public header declares; the words have the same names here, and those in its reserved[] get theirs.
 *
 * States of a descriptor:
 *
 *   INTERIOR  inside a larger chunk, or merged into its buddy
 *   FREE      in the list of its order
 *   CACHED    on the stack of its order
 *   USED      held by an arena, or in a magazine
 *   DETACHED  left its arena with pins; comes home with the last release
 *   RETIRED   in the quarantine's queue
 */
#ifndef TA_CHUNK_H
#define TA_CHUNK_H

#include "tensorarena.h"

#include <stdbool.h>
#include <stddef.h>

#define CHUNK_ORDERS 31 /* a chunk of order k has 64 KiB << k */

enum { CHUNK_INTERIOR, CHUNK_FREE, CHUNK_CACHED, CHUNK_USED, CHUNK_DETACHED, CHUNK_RETIRED };

typedef union {
    ta_chunk shown;
    struct {
        uint64_t word;
        int64_t owner_pins;
        uint64_t floor;
        uint64_t base;
        uint64_t slab;
        uint64_t next; /* of the chain, list, stack or queue that the chunk is in */
        union {
            uint64_t prev;     /* FREE: of the list */
            uint64_t used_end; /* lent: how far the cursor had come when it last left the chunk */
        };
        uint32_t dirty; /* how many 64 KiB of a free chunk may have pages behind them */
        uint8_t order;
        uint8_t state;
        uint8_t huge;   /* on huge pages, as its arena asked */
        uint8_t secret; /* to be zeroed, as its arena asked */
    };
} descriptor;

_Static_assert(sizeof(descriptor) == sizeof(ta_chunk), "the private words fill reserved[]");
_Static_assert(offsetof(descriptor, next) == offsetof(ta_chunk, reserved), "and nothing else");
_Static_assert((uint64_t)TA_MIN_CHUNK_BYTES << (CHUNK_ORDERS - 1) == TA_MAX_CAPACITY,
               "the largest chunk holds the largest capacity");

/* Of what a user holds. */
static inline descriptor *descriptor_of(ta_chunk *chunk) {
    return (descriptor *)chunk;
}

/* Links and descriptors are words in the ABI. */
static inline descriptor *chunk_at(uint64_t address) {
    return (descriptor *)(uintptr_t)address;
}

static inline uint64_t chunk_address(const descriptor *chunk) {
    return (uint64_t)(uintptr_t)chunk;
}

static inline uint64_t chunk_bytes(const descriptor *chunk) {
    return (uint64_t)TA_MIN_CHUNK_BYTES << chunk->order;
}

static inline uint64_t chunk_end(const descriptor *chunk) {
    return chunk->base + chunk_bytes(chunk);
}

/* The smallest order whose chunks hold bytes; CHUNK_ORDERS when none does. */
static inline uint32_t order_of(uint64_t bytes) {
    uint32_t order = 0;
    while (order < CHUNK_ORDERS && ((uint64_t)TA_MIN_CHUNK_BYTES << order) < bytes) {
        order++;
    }
    return order;
}

#endif
