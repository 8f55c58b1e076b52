/* Memory limits: of an arena, to the byte; of the whole process; of what the pool retains. */
#include "check.h"

static void the_limit_is_kept_to_the_byte(void) {
    static const uint64_t limits[] = {1, 63, 64, 4096, 65535, 65536, 65537, 1000001, 5 * MIB + 3};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        ta_arena *arena = open_limited(limits[i]);
        CHECK(ta_alloc(arena, limits[i] + 1, 1) == NULL);
        CHECK_EQ(info_of(arena).chunks, 0); /* refused before a chunk was taken */
        take(arena, limits[i] / 2, 1);
        take(arena, limits[i] - limits[i] / 2, 1);
        CHECK_EQ(info_of(arena).allocated, limits[i]);
        CHECK(ta_alloc(arena, 1, 1) == NULL);
        CHECK_EQ(ta_arena_reserve(arena, 1, 1), TA_ERR_LIMIT);
        CHECK_EQ(ta_arena_check(arena, 1, 1), TA_ERR_LIMIT);
        CHECK_EQ(ta_arena_check(arena, 0, 1), TA_OK);
        CHECK_EQ(ta_reset(arena), TA_OK);
        for (uint64_t n = 0; n < 70000 && n < limits[i]; n++) { /* byte by byte */
            take(arena, 1, 1);
        }
        if (limits[i] < 70000) {
            CHECK(ta_alloc(arena, 1, 1) == NULL);
        }
        close_arena(arena);
    }
}

static void padding_is_charged(void) {
    ta_arena *arena = open_limited(200);
    take(arena, 1, 1);
    take(arena, 72, 128); /* at 128: 127 bytes of padding, 200 in all */
    CHECK_EQ(info_of(arena).allocated, 200);
    CHECK(ta_alloc(arena, 1, 1) == NULL);
    CHECK_EQ(ta_reset(arena), TA_OK);
    take(arena, 1, 1);
    CHECK(ta_alloc(arena, 73, 128) == NULL);
    CHECK_EQ(ta_arena_check(arena, 73, 128), TA_ERR_LIMIT);
    CHECK_EQ(ta_arena_check(arena, 72, 128), TA_OK);
    take(arena, 199, 1);
    close_arena(arena);
}

static void floors_are_charged(void) {
    ta_arena *arena = open_limited(1000);
    take(arena, 100, 1);
    ta_position mark;
    ta_mark(arena, &mark);
    ta_chunk *chunk = ta_pin(arena, take(arena, 600, 1), 600);
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    CHECK(ta_alloc(arena, 301, 1) == NULL);
    CHECK_EQ(ta_arena_check(arena, 301, 1), TA_ERR_LIMIT);
    take(arena, 300, 1);
    CHECK(ta_alloc(arena, 1, 1) == NULL);
    ta_chunk_release(chunk);
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    take(arena, 900, 1);
    close_arena(arena);
}

static void tails_and_detached_chunks_are_not_charged(void) {
    ta_arena *arena = open_limited(3 * TA_MIN_CHUNK_BYTES);
    take(arena, 1, 1);
    take(arena, TA_MIN_CHUNK_BYTES, 1); /* leaves a tail of 65535 bytes behind */
    CHECK_EQ(info_of(arena).allocated, TA_MIN_CHUNK_BYTES + 1);
    take(arena, 2 * TA_MIN_CHUNK_BYTES - 1, 1);
    CHECK(ta_alloc(arena, 1, 1) == NULL);
    CHECK_EQ(ta_reset(arena), TA_OK);
    ta_chunk *chunks[20];
    for (int i = 0; i < 20; i++) {
        char *bytes = take(arena, 3 * TA_MIN_CHUNK_BYTES, 1);
        chunks[i] = ta_pin(arena, bytes, 3 * TA_MIN_CHUNK_BYTES);
        CHECK_EQ(ta_reset(arena), TA_OK);
        CHECK_EQ(info_of(arena).allocated, 0);
    }
    for (int i = 0; i < 20; i++) {
        ta_chunk_release(chunks[i]);
    }
    close_arena(arena);
}

static void an_empty_allocation_at_an_exhausted_limit_needs_no_padding_or_fails(void) {
    ta_arena *arena = open_limited(100);
    take(arena, 100, 1);
    take(arena, 0, 1);
    take(arena, 0, 4);
    CHECK(ta_alloc(arena, 0, 64) == NULL); /* 28 bytes of padding would be charged */
    CHECK_EQ(ta_arena_check(arena, 0, 64), TA_ERR_LIMIT);
    CHECK_EQ(info_of(arena).allocated, 100);
    close_arena(arena);
    arena = open_limited(0); /* nothing but empty allocations */
    CHECK(ta_alloc(arena, 1, 1) == NULL);
    CHECK_EQ(ta_arena_check(arena, 1, 1), TA_ERR_LIMIT);
    take(arena, 0, 4096);
    take(arena, 0, 0);
    CHECK_EQ(info_of(arena).allocated, 0);
    CHECK(ta_alloc(arena, 1, 1) == NULL);
    close_arena(arena);
}

