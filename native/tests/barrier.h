/* Where threads wait until all are there, again and again: macOS has no pthread_barrier_t. */
#ifndef TA_BARRIER_H
#define TA_BARRIER_H

#include <pthread.h>

typedef struct {
    int parties;
    int there;
    unsigned round;
    pthread_mutex_t lock;
    pthread_cond_t all_there;
} barrier;

#define BARRIER_FOR(threads)                                     \
    {                                                            \
        .parties = (threads), .lock = PTHREAD_MUTEX_INITIALIZER, \
        .all_there = PTHREAD_COND_INITIALIZER,                   \
    }

static inline void barrier_wait(barrier *b) {
    pthread_mutex_lock(&b->lock);
    if (++b->there == b->parties) {
        b->there = 0;
        b->round++;
        pthread_cond_broadcast(&b->all_there);
    } else {
        for (unsigned round = b->round; round == b->round;) {
            pthread_cond_wait(&b->all_there, &b->lock);
        }
    }
    pthread_mutex_unlock(&b->lock);
}

#endif
