/*
 * Magazines: a few chunks and records that came home last, for the thread that brought them. Threads
 * that open and close arenas all the time find warm memory there without meeting at the pool's lock.
 * The name and the idea are those of Bonwick and Adams, "Magazines and Vmem" (2001); their magazines
 * belong to a processor, these to the threads with the same hash.
 *
 * The pool's books count what lies in a magazine as lent; who asks for totals subtracts it. Each
 * magazine has a lock of its own. A thread that finds it taken goes without the magazine; only
 * magazines_empty and magazines_totals wait, with the pool's lock held. So a thread that is in a
 * magazine must not take the pool's lock.
 */
#ifndef TA_MAGAZINE_H
#define TA_MAGAZINE_H

#include "slab.h"

#define MAGAZINES 64u
#define MAGAZINE_ORDERS SMALL_ORDERS /* there is room for one whole chunk of each of these orders */

/* The most that lies in all magazines together. */
#define MAGAZINES_BYTES \
    (MAGAZINES * (((uint64_t)TA_MIN_CHUNK_BYTES << MAGAZINE_ORDERS) - TA_MIN_CHUNK_BYTES))

typedef struct magazine magazine;

/* Enters the calling thread's magazine, until it leaves; NULL if another thread is in it. */
magazine *magazine_enter(void);
void magazine_leave(magazine *entered);

/* Takes out a whole chunk of exactly the order; NULL if there is none. */
descriptor *magazine_take(magazine *entered, uint32_t order);

/* Puts in a chunk that nobody pins; false if there is no room for it, or it is not a whole one. */
bool magazine_put(magazine *entered, descriptor *chunk);

/* Takes out a record; NULL if there is none. */
void *magazine_take_record(magazine *entered);

/* Puts in a record; false if there is no room for it. */
bool magazine_put_record(magazine *entered, void *record);

/* Empties all magazines. From then on they have room, or none, until the next call. */
void magazines_empty(bool room, void (*home)(descriptor *chunk), void (*record_home)(void *record));

typedef struct {
    uint64_t bytes, chunks, records;
} magazine_totals;

/* What lies in all magazines. */
magazine_totals magazines_totals(void);

#endif
