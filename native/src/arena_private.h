/* An arena: its public control block and what lies behind it. Owner only. */
#ifndef TA_ARENA_PRIVATE_H
#define TA_ARENA_PRIVATE_H

#include "chunk_pool.h"

/* A reset gives a chunk back that is so many times too large. Arena.java asks it, too. */
#define FAR_TOO_LARGE 8

typedef struct {
    ta_arena control;
    uint64_t open;     /* ARENA_OPEN while the arena is open */
    descriptor *first; /* the chain: filled chunks, the current one, then spares for refills */
    uint64_t capacity;
    uint64_t memory_limit;
    uint64_t flags;
    uint64_t reserved; /* bytes of the chain */
    uint64_t chunks;   /* chunks of the chain */
    uint64_t refills;
    uint64_t peak;   /* highest charge before the last reset; control.peak has it since then */
    uint64_t demand; /* what the last cycles used, decaying: the size to keep at a reset */
} arena;

_Static_assert(sizeof(ta_arena) == 80, "the control block is part of the ABI");
_Static_assert(sizeof(ta_chunk) == 64, "the descriptor is part of the ABI");
_Static_assert(sizeof(arena) <= SLAB_RECORD_BYTES, "an arena fits its record");

/*
 * What marks an open arena: an address in this copy of the library, so that another copy in the same
 * process, with a pool of its own, refuses the arena instead of mixing chunks into its chain.
 */
extern const char arena_open_mark;
#define ARENA_OPEN ((uint64_t)(uintptr_t)&arena_open_mark)

/*
 * Does what ta_reset does after so many cycles, of which some ended without C, whose highest charge
 * was recent_peak; PEAK_IS_NOTED if it is the one in the control block.
 */
ta_status arena_reset(ta_arena *control, uint32_t cycles, uint64_t recent_peak);
#define PEAK_IS_NOTED UINT64_MAX

static inline arena *arena_of(const ta_arena *control) {
    return (arena *)(uintptr_t)control;
}

static inline bool arena_is_open(const ta_arena *control) {
    return control != NULL && arena_of(control)->open == ARENA_OPEN;
}

/* The chunk in which the arena allocates, NULL if it has none. */
static inline descriptor *arena_current(const arena *a) {
    return chunk_at(a->control.chunk);
}

#endif
