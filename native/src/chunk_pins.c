#include "chunk_pins.h"

#include "chunk_pool.h"

#include <assert.h>
#include <stdatomic.h>

#define DETACHED ((uint64_t)1)
#define ONE_PIN ((uint64_t)2)

/* The public header has no _Atomic; the word is accessed as one everywhere in the library. */
static _Atomic uint64_t *word_of(ta_chunk *chunk) {
    return (_Atomic uint64_t *)&chunk->word;
}

static int64_t count_of(uint64_t word) {
    return (int64_t)(word & ~DETACHED) / (int64_t)ONE_PIN;
}

bool chunk_is_pinned(ta_chunk *chunk) {
    uint64_t word = atomic_load_explicit(word_of(chunk), memory_order_acquire);
    return count_of(word) + chunk->owner_pins != 0;
}

void chunk_forget_pins(ta_chunk *chunk) {
    atomic_store_explicit(word_of(chunk), 0, memory_order_relaxed);
    chunk->owner_pins = 0;
    chunk->floor = 0;
}

bool chunk_detach(ta_chunk *chunk) {
    /* Counted before the bit is seen: whoever takes the last pin away counts it out again. */
    pool_note_detached(chunk, true);
    uint64_t mine = (uint64_t)chunk->owner_pins * ONE_PIN + DETACHED;
    uint64_t word = atomic_fetch_add_explicit(word_of(chunk), mine, memory_order_acq_rel) + mine;
    if (count_of(word) != 0) {
        return true;
    }
    pool_note_detached(chunk, false);
    return false;
}

void ta_chunk_retain(ta_chunk *chunk) {
    atomic_fetch_add_explicit(word_of(chunk), ONE_PIN, memory_order_relaxed);
}

void ta_chunk_release(ta_chunk *chunk) {
    uint64_t word =
        atomic_fetch_sub_explicit(word_of(chunk), ONE_PIN, memory_order_release) - ONE_PIN;
    assert(((word & DETACHED) == 0 || count_of(word) >= 0) && "released once too often");
    if (word == DETACHED) {
        /* Acquires what the other releases ordered; a load, since ThreadSanitizer knows no fence. */
        (void)atomic_load_explicit(word_of(chunk), memory_order_acquire);
        pool_give(chunk);
    }
}
