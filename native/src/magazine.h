/*
 * Magazines: chunks and records that came home last, kept at hand for the thread that brought them.
 * Threads that open and close arenas all the time then find warm memory without meeting in the
 * pool's lock. The name and the idea are those of Bonwick and Adams, "Magazines and Vmem" (2001);
 * their magazines belong to a processor, these to the threads of one hash.
 *
 * To the pool's books what lies in a magazine is still lent; who asks for totals takes it off. Each
 * magazine has a lock of its own that is never waited for but by magazines_empty and
 * magazines_totals. Who is in a magazine must not take the pool's lock.
 */
#ifndef TA_MAGAZINE_H
#define TA_MAGAZINE_H

#include "slab.h"

#define MAGAZINES 64u
#define MAGAZINE_ORDERS 3u /* one chunk of each of the smallest orders */

/* The most that lies in all magazines together. */
#define MAGAZINES_BYTES \
    (MAGAZINES * (((uint64_t)TA_MIN_CHUNK_BYTES << MAGAZINE_ORDERS) - TA_MIN_CHUNK_BYTES))

typedef struct magazine magazine;

/* The calling thread's, until it leaves; NULL if another thread is in it. */
magazine *magazine_enter(void);
void magazine_leave(magazine *entered);

/* A chunk of exactly the order, NULL if there is none. */
ta_chunk *magazine_take(magazine *entered, uint32_t order);

/* Whether there was room for a chunk that nobody pins. */
bool magazine_put(magazine *entered, ta_chunk *chunk);

/* A record, NULL if there is none. */
void *magazine_take_record(magazine *entered);

/* Whether there was room for a record. */
bool magazine_put_record(magazine *entered, void *record);

/* Takes all out of all magazines; from then on they have room, or none, until the next call. */
void magazines_empty(bool room, void (*home)(ta_chunk *chunk), void (*record_home)(void *record));

typedef struct {
    uint64_t bytes, chunks, records;
} magazine_totals;

magazine_totals magazines_totals(void);

#endif
