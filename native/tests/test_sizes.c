/* Sizes of chunks: cut to what is asked for, whole again when they come home, purged where touched. */
#include "pages.h"

#include "slab.h"

#include <pthread.h>

static uint64_t up_to(uint64_t bytes, uint64_t step) {
    return (bytes + step - 1) / step * step;
}

/* The most that a tensor of so many bytes may take of the limit. */
static uint64_t most_for(uint64_t bytes) {
    return up_to(bytes, 64 * KIB) / 8 * 9;
}

static void a_tensor_takes_at_most_an_eighth_more_than_it_has(void) {
    uint64_t random = 7;
    for (int i = 0; i < 1000; i++) { /* from a byte to GiBs */
        uint64_t bytes = 1 + random_below(&random, (uint64_t)1 << (8 + i % 25));
        snprintf(check_note, sizeof check_note, "%" PRIu64 " bytes", bytes);
        ta_arena *arena = open_arena();
        take(arena, bytes, 1);
        CHECK_GE(info_of(arena).reserved, bytes);
        CHECK_LE(info_of(arena).reserved, most_for(bytes));
        CHECK_EQ(pool_info().in_use, info_of(arena).reserved);
        CHECK_EQ(info_of(arena).reserved, cut_bytes(bytes));
        close_arena(arena);
        if (i % 7 == 0) {
            ta_pool_trim();
        }
    }
}

static void a_limit_is_used_to_the_eighth(void) {
    ta_pool_set_memory_limit(100 * MIB);
    ta_arena *first = open_arena(), *second = open_arena();
    take(first, 64 * MIB + 1, 1);
    close_arena(first);
    ta_pool_set_memory_limit(96 * MIB);
    first = open_arena();
    take(first, 44800000, 1);
    take(second, 44800000, 1);
    close_arena(first);
    close_arena(second);
    first = open_arena(); /* both in one arena */
    take(first, 44800000, 1);
    take(first, 44800000, 1);
    close_arena(first);
}

static void two_gibibytes_and_a_few_bytes_commit_no_four(void) {
    ta_arena *arena = open_arena();
    take(arena, 2 * GIB + 10, 1);
    CHECK_LE(pool_info().committed, most_for(2 * GIB + 10));
    CHECK_LE(pool_info().in_use, most_for(2 * GIB + 10));
    close_arena(arena);
}

static void what_is_cut_off_is_had_by_others(void) {
    ta_arena *large = open_arena();
    char *start = take(large, 600 * MIB, 1); /* 640 of 1024 MiB */
    uint64_t reserved = pool_info().reserved;
    ta_arena *others[3];
    for (int i = 0; i < 3; i++) {
        others[i] = open_arena();
        char *bytes = take(others[i], 128 * MIB, 1);
        CHECK(bytes >= start + 640 * MIB && bytes + 128 * MIB <= start + GIB);
        bytes[0] = (char)i;
    }
    CHECK_EQ(pool_info().reserved, reserved);
    for (int i = 2; i >= 0; i--) {
        close_arena(others[i]);
    }
    close_arena(large);
    ta_arena *whole = open_arena();
    CHECK(take(whole, GIB, 1) == start);
    CHECK_EQ(pool_info().reserved, reserved);
    close_arena(whole);
}

static void a_cut_chunk_is_taken_again_as_it_is(void) {
    ta_arena *arena = open_arena();
    char *bytes = take(arena, 800 * KIB, 1);
    close_arena(arena);
    for (int i = 0; i < 10; i++) {
        arena = open_arena();
        CHECK(take(arena, 800 * KIB - (uint64_t)i, 1) == bytes);
        close_arena(arena);
    }
    CHECK_EQ(pool_info().free, up_to(800 * KIB, 64 * KIB));
    arena = open_arena();
    CHECK(take(arena, 600 * KIB, 1) == bytes); /* warm memory: cut once more */
    close_arena(arena);
}

/* ---- where pages are ------------------------------------------------------------------------- */