static void check_predicts_what_an_allocation_does(void) {
    uint64_t random = 5;
    for (int program = 0; program < 300; program++) {
        ta_arena *arena = open_limited(random_below(&random, 500000));
        for (int i = 0; i < 200; i++) {
            uint64_t size = random_below(&random, random_below(&random, 10) == 0 ? 200000 : 2000);
            uint64_t align = (uint64_t)1 << random_below(&random, 13);
            ta_arena before = *arena;
            ta_status predicted = ta_arena_check(arena, size, align);
            CHECK(memcmp(&before, arena, sizeof before) == 0);
            CHECK_EQ(ta_alloc(arena, size, align) != NULL, predicted == TA_OK);
            if (random_below(&random, 50) == 0) {
                CHECK_EQ(ta_arena_set_limit(arena, random_below(&random, 500000)), TA_OK);
            }
        }
        close_arena(arena);
    }
}

static void a_limit_can_be_raised_and_lowered(void) {
    ta_arena *arena = open_arena();
    char *bytes = take(arena, 1000, 1);
    fill(bytes, 1000, 1);
    CHECK_EQ(ta_arena_set_limit(arena, 500), TA_OK); /* below the charge: refuses, takes nothing */
    CHECK_EQ(info_of(arena).memory_limit, 500);
    CHECK(ta_alloc(arena, 1, 1) == NULL);
    take(arena, 0, 1);
    CHECK_EQ(info_of(arena).allocated, 1000);
    CHECK_EQ(ta_arena_set_limit(arena, 1000), TA_OK);
    take(arena, 0, 1);
    CHECK(ta_alloc(arena, 1, 1) == NULL);
    CHECK_EQ(ta_arena_set_limit(arena, 1010), TA_OK);
    take(arena, 10, 1);
    CHECK(ta_alloc(arena, 1, 1) == NULL);
    CHECK_EQ(ta_arena_set_limit(arena, TA_UNLIMITED), TA_OK);
    take(arena, 10 * MIB, 1);
    CHECK_EQ(ta_arena_set_limit(arena, (uint64_t)INT64_MAX + 1), TA_OK); /* as good as none */
    CHECK_EQ(info_of(arena).memory_limit, TA_UNLIMITED);
    CHECK(is_filled(bytes, 1000, 1));
    close_arena(arena);
}

static void a_limit_set_before_the_first_chunk_holds(void) {
    ta_arena *arena = open_arena();
    CHECK_EQ(ta_arena_set_limit(arena, 10), TA_OK);
    CHECK(ta_alloc(arena, 11, 1) == NULL);
    take(arena, 10, 1);
    CHECK(ta_alloc(arena, 1, 1) == NULL);
    close_arena(arena);
}

static void a_limit_holds_after_rewind_and_refill(void) {
    ta_arena *arena = open_limited(200000);
    take(arena, 1000, 1);
    ta_position mark;
    ta_mark(arena, &mark);
    for (int cycle = 0; cycle < 10; cycle++) {
        uint64_t charged = 1000;
        for (uint64_t size = 1; ta_alloc(arena, size, 1) != NULL; size += 1000) {
            charged += size;
            CHECK_EQ(info_of(arena).allocated, charged);
        }
        take(arena, 200000 - charged, 1);
        CHECK(ta_alloc(arena, 1, 1) == NULL);
        CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
        CHECK_EQ(info_of(arena).allocated, 1000);
    }
    CHECK_EQ(info_of(arena).peak, 200000);
    close_arena(arena);
}

