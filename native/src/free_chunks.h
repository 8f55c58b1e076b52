/*
 * The free chunks of the pool, under its lock: lists by order, split and merged buddy-wise (Knuth,
 * The Art of Computer Programming, 2.5), and in front of them a short stack per order of chunks that
 * came home last, which are neither split nor merged while they are there.
 */
#ifndef TA_FREE_CHUNKS_H
#define TA_FREE_CHUNKS_H

#include "slab.h"

/* A free chunk of exactly the order, warm if there is one; NULL if no free chunk holds so much. */
ta_chunk *free_take(uint32_t order);

/* Takes a chunk in that nobody uses, with its dirty count up to date. */
void free_put(ta_chunk *chunk);

/* Merges what lies on the stacks into the lists. */
void free_merge(void);

/* The first chunk in the list of the order, linked by `next`. */
ta_chunk *free_listed(uint32_t order);

/* How many free chunks may have pages behind them. */
uint64_t free_count(void);

#endif
