/*
 * TA_OPTION_ZERO_ON_RELEASE: what a wiping arena ended is gone before another arena can see it. The
 * tests look at the bytes themselves, and at all of a chunk that the next arena gets.
 */
#include "pages.h"

#include "checkers.h"
#include "slab.h"

#include <pthread.h>

static ta_arena *open_wiping(void) {
    ta_options options = {.memory_limit = TA_UNLIMITED, .flags = TA_OPTION_ZERO_ON_RELEASE};
    return open_with(&options);
}

static char *take_secret(ta_arena *arena, uint64_t size) {
    return memset(take(arena, size, 0), 'S', size);
}

static bool is_secret(const char *bytes, uint64_t size) {
    return bytes_are(bytes, size, 'S');
}

static bool is_zero(const char *bytes, uint64_t size) {
    return bytes_are(bytes, size, 0);
}

static void without_the_option_bytes_stay(void) { /* or the tests below prove nothing */
    ta_arena *arena = open_arena();
    char *bytes = take_secret(arena, 1000);
    close_arena(arena);
    CHECK(is_secret(bytes, 1000));
}

static void a_rewind_wipes_what_it_ends_and_nothing_else(void) {
    ta_arena *arena = open_wiping();
    char *living = take_secret(arena, 1000);
    ta_position mark;
    ta_mark(arena, &mark);
    for (int i = 0; i < 3; i++) {
        char *ended = take_secret(arena, 5000), *more = take_secret(arena, 1);
        CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
        CHECK(is_zero(ended, 5000) && is_zero(more, 1));
        CHECK(is_secret(living, 1000));
    }
    close_arena(arena);
    CHECK(is_zero(living, 1000));
}

static void a_rewind_wipes_the_chunks_behind_the_mark(void) {
    ta_arena *arena = open_wiping();
    char *living = take_secret(arena, 1000);
    ta_position mark;
    ta_mark(arena, &mark);
    for (int i = 0; i < 3; i++) { /* the second time they are spares that are used again */
        char *rest = take_secret(arena, 60000), *next = take_secret(arena, 100000);
        char *last = take_secret(arena, MIB);
        CHECK_EQ(info_of(arena).chunks, 3);
        CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
        CHECK(is_zero(rest, 60000) && is_zero(next, 100000) && is_zero(last, MIB));
        CHECK(is_secret(living, 1000));
    }
    close_arena(arena);
}

static void a_reset_wipes_all_chunks(void) {
    ta_arena *arena = open_wiping();
    for (int i = 0; i < 5; i++) {
        char *first = take_secret(arena, 50000), *second = take_secret(arena, 100000 << i);
        CHECK_EQ(ta_reset(arena), TA_OK);
        CHECK(is_zero(first, 50000) && is_zero(second, 100000 << i));
    }
    close_arena(arena);
}

static void closing_wipes_all_chunks(void) {
    ta_arena *arena = open_wiping();
    char *first = take_secret(arena, 50000), *second = take_secret(arena, 100000);
    char *third = take_secret(arena, MIB);
    close_arena(arena);
    CHECK(is_zero(first, 50000) && is_zero(second, 100000) && is_zero(third, MIB));
}

static void shared_bytes_are_wiped_by_the_last_release_and_not_before(void) {
    ta_arena *arena = open_wiping();
    char *unshared = take_secret(arena, 500), *bytes = take_secret(arena, 1000);
    ta_chunk *chunk = ta_pin(arena, bytes, 1000);
    ta_chunk_retain(chunk);
    close_arena(arena);
    ta_chunk_release(chunk);
    CHECK(is_secret(bytes, 1000));
    ta_chunk_release(chunk);
    CHECK(is_zero(unshared, 500) && is_zero(bytes, 1000));
}

static void *release_it(void *chunk) {
    ta_chunk_release(chunk);
    return NULL;
}

static void whichever_thread_releases_last_wipes(void) {
    ta_arena *arena = open_wiping();
    ta_position start;
    ta_mark(arena, &start);
    char *early = take_secret(arena, 60000), *late = take_secret(arena, 60000);
    ta_chunk *chunk = ta_pin(arena, late, 60000);
    CHECK_EQ(ta_rewind(arena, &start), TA_OK);
    CHECK(is_zero(early, 60000) && is_secret(late, 60000));
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, release_it, chunk), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK(is_zero(late, 60000));
    close_arena(arena);
}