/* Of chunks of every size that come and go, all pages are known and can be given back. */
static void pages_are_known_whatever_was_cut(void) {
    if (checker_owns_memory() || !pages_are_known()) {
        return;
    }
    enum { MOST = 48 };
    ta_arena *arenas[MOST] = {0};
    uint64_t random = 3, touched = 0, sizes[MOST];
    uint64_t before = resident_bytes();
    for (int step = 0; step < 2000; step++) {
        snprintf(check_note, sizeof check_note, "step %d", step);
        int i = (int)random_below(&random, MOST);
        if (arenas[i] == NULL) {
            sizes[i] = 64 * KIB * (1 + random_below(&random, 60));
            arenas[i] = open_arena();
            memset(take(arenas[i], sizes[i], 1), 1, sizes[i]);
            touched += sizes[i];
        } else {
            close_arena(arenas[i]);
            arenas[i] = NULL;
            touched -= sizes[i];
        }
        CHECK_LE(pool_info().in_use, touched / 8 * 9 + MOST * 64 * KIB);
        CHECK_GE(pool_info().in_use, touched);
        if (step % 50 == 0) {
            ta_pool_trim();
            CHECK_EQ(pool_info().free, 0);
            CHECK_LE(resident_bytes(), before + touched + 4 * MIB);
        } else if (step % 10 == 0) {
            CHECK_LE(resident_bytes(), before + touched + pool_info().free + 4 * MIB);
        }
    }
    for (int i = 0; i < MOST; i++) {
        if (arenas[i] != NULL) {
            close_arena(arenas[i]);
        }
    }
    ta_pool_trim();
    CHECK_LE(resident_bytes(), before + 4 * MIB);
}

/* Of this process's processor time: others may be at work beside it. */
static uint64_t purged;

static void count_purged(size_t bytes) {
    purged += bytes;
}

/* How long it takes goes by the bytes: 64 TiB without pages take a third of a second. */
static void pages_that_nobody_touched_are_not_given_back(void) {
    if (checker_owns_memory() || !pages_are_known()) {
        return;
    }
    ta_options options = {.capacity = TA_MAX_CAPACITY, .memory_limit = TA_UNLIMITED};
    os_purge_hook = count_purged;
    for (int i = 0; i < 3; i++) {
        ta_arena *arena = open_with(&options);
        uint64_t bytes = i == 2 ? options.capacity : 100; /* which may have pages */
        if (ta_alloc(arena, bytes, 1) == NULL) {
            printf("skipped: no address space for this\n");
            bytes = 0;
        }
        purged = 0;
        close_arena(arena);
        ta_pool_trim();
        CHECK_GE(purged, bytes);
        CHECK_LE(purged, bytes + 64 * KIB);
    }
    os_purge_hook = NULL;
}

/* Java lowers the cursor without a call, but notes the peak: what it had passed may have pages. */
static void what_was_rewound_is_given_back_too(void) {
    if (checker_owns_memory() || !pages_are_known()) {
        return;
    }
    uint64_t before = resident_bytes();
    ta_options options = {.capacity = 8 * MIB, .memory_limit = TA_UNLIMITED};
    ta_arena *arena = open_with(&options);
    take(arena, 100, 1);
    uint64_t cursor = arena->cursor;
    memset(take(arena, 7 * MIB, 1), 1, 7 * MIB);
    arena->peak = 100 + 7 * MIB;
    arena->cursor = cursor;
    CHECK_GE(resident_bytes(), before + 7 * MIB);
    close_arena(arena);
    CHECK_GE(pool_info().free, 7 * MIB);
    CHECK_LE(pool_info().free, 7 * MIB + 64 * KIB); /* and not all that there is */
    CHECK_GE(ta_pool_trim(), 7 * MIB);
    CHECK_LE(resident_bytes(), before + 2 * MIB);
}

/* ---- giving pages back, and the lock ---------------------------------------------------------- */

static int purges;

static void ask_the_pool(size_t bytes) {
    (void)bytes;
    purges++;
    pool_info(); /* waits for ever if the lock is held */
}

