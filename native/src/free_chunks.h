/*
 * The free chunks of the pool, under its lock: lists by order, split and merged buddy-wise (Knuth,
 * The Art of Computer Programming, 2.5). What is taken is cut to the size that is asked for, see
 * chunk.h; it comes home in whole parts. In front of each list stands a short stack of the chunks of
 * the order that came home last, which are neither split nor merged while they are there. It is for
 * what finds no magazine: larger chunks, pinned ones, many at once. Without it a lone chunk of 1 MiB
 * that is taken and given merges up to its slab and is split anew each time: 182 ns instead of 34.
 */
#ifndef TA_FREE_CHUNKS_H
#define TA_FREE_CHUNKS_H

#include "slab.h"

/* A free chunk of exactly this size, warm if there is one; NULL if no free chunk holds so much. */
descriptor *free_take(uint64_t bytes);

/* Takes in a chunk that nobody uses and whose dirty count is up to date. */
void free_put(descriptor *chunk);

/* Merges what lies on the stacks into the lists. */
void free_merge(void);

/* The first chunk in the list of the order, linked by `next`. */
descriptor *free_listed(uint32_t order);

/* Takes a chunk out of its list. */
void free_remove(descriptor *chunk);

/* How many free chunks may have pages behind them. */
uint64_t free_count(void);

#endif
