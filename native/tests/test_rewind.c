/* Marks, rewinds and resets without pins: where the arena stands afterwards, and what it keeps. */
#include "check.h"

static void a_rewind_in_one_chunk_gives_the_same_addresses_again(void) {
    ta_arena *arena = open_arena();
    char *kept = take(arena, 1000, 0);
    fill(kept, 1000, 1);
    ta_position mark;
    ta_mark(arena, &mark);
    ta_arena before = *arena;
    char *ended = take(arena, 5000, 256);
    fill(ended, 5000, 2);
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    before.peak = arena->peak;
    CHECK(memcmp(&before, arena, sizeof before) == 0);
    CHECK(take(arena, 5000, 256) == ended);
    CHECK(is_filled(kept, 1000, 1));
    close_arena(arena);
}

static void a_mark_can_be_rewound_to_again_and_again(void) {
    ta_arena *arena = open_arena();
    take(arena, 10, 1);
    ta_position mark;
    ta_mark(arena, &mark);
    for (int i = 0; i < 100; i++) {
        take(arena, 1000 * (uint64_t)i, 0);
        CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
        CHECK_EQ(info_of(arena).allocated, 10);
        CHECK_EQ(arena->cursor, mark.cursor);
    }
    close_arena(arena);
}

static void inner_marks_end_with_outer_ones(void) {
    ta_arena *arena = open_arena();
    ta_position marks[50];
    uint64_t charges[50];
    char *bytes[50];
    for (int i = 0; i < 50; i++) { /* across chunks: 50 times 9000 */
        bytes[i] = take(arena, 9000, 0);
        fill(bytes[i], 9000, (uint64_t)i);
        ta_mark(arena, &marks[i]);
        charges[i] = info_of(arena).allocated;
    }
    CHECK_GE(info_of(arena).chunks, 3);
    for (int i = 49; i >= 0; i -= 1 + i % 3) {
        CHECK_EQ(ta_rewind(arena, &marks[i]), TA_OK);
        CHECK_EQ(info_of(arena).allocated, charges[i]);
        CHECK_EQ(arena->newest, marks[i].newest);
        for (int j = 0; j <= i; j++) {
            CHECK(is_filled(bytes[j], 9000, (uint64_t)j));
        }
    }
    close_arena(arena);
}

static void spares_are_used_again_without_a_refill(void) {
    ta_arena *arena = open_arena();
    take(arena, 100, 0);
    ta_position mark;
    ta_mark(arena, &mark);
    char *first[20];
    for (int i = 0; i < 20; i++) {
        first[i] = take(arena, 30000, 0);
    }
    ta_arena_info full = info_of(arena);
    for (int cycle = 0; cycle < 100; cycle++) {
        CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
        CHECK_EQ(info_of(arena).chunks, full.chunks);
        CHECK_EQ(info_of(arena).reserved, full.reserved);
        for (int i = 0; i < 20; i++) {
            CHECK(take(arena, 30000, 0) == first[i]);
        }
        CHECK_EQ(info_of(arena).refills, full.refills);
        CHECK_EQ(pool_info().in_use, full.reserved);
    }
    close_arena(arena);
}

static void a_spare_too_small_waits_for_a_smaller_request(void) {
    ta_arena *arena = open_arena();
    take(arena, 1, 1);
    ta_position mark;
    ta_mark(arena, &mark);
    char *small = take(arena, TA_MIN_CHUNK_BYTES, 0);
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    char *large = take(arena, MIB, 0); /* steps over the small spare, which stays */
    CHECK_EQ(info_of(arena).chunks, 3);
    fill(large, MIB, 1);
    CHECK(take(arena, TA_MIN_CHUNK_BYTES, 0) == small);
    fill(small, TA_MIN_CHUNK_BYTES, 2);
    CHECK(is_filled(large, MIB, 1));
    CHECK_EQ(info_of(arena).chunks, 3);
    CHECK_EQ(info_of(arena).refills, 1);
    close_arena(arena);
}

static void a_mark_without_a_chunk_is_the_very_beginning(void) {
    ta_arena *arena = open_arena();
    ta_position mark;
    ta_mark(arena, &mark);
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    CHECK_EQ(info_of(arena).chunks, 0);
    char *first = take(arena, 100000, 0);
    take(arena, 100000, 0);
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    CHECK_EQ(info_of(arena).allocated, 0);
    CHECK(take(arena, 100000, 0) == first);
    close_arena(arena);
}