static void the_process_limit_bounds_the_chunks_in_use(void) {
    ta_pool_set_memory_limit(MIB);
    CHECK_EQ(pool_info().memory_limit, MIB);
    ta_options options = {.capacity = MIB, .memory_limit = TA_UNLIMITED};
    ta_arena *first = open_with(&options), *second = open_arena();
    CHECK(ta_alloc(first, MIB + 1, 1) == NULL);
    CHECK_EQ(ta_arena_reserve(first, MIB + 1, 1), TA_ERR_POOL_LIMIT);
    take(first, 768 * KIB, 1); /* a chunk of 1 MiB */
    CHECK_EQ(ta_arena_reserve(second, 1, 1), TA_ERR_POOL_LIMIT);
    CHECK(ta_alloc(second, 1, 1) == NULL);
    CHECK_EQ(info_of(second).chunks, 0);
    take(first, 256 * KIB, 1);
    CHECK_EQ(ta_arena_reserve(first, 1, 1), TA_ERR_POOL_LIMIT);
    close_arena(first);
    take(second, 1, 1);
    ta_pool_set_memory_limit(TA_MIN_CHUNK_BYTES - 1); /* below what is in use: nothing is taken */
    CHECK_EQ(ta_arena_reserve(second, TA_MIN_CHUNK_BYTES, 1), TA_ERR_POOL_LIMIT);
    take(second, 100, 1); /* room in a chunk held already is not refused */
    ta_pool_set_memory_limit(TA_UNLIMITED);
    take(second, 10 * MIB, 1);
    close_arena(second);
}

static void near_the_process_limit_chunks_are_as_small_as_need_be(void) {
    ta_pool_set_memory_limit(3 * MIB);
    ta_arena *arena = open_arena();
    for (int i = 0; i < 8; i++) {
        take(arena, 256 * KIB, 1);
    }
    CHECK_EQ(pool_info().in_use, 2 * MIB);
    take(arena, 1, 1); /* would like 2 MiB */
    CHECK_EQ(pool_info().in_use, 3 * MIB);
    close_arena(arena);
}

static void the_process_limit_counts_pinned_chunks(void) {
    ta_pool_set_memory_limit(MIB);
    ta_arena *arena = open_arena();
    ta_chunk *chunk = ta_pin(arena, take(arena, MIB, 1), MIB);
    CHECK_EQ(ta_reset(arena), TA_OK);
    CHECK_EQ(ta_arena_reserve(arena, 1, 1), TA_ERR_POOL_LIMIT);
    ta_chunk_release(chunk);
    take(arena, MIB, 1);
    close_arena(arena);
}

/* Free pages are purged to make room for a chunk: its buddies must not merge with it meanwhile. */
static void a_chunk_taken_under_the_process_limit_is_nobody_elses(void) {
    ta_arena *pair = open_arena(), *low = open_arena(), *high = open_arena();
    take(pair, 2 * TA_MIN_CHUNK_BYTES, 1);
    take(low, 1, 1);
    take(high, 1, 1);
    CHECK_EQ(high->base, low->base + TA_MIN_CHUNK_BYTES);
    CHECK_EQ(low->base, pair->base + 2 * TA_MIN_CHUNK_BYTES); /* pair's buddy, in two halves */
    ta_pool_set_retained_limit(0);
    close_arena(pair);
    close_arena(low);
    ta_pool_set_retained_limit(MIB);
    close_arena(high); /* the one chunk whose pages are kept */
    CHECK_EQ(pool_info().free, TA_MIN_CHUNK_BYTES);
    ta_pool_set_memory_limit(2 * TA_MIN_CHUNK_BYTES);
    ta_arena *taken = open_arena();
    char *bytes = take(taken, 2 * TA_MIN_CHUNK_BYTES, 1);
    CHECK_EQ(pool_info().free, 0);
    fill(bytes, 2 * TA_MIN_CHUNK_BYTES, 1);
    ta_pool_set_memory_limit(TA_UNLIMITED);
    ta_arena *others[8];
    for (int i = 0; i < 8; i++) {
        others[i] = open_arena();
        fill(take(others[i], TA_MIN_CHUNK_BYTES, 1), TA_MIN_CHUNK_BYTES, 2);
    }
    CHECK(is_filled(bytes, 2 * TA_MIN_CHUNK_BYTES, 1));
    for (int i = 0; i < 8; i++) {
        close_arena(others[i]);
    }
    close_arena(taken);
}

int main(void) {
    int failures = 0;
    RUN(the_limit_is_kept_to_the_byte);
    RUN(padding_is_charged);
    RUN(floors_are_charged);
    RUN(tails_and_detached_chunks_are_not_charged);
    RUN(an_empty_allocation_at_an_exhausted_limit_needs_no_padding_or_fails);
    RUN(check_predicts_what_an_allocation_does);
    RUN(a_limit_can_be_raised_and_lowered);
    RUN(a_limit_set_before_the_first_chunk_holds);
    RUN(a_limit_holds_after_rewind_and_refill);
    RUN(the_process_limit_bounds_the_chunks_in_use);
    RUN(near_the_process_limit_chunks_are_as_small_as_need_be);
    RUN(the_process_limit_counts_pinned_chunks);
    RUN(a_chunk_taken_under_the_process_limit_is_nobody_elses);
    return failures != 0;
}
