/* The end of a scope with pins in it: floors, chunks that detach, who frees what and when. */
#include "check.h"

#include "barrier.h"
#include "chunk_pins.h"

#include <pthread.h>

/* The pins that the word counts twice. Small ones: the signed part of the word is not below 0. */
static uint64_t native_pins(const ta_chunk *chunk) {
    return chunk->word >> 36;
}

static void a_pin_raises_the_floor_to_the_end_of_its_allocation(void) {
    ta_arena *arena = open_arena();
    char *first = take(arena, 1000, 0);
    char *second = take(arena, 500, 0);
    ta_chunk *chunk = ta_pin(arena, second, 500);
    CHECK_EQ(address_of(chunk), arena->chunk);
    CHECK_EQ(chunk->floor, address_of(second) + 500);
    CHECK_EQ(native_pins(chunk), 1);
    CHECK(ta_pin(arena, first, 1000) == chunk); /* lower: the floor stays */
    CHECK_EQ(chunk->floor, address_of(second) + 500);
    CHECK_EQ(native_pins(chunk), 2);
    CHECK_EQ(chunk->owner_pins, 0);
    ta_chunk_release(chunk);
    ta_chunk_release(chunk);
    close_arena(arena);
}

static void only_bytes_of_the_arena_can_be_pinned(void) {
    ta_arena *arena = open_arena();
    ta_arena *other = open_arena();
    char on_stack;
    CHECK(ta_pin(arena, &on_stack, 1) == NULL);
    char *bytes = take(arena, 1000, 0);
    ta_position mark;
    ta_mark(arena, &mark);
    char *foreign = take(other, 1000, 0);
    CHECK(ta_pin(arena, &on_stack, 1) == NULL);
    CHECK(ta_pin(arena, foreign, 1000) == NULL);
    CHECK(ta_pin(arena, bytes, 1001) == NULL); /* beyond the cursor */
    CHECK(ta_pin(arena, bytes - 1, 1) == NULL);
    CHECK(ta_pin(arena, bytes, UINT64_MAX) == NULL);
    char *refilled = take(arena, TA_MIN_CHUNK_BYTES, 0);
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    CHECK(ta_pin(arena, refilled, 1) == NULL); /* ended: a spare holds no allocation */
    CHECK_EQ(((ta_chunk *)(uintptr_t)arena->chunk)->owner_pins, 0);
    ta_chunk *chunk = ta_pin(arena, bytes, 1000);
    CHECK(chunk != NULL);
    ta_chunk_release(chunk);
    close_arena(other);
    close_arena(arena);
}

static void an_allocation_in_an_earlier_chunk_can_be_pinned(void) {
    ta_arena *arena = open_arena();
    char *early = take(arena, 40000, 0);
    take(arena, 40000, 0);
    take(arena, 400000, 0);
    ta_chunk *chunk = ta_pin(arena, early, 40000);
    CHECK_EQ(chunk->base, address_of(early));
    CHECK_EQ(chunk->floor, address_of(early) + 40000);
    CHECK(ta_pin(arena, early, 40001) == NULL); /* the chunk goes on, but nobody was given that */
    ta_chunk_release(chunk);
    close_arena(arena);
}

static void a_rewind_stops_at_the_floor_and_charges_it_until_the_pins_are_gone(void) {
    ta_arena *arena = open_arena();
    take(arena, 100, 1);
    ta_position mark;
    ta_mark(arena, &mark);
    take(arena, 1000, 1);
    char *shared = take(arena, 2000, 1);
    fill(shared, 2000, 1);
    ta_chunk *chunk = ta_pin(arena, shared, 2000);
    take(arena, 5000, 1);
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    CHECK_EQ(arena->cursor, address_of(shared) + 2000);
    CHECK_EQ(info_of(arena).allocated, 3100);
    CHECK_EQ(info_of(arena).wasted, 3000);
    fill(take(arena, 3000, 1), 3000, 2);
    CHECK(is_filled(shared, 2000, 1));
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK); /* still pinned: the same again, nothing piles up */
    CHECK_EQ(info_of(arena).allocated, 3100);
    CHECK_EQ(info_of(arena).wasted, 3000);
    ta_chunk_release(chunk);
    CHECK_EQ(info_of(arena).wasted, 3000); /* until a rewind looks */
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    CHECK_EQ(arena->cursor, mark.cursor);
    CHECK_EQ(info_of(arena).allocated, 100);
    CHECK_EQ(info_of(arena).wasted, 0);
    CHECK_EQ(chunk->floor, 0);
    CHECK_EQ(chunk->owner_pins, 0);
    CHECK_EQ(chunk->word, 0);
    /* The old floor means nothing to the next pin. */
    char *again = take(arena, 10, 1);
    CHECK(ta_pin(arena, again, 10) == chunk);
    CHECK_EQ(chunk->floor, address_of(again) + 10);
    ta_chunk_release(chunk);
    close_arena(arena);
}