static void a_stale_mark_is_refused(void) {
    ta_arena *arena = open_arena();
    ta_position outer, inner, behind, foreign;
    take(arena, 100, 0);
    ta_mark(arena, &outer);
    take(arena, 200, 0);
    ta_mark(arena, &inner);
    take(arena, TA_MIN_CHUNK_BYTES, 0);
    ta_mark(arena, &behind);
    CHECK_EQ(ta_rewind(arena, &outer), TA_OK);
    ta_arena before = *arena;
    CHECK_EQ(ta_rewind(arena, &inner), TA_ERR_MARK);  /* beyond the cursor */
    CHECK_EQ(ta_rewind(arena, &behind), TA_ERR_MARK); /* in a chunk that is a spare now */
    ta_arena *other = open_arena();
    take(other, 1, 0);
    ta_mark(other, &foreign);
    CHECK_EQ(ta_rewind(arena, &foreign), TA_ERR_MARK); /* another arena's */
    ta_position wrong = outer;
    wrong.cursor = arena->base - 1;
    CHECK_EQ(ta_rewind(arena, &wrong), TA_ERR_MARK);
    wrong.cursor = arena->base + TA_MIN_CHUNK_BYTES + 1;
    CHECK_EQ(ta_rewind(arena, &wrong), TA_ERR_MARK);
    CHECK(memcmp(&before, arena, sizeof before) == 0);
    CHECK_EQ(ta_rewind(arena, &outer), TA_OK);
    close_arena(other);
    /* After a reset without a chunk left, no mark in a chunk is valid. */
    take(arena, 8 * MIB, 0);
    ta_mark(arena, &behind);
    CHECK_EQ(ta_reset(arena), TA_OK);
    while (info_of(arena).chunks != 0) {
        CHECK_EQ(ta_reset(arena), TA_OK);
    }
    CHECK_EQ(ta_rewind(arena, &behind), TA_ERR_MARK);
    close_arena(arena);
}

/* One cycle of a query: scopes in it, sizes that repeat. */
static void run_cycle(ta_arena *arena, uint64_t scale) {
    uint64_t random = 11;
    for (int batch = 0; batch < 10; batch++) {
        take(arena, random_below(&random, 200 * scale), 64);
        ta_position mark;
        ta_mark(arena, &mark);
        for (int i = 0; i < 20; i++) {
            take(arena, random_below(&random, 500 * scale),
                 (uint64_t)1 << random_below(&random, 13));
        }
        CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    }
}

static void a_steady_workload_never_refills_again(void) {
    static const uint64_t scales[] = {1, 30, 300, 5000, 300000}; /* up to some 2 GiB, untouched */
    for (size_t s = 0; s < sizeof scales / sizeof scales[0]; s++) {
        ta_arena *arena = open_arena();
        run_cycle(arena, scales[s]);
        CHECK_EQ(ta_reset(arena), TA_OK);
        run_cycle(arena, scales[s]);
        uint64_t refills = info_of(arena).refills;
        uint64_t chunk = arena->chunk;
        for (int cycle = 0; cycle < 50; cycle++) {
            CHECK_EQ(ta_reset(arena), TA_OK);
            CHECK_EQ(info_of(arena).chunks, 1);
            CHECK_EQ(info_of(arena).allocated, 0);
            run_cycle(arena, scales[s]);
            CHECK_EQ(arena->chunk, chunk); /* warm memory: the very same chunk */
            CHECK_EQ(info_of(arena).refills, refills);
            CHECK_EQ(info_of(arena).chunks, 1);
        }
        close_arena(arena);
    }
}

static void a_steady_workload_at_its_limit_keeps_its_chunk(void) {
    ta_arena *arena = open_limited(MIB);
    uint64_t chunk = 0;
    for (int cycle = 0; cycle < 20; cycle++) {
        for (int i = 0; i < 256; i++) {
            take(arena, 4096, 0);
        }
        CHECK(ta_alloc(arena, 1, 1) == NULL);
        CHECK_EQ(ta_reset(arena), TA_OK);
        if (cycle > 0) {
            CHECK_EQ(info_of(arena).chunks, 1);
            CHECK(cycle == 1 || arena->chunk == chunk);
            CHECK_EQ(info_of(arena).reserved, MIB); /* more could never be used */
            chunk = arena->chunk;
        }
    }
    close_arena(arena);
}

static void one_chunk_in_place_of_several_has_room_for_their_padding(void) {
    ta_arena *arena = open_arena();
    for (int cycle = 0; cycle < 5; cycle++) {
        take(arena, 60000, 1);
        take(arena, 70536, 4096); /* together just below 128 KiB, with the padding above */
        CHECK_EQ(ta_reset(arena), TA_OK);
        CHECK_EQ(info_of(arena).refills, 1); /* in the first cycle only */
    }
    close_arena(arena);
}

static void a_reset_shrinks_after_a_spike(void) {
    ta_arena *arena = open_arena();
    take(arena, 64 * MIB, 0);
    CHECK_EQ(ta_reset(arena), TA_OK);
    CHECK_EQ(info_of(arena).reserved, 64 * MIB); /* the next cycle may be like the last */
    for (int cycle = 0; cycle < 30; cycle++) {
        take(arena, 50000, 0);
        CHECK_EQ(ta_reset(arena), TA_OK);
    }
    CHECK_LE(info_of(arena).reserved, 8 * TA_MIN_CHUNK_BYTES);
    uint64_t refills = info_of(arena).refills;
    take(arena, 50000, 0);
    CHECK_EQ(info_of(arena).refills, refills);
    close_arena(arena);
}

