/*
 * The pool: who owns chunks and arena records while no arena does. One for this copy of
 * the library, for all threads.
 *
 * Free chunks lie in lists and stacks by order (free_chunks.h). A few lie in front of these, in
 * magazines (magazine.h), for the thread that brought them: a steady workload takes and gives the
 * same warm chunk without the lock, and without splitting or merging. `dirty` says how much of a
 * free chunk may have pages behind it; the sum over all of them stays below the retained limit.
 */
#ifndef TA_CHUNK_POOL_H
#define TA_CHUNK_POOL_H

#include "budget.h"
#include "slab.h"

/*
 * A chunk of at least `least` bytes and, if the system and the limits agree, of `wanted`, which the
 * budget pays for unless it is NULL. Returns NULL with TA_ERR_BUDGET and its depth, TA_ERR_POOL_LIMIT
 * or TA_ERR_NO_MEMORY in *why.
 */
descriptor *pool_take(ta_budget *budget, uint64_t least, uint64_t wanted, bool huge,
                      ta_status *why);

/* How large a chunk is that is taken for so many bytes; no chunk holds more than 2^46. */
uint64_t pool_chunk_bytes(uint64_t bytes);

/* Zeroes what was used of a lent chunk from `from` on, if it is secret. */
void chunk_wipe(descriptor *chunk, uint64_t from);

/* Takes back a USED or DETACHED chunk that nobody pins. */
void pool_give(descriptor *chunk);

/*
 * Counts a chunk as pinned and out of its arena, which had given addresses out if it is exposed; or
 * takes that back because nobody pinned it.
 */
void pool_note_detached(descriptor *chunk, bool exposed);
void pool_note_not_detached(descriptor *chunk);

/*
 * Notes that an address of a pinned chunk leaves, by who holds it beside its arena: its pages stay
 * when the class loader goes. Until the chunk is lent again.
 */
void pool_note_exposed(descriptor *chunk);
bool pool_is_exposed(const descriptor *chunk);

/* Counts a pin that was given back, or added to, and that nobody held. */
void pool_note_stray_pin(void);

/*
 * Memory of SLAB_RECORD_BYTES for one arena, its contents unspecified; NULL when refused. Unless
 * `chunk` is NULL, also a chunk of the smallest size, if the thread's magazine has one beside the
 * record: both for one turn there. Else *chunk is NULL, and pool_take has to find one.
 */
void *pool_take_record(descriptor **chunk);

/* Memory for one record that was never used, with the lock held; NULL when refused. */
void *pool_new_record(void);

/* Takes back a record, NULL for none, and chunks of its arena, linked by next: USED, pinned by nobody. */
void pool_give_record(void *record, descriptor *chain);

/*
 * Gives back the pages of all free chunks, those in magazines and in the quarantine included, and of
 * the chunks that only handles of Java pin: called once Java's classes, and so these, are gone.
 */
void pool_give_all_pages(void);

/* How many bytes must end until ended ones are used again; 0 without a quarantine. */
uint64_t pool_quarantine(void);

#endif
