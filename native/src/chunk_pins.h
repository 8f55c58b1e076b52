/*
 * Who keeps a chunk: the count protocol of lifetimes. The owner counts in owner_pins, plainly; all
 * others in the atomic word. Until the owner detaches the chunk its own part is not in the word, so
 * the word alone says nothing, and retains are unconditional since the arena itself holds on. Detach
 * adds the owner's part and sets DETACHED in one step; from then on the step to zero frees.
 */
#ifndef TA_CHUNK_PINS_H
#define TA_CHUNK_PINS_H

#include "tensorarena.h"

#include <stdbool.h>

/* Owner, before detach: whether anybody pins the chunk. False orders all their reads before it. */
bool chunk_is_pinned(ta_chunk *chunk);

/* Owner, nobody pins the chunk: the counts start anew. */
void chunk_forget_pins(ta_chunk *chunk);

/* Owner: lets go of a pinned chunk. False when the last pin went meanwhile: it is still the owner's. */
bool chunk_detach(ta_chunk *chunk);

#endif