static void a_pin_below_the_mark_costs_nothing(void) {
    ta_arena *arena = open_arena();
    char *shared = take(arena, 1000, 1);
    ta_chunk *chunk = ta_pin(arena, shared, 1000);
    ta_position mark;
    ta_mark(arena, &mark);
    take(arena, 1000, 1);
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    CHECK_EQ(arena->cursor, mark.cursor);
    CHECK_EQ(info_of(arena).wasted, 0);
    ta_chunk_release(chunk);
    close_arena(arena);
}

static void nested_scopes_waste_what_each_floor_covers(void) {
    ta_arena *arena = open_arena();
    ta_position outer, inner;
    take(arena, 100, 1);
    ta_mark(arena, &outer);
    ta_chunk *chunk = ta_pin(arena, take(arena, 10, 1), 10);
    CHECK_EQ(ta_rewind(arena, &outer), TA_OK);
    CHECK_EQ(info_of(arena).wasted, 10);
    take(arena, 1000, 1);
    ta_mark(arena, &inner);
    take(arena, 200, 1);
    CHECK(ta_pin(arena, take(arena, 20, 1), 20) == chunk);
    CHECK_EQ(ta_rewind(arena, &inner), TA_OK);
    CHECK_EQ(info_of(arena).wasted, 10 + 220);
    CHECK_EQ(info_of(arena).allocated, 100 + 10 + 1000 + 220);
    CHECK_EQ(ta_rewind(arena, &outer), TA_OK);
    CHECK_EQ(info_of(arena).wasted, 10 + 1000 + 220);
    CHECK_EQ(info_of(arena).allocated, 100 + 10 + 1000 + 220);
    ta_chunk_release(chunk);
    ta_chunk_release(chunk);
    CHECK_EQ(ta_rewind(arena, &outer), TA_OK);
    CHECK_EQ(info_of(arena).allocated, 100);
    close_arena(arena);
}

static void pinned_chunks_after_the_mark_detach_and_come_home_with_the_last_release(void) {
    ta_arena *arena = open_arena();
    take(arena, 100, 0);
    ta_position mark;
    ta_mark(arena, &mark);
    char *shared = take(arena, MIB, 0);
    fill(shared, MIB, 1);
    ta_chunk *chunk = ta_pin(arena, shared, MIB);
    ta_chunk_retain(chunk);
    CHECK_EQ(pool_info().pinned, 0); /* pinned, but still the arena's */
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    CHECK_EQ(info_of(arena).chunks, 1);
    CHECK_EQ(info_of(arena).reserved, TA_MIN_CHUNK_BYTES);
    CHECK_EQ(info_of(arena).allocated, 100); /* detached chunks are not charged */
    CHECK_EQ(info_of(arena).wasted, 0);
    CHECK_EQ(pool_info().pinned, MIB);
    CHECK_EQ(pool_info().pinned_chunks, 1);
    CHECK_EQ(pool_info().in_use, MIB + TA_MIN_CHUNK_BYTES);
    CHECK_EQ(pool_info().in_use_chunks, 2);
    char *other = take(arena, MIB, 0);
    CHECK(other != shared);
    fill(other, MIB, 2);
    close_arena(arena);
    CHECK_EQ(pool_info().in_use, MIB);
    ta_chunk_release(chunk);
    CHECK_EQ(pool_info().pinned, MIB); /* the retain holds */
    CHECK(is_filled(shared, MIB, 1));
    ta_chunk_release(chunk);
    check_pool_is_idle();
}

static void chunks_whose_pins_are_gone_stay_with_the_arena(void) {
    ta_arena *arena = open_arena();
    take(arena, 100, 0);
    ta_position mark;
    ta_mark(arena, &mark);
    char *shared = take(arena, MIB, 0);
    ta_chunk *chunk = ta_pin(arena, shared, MIB);
    ta_chunk_release(chunk); /* the owner's plain pin and the word's -1 cancel out */
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    CHECK_EQ(info_of(arena).chunks, 2);
    CHECK_EQ(chunk->owner_pins, 0);
    CHECK_EQ(chunk->word, 0);
    CHECK_EQ(chunk->floor, 0);
    CHECK(take(arena, MIB, 0) == shared);
    CHECK_EQ(info_of(arena).refills, 0);
    close_arena(arena);
}

