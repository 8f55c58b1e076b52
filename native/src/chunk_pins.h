/*
 * Pins: who keeps a chunk, and the protocol of their counts. The owner counts its own pins in
 * owner_pins, without atomics; all others count in the atomic word. While the chunk is its arena's,
 * the owner's part is not in the word, so the word alone says nothing, and nobody needs to ask before
 * a retain, because the arena holds the chunk. Detach adds the owner's part and sets DETACHED in one
 * step; from then on the release that makes the count zero gives the chunk back.
 *
 * The pins of native code (ta_pin, ta_chunk_retain) are in the word's count like all others, and once
 * more above it, by the same atomic step: while there are any, Java gives nobody bytes of the chunk to
 * write that were shared.
 *
 * A release too many is seen where the counts say so: of a chunk that nobody pins it changes nothing,
 * and a chunk that is not pinned by native code is never used again. Both are counted
 * (ta_pool_info.stray_pins). While other native code pins the chunk one pin too few cannot be told from
 * one that was given back.
 */
#ifndef TA_CHUNK_PINS_H
#define TA_CHUNK_PINS_H

#include "chunk.h"

/* Owner: the chunk in which these bytes were handed out and have not ended; NULL if in none. */
descriptor *chunk_handing_out(const ta_arena *control, uint64_t address, uint64_t size);

/* Owner, for Java: pins bytes; NULL if ta_pin would refuse them. Any thread gives the pin back. */
descriptor *chunk_pin(ta_arena *control, uint64_t address, uint64_t size);
void chunk_release(descriptor *chunk);

/* Any thread, for Java: one pin more on a chunk of which the caller has one. */
void chunk_retain(descriptor *chunk);

/* Whether native code pins the chunk. Any thread. */
bool chunk_is_natively_pinned(descriptor *chunk);

/* Owner, before detach: whether anybody pins the chunk. If nobody, all their accesses came before. */
bool chunk_is_pinned(descriptor *chunk);

/* Owner, when nobody pins the chunk: the counts start anew. */
void chunk_forget_pins(descriptor *chunk);

/*
 * Whoever gives a chunk back that nobody pins: from now on, until an arena takes it, a retain or a
 * release is a mistake and is known as one.
 */
void chunk_let_go(descriptor *chunk);

/*
 * Owner: lets go of a pinned chunk, of which addresses were given out if it is exposed. False if the
 * last pin went meanwhile: the owner keeps it.
 */
bool chunk_detach(descriptor *chunk, bool exposed);

#endif
