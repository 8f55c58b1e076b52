/* The part of an arena behind its public control block. Owner only, like the control block. */
#ifndef TA_ARENA_PRIVATE_H
#define TA_ARENA_PRIVATE_H

#include "chunk_pool.h"

#include <stddef.h>

typedef struct {
    ta_arena control;
    uint64_t opened_millis; /* for Java, which reads it behind the control block */
    uint64_t openings;      /* for Java, too: how many arenas this record has been before */
    uint64_t open;          /* ARENA_OPEN while the arena is open */
    ta_chunk
        *first; /* the chain: filled chunks, the current one, then spares for the next refills */
    uint64_t capacity;
    uint64_t memory_limit;
    uint64_t flags;
    uint64_t reserved; /* bytes of the chain */
    uint64_t chunks;   /* chunks of the chain */
    uint64_t refills;
    uint64_t peak;   /* highest charge before the last reset; control.peak has it since then */
    uint64_t demand; /* what the last cycles used, decaying: the size to keep at a reset */
} arena;

_Static_assert(sizeof(ta_arena) == 64, "the control block is part of the ABI");
_Static_assert(sizeof(ta_chunk) == 64, "the descriptor is part of the ABI");
_Static_assert(offsetof(arena, opened_millis) == sizeof(ta_arena), "Arena.java reads it there");
_Static_assert(offsetof(arena, openings) == sizeof(ta_arena) + 8, "Arena.java reads it there");
_Static_assert(sizeof(arena) <= SLAB_RECORD_BYTES, "an arena fits its record");

/* The chunk in which these bytes were handed out, NULL if in none of an open arena. */
ta_chunk *arena_chunk_of(const ta_arena *control, uint64_t address, uint64_t size);

#endif