static void only_pinned_chunks_among_many_detach(void) {
    ta_arena *arena = open_arena();
    take(arena, 100, 0);
    ta_position mark;
    ta_mark(arena, &mark);
    ta_chunk *pinned[10] = {0};
    char *shared[10];
    for (int i = 0; i < 10; i++) {
        shared[i] = take(arena, (uint64_t)(i + 1) * 200000, 0);
        fill(shared[i], (uint64_t)(i + 1) * 200000, (uint64_t)i);
        if (i % 3 == 1) {
            pinned[i] = ta_pin(arena, shared[i], (uint64_t)(i + 1) * 200000);
        }
    }
    uint64_t distinct = (pinned[1] != pinned[4]) + (pinned[4] != pinned[7]) + 1;
    uint64_t before = info_of(arena).chunks;
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    CHECK_EQ(pool_info().pinned_chunks, distinct);
    CHECK_EQ(info_of(arena).chunks, before - distinct);
    for (int i = 0; i < 10; i++) { /* over everything that the arena still has, and more */
        fill(take(arena, 700000, 0), 700000, 99);
    }
    for (int i = 1; i < 10; i += 3) {
        CHECK(is_filled(shared[i], (uint64_t)(i + 1) * 200000, (uint64_t)i));
        ta_chunk_release(pinned[i]);
    }
    CHECK_EQ(pool_info().pinned_chunks, 0);
    close_arena(arena);
}

static void pins_survive_reset_and_destroy(void) {
    for (int destroy = 0; destroy < 2; destroy++) {
        ta_arena *arena = open_arena();
        char *shared = take(arena, 1000, 0);
        fill(shared, 1000, 1);
        ta_chunk *chunk = ta_pin(arena, shared, 1000);
        if (destroy) {
            close_arena(arena);
            arena = open_arena();
        } else {
            CHECK_EQ(ta_reset(arena), TA_OK);
            CHECK_EQ(info_of(arena).chunks, 0);
            CHECK_EQ(info_of(arena).allocated, 0);
            CHECK_EQ(arena->chunk, 0);
        }
        CHECK_EQ(pool_info().pinned_chunks, 1);
        for (int i = 0; i < 100; i++) {
            fill(take(arena, 30000, 0), 30000, 2);
        }
        CHECK(is_filled(shared, 1000, 1));
        ta_chunk_release(chunk);
        CHECK_EQ(pool_info().pinned_chunks, 0);
        close_arena(arena);
    }
}

static void a_rewind_to_before_the_first_chunk_detaches_it_when_pinned(void) {
    ta_arena *arena = open_arena();
    ta_position start;
    ta_mark(arena, &start);
    char *shared = take(arena, 1000, 0);
    ta_chunk *chunk = ta_pin(arena, shared, 1000);
    char *spare = take(arena, TA_MIN_CHUNK_BYTES, 0);
    CHECK_EQ(ta_rewind(arena, &start), TA_OK);
    CHECK_EQ(info_of(arena).chunks, 1);
    CHECK_EQ(info_of(arena).allocated, 0);
    CHECK(take(arena, 1, 0) == spare);
    ta_chunk_release(chunk);
    close_arena(arena);
}

static void *release_it(void *chunk) {
    ta_chunk_release(chunk);
    return NULL;
}

static void a_release_on_another_thread_frees_what_the_owner_pinned(void) {
    for (int before_end = 0; before_end < 2; before_end++) {
        ta_arena *arena = open_arena();
        char *shared = take(arena, 1000, 0);
        ta_chunk *chunk = ta_pin(arena, shared, 1000);
        pthread_t thread;
        if (before_end) {
            CHECK_EQ(pthread_create(&thread, NULL, release_it, chunk), 0);
            CHECK_EQ(pthread_join(thread, NULL), 0);
            CHECK_EQ(ta_reset(arena), TA_OK);
            CHECK(take(arena, 1000, 0) == shared);
        } else {
            CHECK_EQ(ta_reset(arena), TA_OK);
            CHECK_EQ(pool_info().pinned_chunks, 1);
            CHECK_EQ(pthread_create(&thread, NULL, release_it, chunk), 0);
            CHECK_EQ(pthread_join(thread, NULL), 0);
        }
        CHECK_EQ(pool_info().pinned_chunks, 0);
        close_arena(arena);
    }
}