static void touch_and_close(uint64_t bytes) {
    ta_arena *arena = open_arena();
    take(arena, bytes, 1)[bytes - 1] = 1;
    close_arena(arena);
}

static void pages_are_given_back_without_the_lock(void) {
    give_up_after(20);
    os_purge_hook = ask_the_pool;
    touch_and_close(3 * MIB);
    ta_pool_trim();
    CHECK_EQ(purges, 1);
    ta_pool_set_retained_limit(0);
    purges = 0;
    touch_and_close(3 * MIB);
    touch_and_close(1);
    CHECK_EQ(purges, 2);
    ta_pool_set_retained_limit(64 * MIB);
    touch_and_close(3 * MIB);
    purges = 0;
    ta_pool_set_retained_limit(0);
    CHECK_GE(purges, 1);
    ta_pool_set_retained_limit(64 * MIB);
    touch_and_close(3 * MIB);
    purges = 0;
    ta_pool_set_memory_limit(MIB);
    CHECK_GE(purges, 1);
    ta_pool_set_memory_limit(8 * MIB);
    touch_and_close(5 * MIB);
    purges = 0;
    touch_and_close(7 * MIB); /* the pages of the first are in the way */
    CHECK_GE(purges, 1);
    ta_pool_set_memory_limit(TA_UNLIMITED);
    os_purge_hook = NULL;
}

static void in_a_quarantine_pages_are_given_back_without_the_lock(void) {
    give_up_after(20);
    ta_pool_set_quarantine(4 * MIB);
    ta_pool_set_retained_limit(0);
    os_purge_hook = ask_the_pool;
    for (int i = 0; i < 4; i++) {
        touch_and_close(3 * MIB);
    }
    CHECK_GE(purges, 1);
    os_purge_hook = NULL;
    ta_pool_set_quarantine(0);
}

static int purging, taken;

static void purge_slowly(size_t bytes) {
    (void)bytes;
    __atomic_store_n(&purging, 1, __ATOMIC_RELEASE);
    usleep(50000);
    CHECK_EQ(__atomic_load_n(&taken, __ATOMIC_ACQUIRE), 0);
}

static void *trim(void *unused) {
    ta_pool_trim();
    return unused;
}

/* Pages that are being given back are still there: who needs the room waits, and is not refused. */
static void at_the_limit_a_taker_waits_for_pages_that_are_going(void) {
    give_up_after(60);
    ta_pool_set_memory_limit(12 * MIB);
    touch_and_close(10 * MIB);
    os_purge_hook = purge_slowly;
    pthread_t purger;
    CHECK_EQ(pthread_create(&purger, NULL, trim, NULL), 0);
    while (__atomic_load_n(&purging, __ATOMIC_ACQUIRE) == 0) {
        usleep(100);
    }
    ta_arena *arena = open_arena();
    CHECK_EQ(ta_arena_reserve(arena, 13 * MIB, 1), TA_ERR_POOL_LIMIT); /* no purge would help */
    take(arena, 10 * MIB, 1);
    __atomic_store_n(&taken, 1, __ATOMIC_RELEASE);
    CHECK_EQ(pthread_join(purger, NULL), 0);
    os_purge_hook = NULL;
    close_arena(arena);
}

int main(void) {
    int failures = 0;
    RUN(a_tensor_takes_at_most_an_eighth_more_than_it_has);
    RUN(a_limit_is_used_to_the_eighth);
    RUN(two_gibibytes_and_a_few_bytes_commit_no_four);
    RUN(what_is_cut_off_is_had_by_others);
    RUN(a_cut_chunk_is_taken_again_as_it_is);
    RUN(pages_are_known_whatever_was_cut);
    RUN(pages_that_nobody_touched_are_not_given_back);
    RUN(what_was_rewound_is_given_back_too);
    RUN(pages_are_given_back_without_the_lock);
    RUN(in_a_quarantine_pages_are_given_back_without_the_lock);
    RUN(at_the_limit_a_taker_waits_for_pages_that_are_going);
    return failures != 0;
}