static void shared_bytes_in_a_chunk_that_stays_are_wiped_when_the_arena_takes_it_up(void) {
    ta_arena *arena = open_wiping();
    take_secret(arena, 100);
    ta_position mark;
    ta_mark(arena, &mark);
    char *below = take_secret(arena, 300), *shared = take_secret(arena, 1000);
    char *above = take_secret(arena, 2000);
    ta_chunk *chunk = ta_pin(arena, shared, 1000);
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    CHECK(is_secret(shared, 1000) && is_zero(above, 2000));
    ta_chunk_release(chunk);
    take_secret(arena, 5000);
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    CHECK(is_zero(below, 300) && is_zero(shared, 1000) && is_zero(above, 5000));
    close_arena(arena);
}

static void the_next_arena_finds_no_secret_in_all_of_its_chunk(void) {
    for (int way = 0; way < 4; way++) {
        ta_arena *arena = open_wiping();
        ta_position mark;
        ta_mark(arena, &mark);
        char *bytes = take_secret(arena, 20000);
        ta_chunk *chunk = ta_pin(arena, bytes, 20000);
        take_secret(arena, 30000);
        if (way & 1) {
            CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
            take_secret(arena, 40000);
        }
        if (way & 2) {
            close_arena(arena);
            ta_chunk_release(chunk);
        } else {
            ta_chunk_release(chunk);
            close_arena(arena);
        }
        ta_arena *next = open_arena();
        char *all = take(next, TA_MIN_CHUNK_BYTES, 1);
        CHECK(all == bytes || (way & 1));
        CHECK(is_zero(all, TA_MIN_CHUNK_BYTES));
        close_arena(next);
    }
}

static void native_code_of_a_java_arena_may_move_the_cursor_itself(void) {
    ta_arena *arena = open_wiping();
    take_secret(arena, 10);
    char *unseen = (char *)(uintptr_t)arena->cursor; /* as Java's fast path does it */
    CHECKER_LETS(unseen, 3000);
    memset(unseen, 'S', 3000);
    arena->cursor += 3000;
    close_arena(arena);
    CHECK(is_zero(unseen, 3000));
}

static void locked_pages_are_wiped_too(void) {
    ta_pool_set_retained_limit(0); /* pages go back at once, unless they are locked */
    ta_arena *arena = open_wiping();
    char *bytes = take_secret(arena, 8192);
    if (!lock_pages(bytes, 8192)) {
        printf("skipped: locking is not allowed here\n");
    }
    close_arena(arena);
    CHECK(is_zero(bytes, 8192));
}

static void what_was_never_used_costs_no_pages(void) {
    ta_options options = {
        .capacity = 256 * MIB, .memory_limit = TA_UNLIMITED, .flags = TA_OPTION_ZERO_ON_RELEASE};
    ta_arena *arena = open_with(&options);
    char *bytes = take_secret(arena, 1000);
    close_arena(arena);
    CHECK_EQ(resident(address_of(bytes) + MIB, 64 * KIB), 0);
}

static void in_quarantine_no_secret_stays_either(void) {
    ta_pool_set_quarantine(MIB);
    ta_arena *arena = open_wiping();
    ta_position mark;
    ta_mark(arena, &mark);
    char *first = take_secret(arena, 1000);
    take_secret(arena, 10);
    ta_mark(arena, &mark);
    char *second = take_secret(arena, 1000);
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    CHECK(bytes_are(second, 1000, TA_QUARANTINE_BYTE));
    close_arena(arena);
    CHECK(bytes_are(first, TA_MIN_CHUNK_BYTES, TA_QUARANTINE_BYTE));
}

int main(void) {
    int failures = 0;
    RUN(without_the_option_bytes_stay);
    RUN(a_rewind_wipes_what_it_ends_and_nothing_else);
    RUN(a_rewind_wipes_the_chunks_behind_the_mark);
    RUN(a_reset_wipes_all_chunks);
    RUN(closing_wipes_all_chunks);
    RUN(shared_bytes_are_wiped_by_the_last_release_and_not_before);
    RUN(whichever_thread_releases_last_wipes);
    RUN(shared_bytes_in_a_chunk_that_stays_are_wiped_when_the_arena_takes_it_up);
    RUN(the_next_arena_finds_no_secret_in_all_of_its_chunk);
    RUN(native_code_of_a_java_arena_may_move_the_cursor_itself);
    RUN(locked_pages_are_wiped_too);
    RUN_WHERE_PAGES_ARE_KNOWN(what_was_never_used_costs_no_pages);
    RUN(in_quarantine_no_secret_stays_either);
    return failures != 0;
}