static void a_chunk_whose_last_pin_goes_while_it_detaches_stays_the_owners(void) {
    ta_arena *arena = open_arena();
    char *bytes = take(arena, 1000, 0);
    ta_chunk *chunk = ta_pin(arena, bytes, 1000);
    CHECK(chunk_is_pinned(descriptor_of(chunk)));
    ta_chunk_release(chunk); /* another thread, between the owner's look and its detach */
    CHECK(!chunk_detach(descriptor_of(chunk), false));
    chunk_forget_pins(descriptor_of(chunk));
    CHECK_EQ(pool_info().pinned, 0);
    CHECK_EQ(pool_info().in_use_chunks, 1);
    CHECK_EQ(ta_reset(arena), TA_OK);
    CHECK(take(arena, 1000, 0) == bytes);
    close_arena(arena);
}

static struct {
    ta_chunk *chunk;
    char *bytes;
} handed;
enum { ROUNDS = 3000, HOLDERS = 3, SHARED_BYTES = 256 };
static barrier all = BARRIER_FOR(HOLDERS + 1);

/* Retains and releases around the owner's reset, and reads the bytes to the very last moment. */
static void *hold_on(void *unused) {
    for (uint64_t round = 0; round < ROUNDS; round++) {
        barrier_wait(&all);
        ta_chunk *chunk = handed.chunk;
        char *bytes = handed.bytes;
        for (int i = 0; i < 5; i++) {
            ta_chunk_retain(chunk);
            CHECK(is_filled(bytes, SHARED_BYTES, round));
            ta_chunk_release(chunk);
        }
        CHECK(is_filled(bytes, SHARED_BYTES, round));
        ta_chunk_release(chunk);
        barrier_wait(&all);
    }
    return unused;
}

static void the_end_of_a_scope_races_with_releases(void) {
    pthread_t holders[HOLDERS];
    for (int i = 0; i < HOLDERS; i++) {
        CHECK_EQ(pthread_create(&holders[i], NULL, hold_on, NULL), 0);
    }
    ta_arena *arena = open_arena();
    for (uint64_t round = 0; round < ROUNDS; round++) {
        handed.bytes = take(arena, SHARED_BYTES, 0);
        fill(handed.bytes, SHARED_BYTES, round);
        for (int i = 0; i < HOLDERS; i++) {
            handed.chunk = ta_pin(arena, handed.bytes, SHARED_BYTES);
        }
        barrier_wait(&all);
        CHECK_EQ(ta_reset(arena), TA_OK);
        fill(take(arena, SHARED_BYTES, 0), SHARED_BYTES, round + 1); /* never the pinned bytes */
        barrier_wait(&all);
        CHECK_EQ(pool_info().pinned, 0);
        CHECK_EQ(ta_reset(arena), TA_OK);
    }
    for (int i = 0; i < HOLDERS; i++) {
        CHECK_EQ(pthread_join(holders[i], NULL), 0);
    }
    close_arena(arena);
}

/* ---- mistakes -------------------------------------------------------------------------------- */

static void no_chunk_is_no_pin(void) {
    ta_chunk_retain(NULL);
    ta_chunk_release(NULL);
}

/* Passes without the look at the pool that every other test ends with. */
static void leave_it_as_it_is(void) {
    fflush(stdout);
    _exit(0);
}

static ta_chunk *pinned_chunk(ta_arena *arena) {
    return ta_pin(arena, take(arena, 1000, 0), 1000);
}

static void pins_of_a_chunk_that_nobody_pins_change_nothing_and_are_counted(void) {
    ta_arena *arena = open_arena();
    ta_chunk *chunk = pinned_chunk(arena);
    close_arena(arena);
    ta_chunk_release(chunk); /* the last one: the chunk goes home */
    ta_pool_info home = pool_info();
    ta_chunk_release(chunk);
    CHECK_EQ(pool_info().stray_pins, 1);
    ta_chunk_retain(chunk);
    ta_chunk_release(chunk);
    home.stray_pins = 3;
    ta_pool_info now = pool_info();
    CHECK(memcmp(&now, &home, sizeof now) == 0);
    /* The next one to have the chunk counts from zero. */
    arena = open_arena();
    CHECK(pinned_chunk(arena) == chunk);
    close_arena(arena);
    CHECK_EQ(pool_info().pinned_chunks, 1);
    ta_chunk_release(chunk);
    CHECK_EQ(pool_info().in_use, 0);
    CHECK_EQ(pool_info().stray_pins, 3);
    leave_it_as_it_is();
}

static void so_are_those_of_a_chunk_that_nobody_ever_pinned(void) {
    ta_arena *arena = open_arena();
    take(arena, 1000, 0);
    ta_chunk *chunk = (ta_chunk *)(uintptr_t)arena->chunk;
    close_arena(arena);
    ta_chunk_release(chunk);
    CHECK_EQ(pool_info().stray_pins, 1);
    CHECK_EQ(pool_info().in_use, 0);
    leave_it_as_it_is();
}

