/*
 * The one recycling owner of chunks and arena records, for the whole process and any thread.
 *
 * Free chunks lie in lists and stacks by order (free_chunks.h), and a few in front of them, at hand
 * for each thread, in magazines (magazine.h): a steady workload takes and gives the same warm chunk
 * without the lock, without splitting or merging. `dirty` says how much of a free chunk may have
 * pages behind it; their sum is held under the retained limit.
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
#ifndef TA_CHUNK_POOL_H
#define TA_CHUNK_POOL_H

#include "slab.h"

enum { CHUNK_INTERIOR, CHUNK_FREE, CHUNK_CACHED, CHUNK_USED, CHUNK_DETACHED, CHUNK_RETIRED };

/*
 * A chunk of at least `least` bytes and, if the system and the limits agree, of `wanted`. Returns
 * NULL with TA_ERR_POOL_LIMIT or TA_ERR_NO_MEMORY in *why.
 */
ta_chunk *pool_take(uint64_t least, uint64_t wanted, bool huge, ta_status *why);

/* Zeroes what was used of a lent chunk from `from` on, if it is secret. */
void chunk_wipe(ta_chunk *chunk, uint64_t from);

/* Takes back a USED or DETACHED chunk that nobody pins. */
void pool_give(ta_chunk *chunk);

/* Counts a chunk as pinned and out of its arena, or takes that back because nobody pinned it. */
void pool_note_detached(ta_chunk *chunk, bool detached);

/* SLAB_RECORD_BYTES for one arena, contents unspecified; NULL when the system refuses. */
void *pool_take_record(void);

/* Takes back a record and what is left of its arena's chain, USED chunks that nobody pins. */
void pool_give_record(void *record, ta_chunk *chain);

/* Bytes that ended memory rests before it is used again; 0 without quarantine. */
uint64_t pool_quarantine(void);

#endif
