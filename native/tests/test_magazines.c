/* Magazines: warm chunks wait for the thread that brought them, and no other thread lacks memory because of them. */
#include "check.h"

#include "barrier.h"
#include "magazine.h"
#include "os.h"

#include <pthread.h>

enum { CROWD = MAGAZINES + 16 }; /* so many that some must share a magazine */

/* The chunk of an arena that was opened, used and closed. */
static uint64_t chunk_of_a_cycle(void) {
    ta_arena *arena = open_arena();
    take(arena, 1000, 0)[999] = 1;
    uint64_t chunk = arena->chunk;
    close_arena(arena);
    return chunk;
}

static void *cycle_elsewhere(void *chunk) {
    *(uint64_t *)chunk = chunk_of_a_cycle();
    return NULL;
}

/* A chunk now waits for a thread that has ended. */
static uint64_t chunk_left_elsewhere(void) {
    uint64_t chunk;
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, cycle_elsewhere, &chunk), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    return chunk;
}

static void a_thread_gets_its_own_chunk_again(void) {
    uint64_t mine = chunk_of_a_cycle();
    for (int i = 0; i < 8; i++) {
        chunk_left_elsewhere();
        CHECK_EQ(chunk_of_a_cycle(), mine);
    }
}

static void what_waits_counts_as_free(void) {
    chunk_of_a_cycle();
    chunk_left_elsewhere();
    ta_pool_info now = pool_info();
    CHECK_EQ(now.arenas, 0);
    CHECK_EQ(now.in_use, 0);
    CHECK_EQ(now.in_use_chunks, 0);
    CHECK_EQ(now.free, now.free_chunks * TA_MIN_CHUNK_BYTES);
    CHECK_GE(now.free_chunks, 1);
}

static void what_waits_elsewhere_is_had_at_the_limit(void) {
    ta_pool_set_memory_limit(MIB);
    for (int i = 0; i < 3; i++) {
        chunk_left_elsewhere();
        ta_arena *arena = open_arena();
        take(arena, MIB, 1);
        close_arena(arena);
    }
}

static void trim_takes_what_waits(void) {
    chunk_of_a_cycle();
    chunk_left_elsewhere();
    uint64_t free = pool_info().free;
    CHECK_GE(free, TA_MIN_CHUNK_BYTES);
    CHECK_EQ(ta_pool_trim(), free);
    CHECK_EQ(pool_info().free, 0);
    CHECK_EQ(pool_info().free_chunks, 0);
}

static void in_a_quarantine_nothing_waits(void) {
    ta_pool_set_quarantine(MIB);
    uint64_t ended = chunk_of_a_cycle();
    CHECK(chunk_of_a_cycle() != ended);
}

/* ---- a crowd of threads ---------------------------------------------------------------------- */

static barrier together = BARRIER_FOR(CROWD);

static void run_crowd(void *(*run)(void *)) {
    pthread_t crowd[CROWD];
    for (uintptr_t i = 0; i < CROWD; i++) {
        CHECK_EQ(pthread_create(&crowd[i], NULL, run, (void *)i), 0);
    }
    for (int i = 0; i < CROWD; i++) {
        CHECK_EQ(pthread_join(crowd[i], NULL), 0);
    }
}

/* Has a chunk of every order that magazines take, all threads at the same time. */
static void *fill_magazine(void *unused) {
    ta_arena *arena = open_arena();
    for (uint32_t order = 0; order < MAGAZINE_ORDERS; order++) {
        take(arena, (uint64_t)TA_MIN_CHUNK_BYTES << order, 1);
    }
    barrier_wait(&together);
    close_arena(arena);
    return unused;
}

static void what_waits_is_within_the_retained_limit(void) {
    uint64_t limit = 2 * MAGAZINES_BYTES;
    ta_pool_set_retained_limit(limit);
    run_crowd(fill_magazine);
    CHECK_GE(pool_info().free, MAGAZINES_BYTES / 2); /* threads of one hash left theirs elsewhere */
    CHECK_LE(pool_info().free, limit);
    ta_arena *arenas[100];
    for (int i = 0; i < 100; i++) {
        arenas[i] = open_arena();
        take(arenas[i], MIB, 1);
    }
    for (int i = 0; i < 100; i++) {
        close_arena(arenas[i]);
        CHECK_LE(pool_info().free, limit);
    }
    ta_pool_set_retained_limit(MIB);
    CHECK_LE(pool_info().free, MIB);
}

static void *open_and_close(void *owner) {
    uint64_t me = (uint64_t)(uintptr_t)owner;
    barrier_wait(&together);
    for (int i = times(400); i >= 0; i--) {
        ta_arena *outer = open_arena(), *inner = open_arena();
        char *ours = take(outer, 3000, 0), *theirs = take(inner, 70000, 0);
        fill(ours, 3000, 2 * me);
        fill(theirs, 300, 2 * me + 1);
        CHECK(is_filled(ours, 3000, 2 * me));
        CHECK(is_filled(theirs, 300, 2 * me + 1));
        close_arena(outer);
        CHECK(is_filled(theirs, 300, 2 * me + 1));
        close_arena(inner);
        if (i % 64 == 0) {
            ta_pool_trim();
        }
    }
    return NULL;
}

static void threads_that_share_a_magazine_never_share_memory(void) {
    run_crowd(open_and_close);
    ta_pool_info now = pool_info();
    CHECK_EQ(now.arenas, 0);
    CHECK_EQ(now.in_use, 0);
    CHECK_EQ(now.in_use_chunks, 0);
}

static void *wait_although_cancelled(void *done) {
    CHECK_EQ(pthread_cancel(pthread_self()), 0);
    os_pause(); /* as who empties magazines does, with the pool's lock */
    return done;
}

static void who_waits_for_a_magazine_cannot_be_cancelled(void) {
    pthread_t thread;
    char done;
    void *ended;
    CHECK_EQ(pthread_create(&thread, NULL, wait_although_cancelled, &done), 0);
    CHECK_EQ(pthread_join(thread, &ended), 0);
    CHECK(ended == &done);
}

int main(void) {
    int failures = 0;
    RUN(who_waits_for_a_magazine_cannot_be_cancelled);
    RUN(a_thread_gets_its_own_chunk_again);
    RUN(what_waits_counts_as_free);
    RUN(what_waits_elsewhere_is_had_at_the_limit);
    RUN(trim_takes_what_waits);
    RUN(in_a_quarantine_nothing_waits);
    RUN(what_waits_is_within_the_retained_limit);
    RUN(threads_that_share_a_magazine_never_share_memory);
    return failures != 0;
}
