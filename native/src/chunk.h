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
 *   PURGED    free, and its pages are about to go
 */
#ifndef TA_CHUNK_H
#define TA_CHUNK_H

#include "tensorarena.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A chunk of order k lies in 64 KiB << k, at a multiple of that. It is cut to the sixteenths of that
 * which its taker needs, but not below multiples of 64 KiB; what lies behind them is free. So at most
 * an eighth of a chunk is more than was asked for, rounded up to 64 KiB.
 */
#define CHUNK_ORDERS 31
#define HUGE_PAGE_BYTES ((uint64_t)2 << 20)
#define SMALL_ORDERS 3u /* of these magazines keep whole ones, and their pages are not watched */

enum {
    CHUNK_INTERIOR,
    CHUNK_FREE,
    CHUNK_CACHED,
    CHUNK_USED,
    CHUNK_DETACHED,
    CHUNK_RETIRED,
    CHUNK_PURGED
};

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
        uint32_t dirty; /* how many 64 KiB may have pages: free, in all; lent, from its start on */
        uint8_t order : 5; /* both under the pool's lock, where who merges reads its buddy's */
        uint8_t state : 3;
        uint8_t sixteenths;  /* of its order */
        uint8_t exposed;     /* an address left Java; not only the owner writes this */
        uint8_t warm : 1;    /* the owner's six; lent: all of it had pages before */
        uint8_t huge : 1;    /* on huge pages, as its arena asked */
        uint8_t secret : 1;  /* to be zeroed, as its arena asked */
        uint8_t large : 1;   /* its arena's, for one allocation: the cursor is never in it */
        uint8_t charged : 1; /* a budget pays for it: its slab's table says which */
        uint8_t adopted : 1; /* large, and was another arena's: it goes home when it ends */
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
    return ((uint64_t)(TA_MIN_CHUNK_BYTES / 16) << chunk->order) * chunk->sixteenths;
}

/* Its size in units of 64 KiB. */
static inline uint64_t chunk_units(const descriptor *chunk) {
    return chunk_bytes(chunk) / TA_MIN_CHUNK_BYTES;
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

/* The size of a chunk of the order that is not cut. */
static inline uint64_t whole_bytes(uint32_t order) {
    return (uint64_t)TA_MIN_CHUNK_BYTES << order;
}

/* How large a chunk is that is taken for so many bytes, up to the largest chunk. */
static inline uint64_t cut_bytes(uint64_t bytes) {
    if (bytes <= TA_MIN_CHUNK_BYTES) {
        return TA_MIN_CHUNK_BYTES;
    }
    uint64_t step = whole_bytes(order_of(bytes)) / 16;
    step = step < TA_MIN_CHUNK_BYTES ? TA_MIN_CHUNK_BYTES : step;
    return (bytes + step - 1) & ~(step - 1);
}

/* The next smaller size to try: a power of two, but not below the least. */
static inline uint64_t chunk_smaller(uint64_t bytes, uint64_t least) {
    uint64_t half = whole_bytes(order_of(bytes)) / 2;
    return half > least ? half : least;
}

/* Notes that so many bytes from a lent chunk's start on may have been touched, or all that it has. */
static inline void chunk_note_touched(descriptor *chunk, uint64_t bytes) {
    if (chunk->dirty == chunk_units(chunk)) {
        return; /* no end of a small or of a warm chunk has to count */
    }
    uint64_t page = chunk->huge ? HUGE_PAGE_BYTES : TA_MIN_CHUNK_BYTES;
    uint64_t units = (bytes + page - 1) / page * (page / TA_MIN_CHUNK_BYTES);
    if (units > chunk->dirty) {
        chunk->dirty = (uint32_t)(units < chunk_units(chunk) ? units : chunk_units(chunk));
    }
}

/*
 * Takes the smallest chunk that holds so much out of a list, linked by `next`; NULL if none does. Of
 * equal ones, that is the one that was put in last.
 */
static inline descriptor *chunks_take_best(descriptor **first, uint64_t bytes) {
    descriptor *best = NULL, *before_best = NULL, *before = NULL;
    for (descriptor *chunk = *first; chunk != NULL; chunk = chunk_at(chunk->next)) {
        uint64_t size = chunk_bytes(chunk);
        if (size >= bytes && (best == NULL || size < chunk_bytes(best))) {
            best = chunk;
            before_best = before;
        }
        if (size == bytes) {
            break;
        }
        before = chunk;
    }
    if (best == NULL) {
        return NULL;
    }
    if (before_best == NULL) {
        *first = chunk_at(best->next);
    } else {
        before_best->next = best->next;
    }
    return best;
}

/* Gives a chunk this size, one of cut_bytes for its order. */
static inline void chunk_set_bytes(descriptor *chunk, uint64_t bytes) {
    chunk->sixteenths = (uint8_t)(bytes * 16 >> chunk->order >> 16);
}

#endif
