/* The quarantine: ended bytes are filled with a pattern and rest until so many more have ended. */
#include "check.h"

#include "os.h"

static bool is_poisoned(const void *bytes, uint64_t size) {
    return bytes_are(bytes, size, TA_QUARANTINE_BYTE);
}

static void bytes_ended_by_a_rewind_are_poisoned_and_rest(void) {
    ta_pool_set_quarantine(MIB);
    ta_arena *arena = open_arena();
    char *living = take(arena, 100, 0);
    fill(living, 100, 1);
    ta_position mark;
    ta_mark(arena, &mark);
    char *ended = take(arena, 5000, 0);
    fill(ended, 5000, 2);
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    CHECK(is_poisoned(ended, 5000));
    CHECK(is_filled(living, 100, 1));
    CHECK(take(arena, 5000, 0) >= ended + 5000);
    CHECK(is_poisoned(ended, 5000));
    close_arena(arena);
}

static void resting_bytes_are_not_charged(void) {
    ta_pool_set_quarantine(MIB);
    ta_arena *arena = open_limited(10000);
    take(arena, 1000, 1);
    ta_position mark;
    ta_mark(arena, &mark);
    for (int i = 0; i < 100; i++) {
        take(arena, 9000, 1);
        CHECK(ta_alloc(arena, 1, 1) == NULL);
        CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
        CHECK_EQ(info_of(arena).allocated, 1000);
        CHECK_EQ(info_of(arena).wasted, 0);
    }
    close_arena(arena);
}

static void chunks_after_the_mark_are_poisoned_and_rest(void) {
    ta_pool_set_quarantine(16 * MIB);
    ta_arena *arena = open_arena();
    take(arena, 100, 0);
    ta_position mark;
    ta_mark(arena, &mark);
    char *first = take(arena, 100000, 0), *second = take(arena, 500000, 0);
    fill(first, 100000, 1);
    fill(second, 500000, 2);
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    CHECK_EQ(info_of(arena).chunks, 1); /* no spares: they rest in the pool */
    CHECK(is_poisoned(first, 100000));
    CHECK(is_poisoned(second, 500000));
    for (int i = 0; i < 5; i++) {
        char *fresh = take(arena, 600000, 0);
        CHECK(fresh != first && fresh != second);
        fill(fresh, 600000, 3);
    }
    CHECK(is_poisoned(first, 100000));
    CHECK(is_poisoned(second, 500000));
    close_arena(arena);
}

static void so_many_bytes_end_before_one_is_handed_out_again(void) {
    ta_pool_set_quarantine(MIB);
    static uint64_t seen[1000];
    ta_arena *arena = open_arena();
    uint64_t repeats = 0;
    for (int i = 0; i < 1000; i++) { /* each cycle ends a chunk of 64 KiB; sixteen must rest */
        seen[i] = address_of(take(arena, 60000, 0));
        for (int j = i - 1; j >= 0; j--) {
            CHECK(seen[i] != seen[j] || i - j > 16);
            repeats += seen[i] == seen[j];
        }
        CHECK_EQ(ta_reset(arena), TA_OK);
    }
    CHECK_GE(repeats, 1); /* but not for ever */
    CHECK_LE(pool_info().committed, 4 * MIB);
    close_arena(arena);
}

static void pinned_bytes_do_not_rest_before_the_last_release(void) {
    ta_pool_set_quarantine(16 * MIB);
    ta_arena *arena = open_arena();
    take(arena, 100, 0);
    ta_position mark;
    ta_mark(arena, &mark);
    char *within = take(arena, 1000, 0), *behind = take(arena, 100000, 0);
    fill(within, 1000, 1);
    fill(behind, 100000, 2);
    ta_chunk *chunk = ta_pin(arena, within, 1000);
    ta_chunk *detached = ta_pin(arena, behind, 100000);
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    CHECK(is_filled(within, 1000, 1));
    CHECK(is_filled(behind, 100000, 2));
    CHECK_EQ(info_of(arena).allocated, 128 + 1000); /* the floor is charged, what rests is not */
    CHECK(is_poisoned(within + 1000, TA_MIN_CHUNK_BYTES - 128 - 1000));
    ta_chunk_release(detached);
    CHECK(is_poisoned(behind, 100000));
    ta_chunk_release(chunk);
    close_arena(arena);
    CHECK(is_poisoned(within, 1000));
}

static bool refuse(void) {
    return true;
}

static void when_the_system_refuses_memory_the_quarantine_gives_way(void) {
    ta_pool_set_quarantine(GIB);
    ta_arena *arena = open_arena();
    char *rests = take(arena, 2 * MIB, 64);
    CHECK_EQ(ta_reset(arena), TA_OK);
    os_fault_hook = refuse;
    CHECK(take(arena, 2 * MIB, 64) == rests);
    CHECK_EQ(ta_arena_reserve(arena, 16 * MIB, 64), TA_ERR_NO_MEMORY);
    os_fault_hook = NULL;
    close_arena(arena);
}

static void it_is_set_once(void) {
    CHECK_EQ(ta_pool_set_quarantine(64 * MIB), TA_OK);
    CHECK_EQ(ta_pool_set_quarantine(0), TA_ERR_ARGUMENT);
    CHECK_EQ(ta_pool_set_quarantine(64 * MIB), TA_OK); /* it is so */
    ta_arena *arena = open_arena();
    char *bytes = take(arena, MIB, 64);
    CHECK_EQ(ta_pool_set_quarantine(0), TA_ERR_ARGUMENT);
    close_arena(arena);
    CHECK(is_poisoned(bytes, MIB));
    CHECK_EQ(pool_info().free, 0);
}

static void none_is_a_choice_too(void) {
    CHECK_EQ(ta_pool_set_quarantine(0), TA_OK);
    CHECK_EQ(ta_pool_set_quarantine(MIB), TA_ERR_ARGUMENT);
}

static void behind_the_first_arena_it_is_too_late(void) {
    close_arena(open_arena());
    CHECK_EQ(ta_pool_set_quarantine(MIB), TA_ERR_ARGUMENT);
    CHECK_EQ(ta_pool_set_quarantine(0), TA_OK);
}

int main(void) {
    int failures = 0;
    RUN(bytes_ended_by_a_rewind_are_poisoned_and_rest);
    RUN(resting_bytes_are_not_charged);
    RUN(chunks_after_the_mark_are_poisoned_and_rest);
    RUN(so_many_bytes_end_before_one_is_handed_out_again);
    RUN(pinned_bytes_do_not_rest_before_the_last_release);
    RUN(when_the_system_refuses_memory_the_quarantine_gives_way);
    RUN(it_is_set_once);
    RUN(none_is_a_choice_too);
    RUN(behind_the_first_arena_it_is_too_late);
    return failures != 0;
}