static void an_idle_arena_that_is_reset_lets_its_memory_go(void) {
    ta_arena *arena = open_arena();
    take(arena, 16 * MIB, 0);
    for (int cycle = 0; cycle < 30; cycle++) {
        CHECK_EQ(ta_reset(arena), TA_OK);
    }
    CHECK_LE(info_of(arena).reserved, 8 * TA_MIN_CHUNK_BYTES);
    close_arena(arena);
}

static void statistics_follow_the_cursor(void) {
    ta_arena *arena = open_arena();
    take(arena, 100, 1);
    take(arena, 100, 64); /* 28 bytes of padding */
    CHECK_EQ(info_of(arena).allocated, 228);
    CHECK_EQ(info_of(arena).peak, 228); /* before any slow path has noted it */
    ta_position mark;
    ta_mark(arena, &mark);
    take(arena, 1000, 1);
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    CHECK_EQ(info_of(arena).allocated, 228);
    CHECK_EQ(info_of(arena).peak, 1228);
    take(arena, TA_MIN_CHUNK_BYTES, 1); /* the tail of the first chunk is not charged */
    CHECK_EQ(info_of(arena).allocated, 228 + TA_MIN_CHUNK_BYTES);
    CHECK_EQ(ta_reset(arena), TA_OK);
    CHECK_EQ(info_of(arena).allocated, 0);
    CHECK_EQ(info_of(arena).wasted, 0);
    CHECK_EQ(info_of(arena).peak, 228 + TA_MIN_CHUNK_BYTES); /* over the arena's whole life */
    take(arena, 10, 1);
    CHECK_EQ(info_of(arena).peak, 228 + TA_MIN_CHUNK_BYTES);
    take(arena, 300000, 1);
    CHECK_EQ(ta_reset(arena), TA_OK);
    CHECK_EQ(info_of(arena).peak, 300010);
    close_arena(arena);
}

static void a_destroyed_arena_says_so(void) {
    ta_arena *arena = open_arena();
    take(arena, 10, 0);
    ta_position mark;
    ta_mark(arena, &mark);
    close_arena(arena);
    ta_arena_info info;
    CHECK_EQ(ta_arena_destroy(arena), TA_ERR_CLOSED);
    CHECK_EQ(ta_arena_reserve(arena, 1, 1), TA_ERR_CLOSED);
    CHECK_EQ(ta_arena_check(arena, 1, 1), TA_ERR_CLOSED);
    CHECK_EQ(ta_arena_set_limit(arena, 1), TA_ERR_CLOSED);
    CHECK_EQ(ta_arena_stats(arena, &info, sizeof info), TA_ERR_CLOSED);
    CHECK_EQ(ta_rewind(arena, &mark), TA_ERR_CLOSED);
    CHECK_EQ(ta_reset(arena), TA_ERR_CLOSED);
    CHECK(ta_pin(arena, arena, 1) == NULL);
    CHECK(ta_alloc(arena, 0, 1) == NULL);
    CHECK(ta_alloc(arena, 1, 1) == NULL);
    CHECK(ta_arena_alloc(arena, 0, 0) == NULL);
    CHECK_EQ(ta_arena_destroy(NULL), TA_ERR_CLOSED);
}

static void no_mark_is_refused_and_no_arena_has_one_that_can_be_rewound_to(void) {
    ta_arena *arena = open_arena();
    char *bytes = take(arena, 10, 0);
    ta_mark(arena, NULL);
    CHECK_EQ(ta_rewind(arena, NULL), TA_ERR_ARGUMENT);
    CHECK_EQ(ta_rewind(NULL, NULL), TA_ERR_CLOSED);
    ta_position of_none, of_closed;
    ta_mark(NULL, &of_none);
    ta_arena *closed = open_arena();
    close_arena(closed);
    ta_mark(closed, &of_closed);
    CHECK_EQ(ta_rewind(arena, &of_none), TA_ERR_MARK);
    CHECK_EQ(ta_rewind(arena, &of_closed), TA_ERR_MARK);
    CHECK_EQ(arena->cursor, address_of(bytes) + 10);
    close_arena(arena);
}

int main(void) {
    int failures = 0;
    RUN(a_rewind_in_one_chunk_gives_the_same_addresses_again);
    RUN(a_mark_can_be_rewound_to_again_and_again);
    RUN(inner_marks_end_with_outer_ones);
    RUN(spares_are_used_again_without_a_refill);
    RUN(a_spare_too_small_waits_for_a_smaller_request);
    RUN(a_mark_without_a_chunk_is_the_very_beginning);
    RUN(a_stale_mark_is_refused);
    RUN(a_steady_workload_never_refills_again);
    RUN(a_steady_workload_at_its_limit_keeps_its_chunk);
    RUN(one_chunk_in_place_of_several_has_room_for_their_padding);
    RUN(a_reset_shrinks_after_a_spike);
    RUN(an_idle_arena_that_is_reset_lets_its_memory_go);
    RUN(statistics_follow_the_cursor);
    RUN(a_destroyed_arena_says_so);
    RUN(no_mark_is_refused_and_no_arena_has_one_that_can_be_rewound_to);
    return failures != 0;
}
