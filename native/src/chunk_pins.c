#include "chunk_pins.h"

#include "arena_private.h"

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

bool chunk_is_pinned(descriptor *chunk) {
    uint64_t word = atomic_load_explicit(word_of(&chunk->shown), memory_order_acquire);
    return count_of(word) + chunk->owner_pins != 0;
}

void chunk_forget_pins(descriptor *chunk) {
    atomic_store_explicit(word_of(&chunk->shown), 0, memory_order_relaxed);
    chunk->owner_pins = 0;
    chunk->floor = 0;
}

void chunk_let_go(descriptor *chunk) {
    atomic_store_explicit(word_of(&chunk->shown), DETACHED, memory_order_relaxed);
}

bool chunk_detach(descriptor *chunk) {
    /* Counted in before others see the bit: who releases the last pin counts it out again. */
    pool_note_detached(chunk, true);
    uint64_t mine = (uint64_t)chunk->owner_pins * ONE_PIN + DETACHED;
    uint64_t word =
        atomic_fetch_add_explicit(word_of(&chunk->shown), mine, memory_order_acq_rel) + mine;
    if (count_of(word) < 0) {
        pool_note_stray_pin(); /* nobody will ever count it up to zero: it stays where it is */
    }
    if (count_of(word) != 0) {
        return true;
    }
    pool_note_detached(chunk, false);
    return false;
}

descriptor *chunk_handing_out(const ta_arena *control, uint64_t address, uint64_t size) {
    const arena *a = arena_of(control);
    const descriptor *current = arena_current(a);
    for (descriptor *chunk = a->first; current != NULL; chunk = chunk_at(chunk->next)) {
        uint64_t end = chunk == current ? control->cursor : chunk->used_end;
        if (address >= chunk->base && address <= end && size <= end - address) {
            return chunk;
        }
        if (chunk == current) {
            break; /* behind it there are spares */
        }
    }
    return NULL;
}

ta_chunk *ta_pin(ta_arena *control, const void *ptr, uint64_t size) {
    uint64_t start = (uint64_t)(uintptr_t)ptr;
    descriptor *chunk = arena_is_open(control) ? chunk_handing_out(control, start, size) : NULL;
    if (chunk == NULL) {
        return NULL;
    }
    chunk->owner_pins++;
    chunk->floor = start + size > chunk->floor ? start + size : chunk->floor;
    return &chunk->shown;
}

/* Adds to the pins of a chunk and returns the new word; 0 if it has left its arena without any. */
static uint64_t add_pins(ta_chunk *chunk, uint64_t pins, memory_order order) {
    uint64_t word = atomic_load_explicit(word_of(chunk), memory_order_relaxed);
    do {
        if ((word & DETACHED) != 0 && count_of(word) <= 0) {
            pool_note_stray_pin();
            return 0;
        }
    } while (!atomic_compare_exchange_weak_explicit(word_of(chunk), &word, word + pins, order,
                                                    memory_order_relaxed));
    return word + pins;
}

void ta_chunk_retain(ta_chunk *chunk) {
    if (chunk != NULL) {
        add_pins(chunk, ONE_PIN, memory_order_relaxed);
    }
}

void ta_chunk_release(ta_chunk *chunk) {
    if (chunk != NULL && add_pins(chunk, -ONE_PIN, memory_order_release) == DETACHED) {
        /* Acquires what the other releases ordered; a load, since ThreadSanitizer knows no fence. */
        (void)atomic_load_explicit(word_of(chunk), memory_order_acquire);
        pool_give(descriptor_of(chunk));
    }
}