static void a_chunk_that_was_released_once_too_often_is_never_used_again(void) {
    ta_arena *arena = open_arena();
    ta_chunk *chunk = pinned_chunk(arena);
    ta_chunk_release(chunk);
    ta_chunk_release(chunk);
    CHECK_EQ(ta_reset(arena), TA_OK);
    CHECK_EQ(pool_info().stray_pins, 1);
    CHECK_EQ(pool_info().pinned_chunks, 1);
    for (int i = 0; i < 1000; i++) {
        CHECK(pinned_chunk(arena) != chunk);
        ta_chunk_release((ta_chunk *)(uintptr_t)arena->chunk);
    }
    ta_chunk_release(chunk); /* and nothing brings it back */
    ta_chunk_retain(chunk);
    ta_chunk_release(chunk);
    close_arena(arena);
    CHECK_EQ(pool_info().in_use_chunks, 1);
    CHECK_EQ(pool_info().stray_pins, 2);
    leave_it_as_it_is();
}

/* ---- the pins of native code beside Java's --------------------------------------------------- */

static void javas_pins_are_not_counted_as_native_ones(void) {
    ta_arena *arena = open_arena();
    char *bytes = take(arena, 1000, 0);
    ta_chunk *chunk = &chunk_pin(arena, address_of(bytes), 1000)->shown;
    CHECK_EQ(chunk->owner_pins, 1);
    CHECK_EQ(native_pins(chunk), 0);
    ta_chunk_retain(chunk); /* what Java lent, native code may keep */
    CHECK_EQ(native_pins(chunk), 1);
    chunk_release(descriptor_of(chunk)); /* elsewhere: the sum is what counts */
    CHECK(chunk_is_pinned(descriptor_of(chunk)));
    close_arena(arena);
    CHECK_EQ(native_pins(chunk), 1);
    CHECK_EQ(pool_info().pinned_chunks, 1);
    ta_chunk_release(chunk);
    CHECK_EQ(pool_info().in_use, 0);
}

static void the_count_may_be_negative_beside_native_pins(void) {
    ta_arena *arena = open_arena();
    char *bytes = take(arena, 1000, 0);
    ta_chunk *chunk = ta_pin(arena, bytes, 1000);
    for (int i = 0; i < 5; i++) {
        chunk_pin(arena, address_of(bytes), 1000);
        chunk_release(descriptor_of(chunk));
    }
    CHECK_EQ(chunk->owner_pins, 5);
    CHECK_EQ((int64_t)(chunk->word << 28) / ((int64_t)1 << 28), 2 * (1 - 5));
    ta_chunk_retain(chunk);
    ta_chunk_release(chunk);
    CHECK(chunk_is_pinned(descriptor_of(chunk)));
    ta_chunk_release(chunk);
    CHECK(!chunk_is_pinned(descriptor_of(chunk)));
    close_arena(arena);
    CHECK_EQ(pool_info().in_use, 0);
    CHECK_EQ(pool_info().stray_pins, 0);
}

int main(void) {
    int failures = 0;
    RUN(javas_pins_are_not_counted_as_native_ones);
    RUN(the_count_may_be_negative_beside_native_pins);
    RUN(no_chunk_is_no_pin);
    if (!checker_owns_memory()) { /* they would rather report it, see mistakes.c */
        RUN(pins_of_a_chunk_that_nobody_pins_change_nothing_and_are_counted);
        RUN(so_are_those_of_a_chunk_that_nobody_ever_pinned);
        RUN(a_chunk_that_was_released_once_too_often_is_never_used_again);
    }
    RUN(a_pin_raises_the_floor_to_the_end_of_its_allocation);
    RUN(only_bytes_of_the_arena_can_be_pinned);
    RUN(an_allocation_in_an_earlier_chunk_can_be_pinned);
    RUN(a_rewind_stops_at_the_floor_and_charges_it_until_the_pins_are_gone);
    RUN(a_pin_below_the_mark_costs_nothing);
    RUN(nested_scopes_waste_what_each_floor_covers);
    RUN(pinned_chunks_after_the_mark_detach_and_come_home_with_the_last_release);
    RUN(chunks_whose_pins_are_gone_stay_with_the_arena);
    RUN(only_pinned_chunks_among_many_detach);
    RUN(pins_survive_reset_and_destroy);
    RUN(a_rewind_to_before_the_first_chunk_detaches_it_when_pinned);
    RUN(a_release_on_another_thread_frees_what_the_owner_pinned);
    RUN(a_chunk_whose_last_pin_goes_while_it_detaches_stays_the_owners);
    RUN(the_end_of_a_scope_races_with_releases);
    return failures != 0;
}
