#include "chunk_pins.h"

#include "arena_private.h"

#include <stdatomic.h>

#define DETACHED ((uint64_t)1)
#define ONE_PIN ((uint64_t)2)
#define NATIVE_SHIFT 36 /* ChunkPins.java reads them, too */
#define ONE_NATIVE_PIN (ONE_PIN + ((uint64_t)1 << NATIVE_SHIFT))

/* The public header has no _Atomic; the word is accessed as one everywhere in the library. */
static _Atomic uint64_t *word_of(ta_chunk *chunk) {
    return (_Atomic uint64_t *)&chunk->word;
}

/* The low bits of the word, which are signed. */
static int64_t low_of(uint64_t word) {
    return (int64_t)(word << (64 - NATIVE_SHIFT)) / ((int64_t)1 << (64 - NATIVE_SHIFT));
}

static int64_t count_of(uint64_t word) {
    return low_of(word & ~DETACHED) / (int64_t)ONE_PIN;
}

static uint64_t native_of(uint64_t word) {
    return (word - (uint64_t)low_of(word)) >> NATIVE_SHIFT;
}

bool chunk_is_natively_pinned(descriptor *chunk) {
    return native_of(atomic_load_explicit(word_of(&chunk->shown), memory_order_acquire)) != 0;
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

bool chunk_detach(descriptor *chunk, bool exposed) {
    /* Counted in before others see the bit: who releases the last pin counts it out again. */
    pool_note_detached(chunk, exposed);
    uint64_t mine = (uint64_t)chunk->owner_pins * ONE_PIN + DETACHED;
    uint64_t word =
        atomic_fetch_add_explicit(word_of(&chunk->shown), mine, memory_order_acq_rel) + mine;
    if (count_of(word) < 0) {
        pool_note_stray_pin(); /* nobody will ever count it up to zero: it stays where it is */
    }
    if (count_of(word) != 0) {
        return true;
    }
    pool_note_not_detached(chunk);
    return false;
}

descriptor *chunk_handing_out(const ta_arena *control, uint64_t address, uint64_t size) {
    const arena *a = arena_of(control);
    const descriptor *current = arena_current(a);
    for (descriptor *chunk = arena_newest(a); chunk != NULL; chunk = chunk_at(chunk->next)) {
        uint64_t end = chunk == current ? control->cursor : chunk->used_end;
        if (address >= chunk->base && address <= end && size <= end - address) {
            return chunk;
        }
    }
    return NULL;
}

/* The chunk of these bytes, which is about to be pinned, with its floor at their end or above. */
static descriptor *floored(ta_arena *control, uint64_t start, uint64_t size) {
    descriptor *chunk = arena_is_open(control) ? chunk_handing_out(control, start, size) : NULL;
    if (chunk != NULL && start + size > chunk->floor) {
        chunk->floor = start + size;
    }
    return chunk;
}

descriptor *chunk_pin(ta_arena *control, uint64_t address, uint64_t size) {
    descriptor *chunk = floored(control, address, size);
    if (chunk != NULL) {
        chunk->owner_pins++;
    }
    return chunk;
}

/*
 * Adds to the pins of a chunk and returns the new word, or 0 for a mistake. A chunk that has left its
 * arena without pins stays as it is. One that has a native pin given back that it does not have gets a
 * pin instead that nobody holds: its books are wrong, and it is never used again.
 */
static uint64_t add_pins(ta_chunk *chunk, uint64_t pins, memory_order order) {
    uint64_t word = atomic_load_explicit(word_of(chunk), memory_order_relaxed);
    bool mistake;
    uint64_t step;
    do {
        if ((word & DETACHED) != 0 && count_of(word) <= 0) {
            pool_note_stray_pin();
            return 0;
        }
        mistake = pins == -ONE_NATIVE_PIN && native_of(word) == 0;
        step = mistake ? ONE_PIN : pins;
    } while (!atomic_compare_exchange_weak_explicit(word_of(chunk), &word, word + step, order,
                                                    memory_order_relaxed));
    if (mistake) {
        pool_note_stray_pin();
        return 0;
    }
    return word + step;
}

static void release(ta_chunk *chunk, uint64_t pin) {
    if (add_pins(chunk, -pin, memory_order_release) == DETACHED) {
        /* Acquires what the other releases ordered; a load, since ThreadSanitizer knows no fence. */
        (void)atomic_load_explicit(word_of(chunk), memory_order_acquire);
        pool_give(descriptor_of(chunk));
    }
}

void chunk_release(descriptor *chunk) {
    release(&chunk->shown, ONE_PIN);
}

void chunk_retain(descriptor *chunk) {
    add_pins(&chunk->shown, ONE_PIN, memory_order_relaxed);
}

ta_chunk *ta_pin(ta_arena *control, const void *ptr, uint64_t size) {
    descriptor *chunk = floored(control, (uint64_t)(uintptr_t)ptr, size);
    if (chunk == NULL) {
        return NULL;
    }
    add_pins(&chunk->shown, ONE_NATIVE_PIN, memory_order_relaxed);
    return &chunk->shown;
}

void ta_chunk_retain(ta_chunk *chunk) {
    if (chunk != NULL) {
        add_pins(chunk, ONE_NATIVE_PIN, memory_order_relaxed);
    }
}

void ta_chunk_release(ta_chunk *chunk) {
    if (chunk != NULL) {
        release(chunk, ONE_NATIVE_PIN);
    }
}
