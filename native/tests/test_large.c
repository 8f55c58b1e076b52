/* Large allocations: each has a chunk of its own, and the arena goes on in the chunk it was in. */
#include "check.h"

#include "chunk.h"

static void the_arena_goes_on_in_the_chunk_it_was_in(void) {
    ta_arena *arena = open_arena();
    char *before = take(arena, 10, 1);
    char *large = take(arena, 64 * MIB, 0);
    char *after = take(arena, 10, 1);
    CHECK(is_large(arena, large));
    CHECK(after == before + 10);
    CHECK_EQ(info_of(arena).reserved, 64 * MIB + TA_MIN_CHUNK_BYTES);
    CHECK_EQ(info_of(arena).allocated, 64 * MIB + 20);
    CHECK_EQ(info_of(arena).refills, 0);
    CHECK_EQ(info_of(arena).chunks, 2);
    mark_bytes(large, 64 * MIB, 1);
    fill(before, 20, 2);
    CHECK(is_marked(large, 64 * MIB, 1));
    close_arena(arena);
}

static void what_comes_first_may_be_large(void) {
    ta_arena *arena = open_arena();
    char *large = take(arena, 64 * MIB, 4096);
    CHECK(is_large(arena, large));
    CHECK_EQ(arena->chunk, 0);
    CHECK_EQ(arena->limit, 0);
    take(arena, 10, 1);
    CHECK_EQ(info_of(arena).reserved, 64 * MIB + TA_MIN_CHUNK_BYTES);
    close_arena(arena);
}

static void what_is_not_much_of_the_next_chunk_is_no_large_one(void) {
    ta_arena *arena = open_arena();
    for (uint64_t i = 0; i < 100; i++) { /* up to 256 KiB nothing is large */
        take(arena, i % 2 == 0 ? 256 * KIB : 20000, 1);
        CHECK_EQ(arena->chunk, arena->newest);
    }
    CHECK_LE(info_of(arena).chunks, 12);
    for (int i = 0; i < 50; i++) { /* live are some 14 MiB: a quarter of the next chunk is 4 */
        take(arena, MIB, 1);
        CHECK_EQ(arena->chunk, arena->newest);
    }
    CHECK_LE(info_of(arena).chunks, 14);
    CHECK(is_large(arena, take(arena, 64 * MIB, 1)));
    close_arena(arena);
}

static void large_ones_make_the_next_chunk_no_larger(void) {
    ta_arena *arena = open_arena();
    take(arena, 10, 1);
    for (int i = 0; i < 20; i++) {
        take(arena, 32 * MIB, 1);
    }
    take(arena, TA_MIN_CHUNK_BYTES - 10, 1);
    take(arena, 10, 1); /* a refill */
    CHECK_EQ(info_of(arena).refills, 1);
    CHECK_EQ(info_of(arena).reserved, 20 * 32 * MIB + 2 * TA_MIN_CHUNK_BYTES);
    close_arena(arena);
}

static void a_rewind_ends_those_that_were_taken_since(void) {
    ta_arena *arena = open_arena();
    take(arena, 10, 1);
    char *outer = take(arena, MIB, 0);
    mark_bytes(outer, MIB, 1);
    ta_position mark;
    ta_mark(arena, &mark);
    uint64_t reserved = 0;
    char *inner = NULL;
    for (int i = 0; i < 10; i++) {
        ta_arena before = *arena;
        take(arena, 100, 1);
        char *large = take(arena, 2 * MIB, 0);
        CHECK(inner == NULL || large == inner); /* the spare, not another one */
        inner = large;
        mark_bytes(inner, 2 * MIB, 2);
        take(arena, 100, 1);
        CHECK_EQ(info_of(arena).allocated, 3 * MIB + 210);
        CHECK(reserved == 0 || info_of(arena).reserved == reserved);
        reserved = info_of(arena).reserved;
        CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
        before.peak = arena->peak;
        CHECK(memcmp(&before, arena, sizeof before) == 0);
        CHECK(is_marked(outer, MIB, 1));
        CHECK(ta_pin(arena, inner, 1) == NULL);
    }
    CHECK_EQ(info_of(arena).peak, 3 * MIB + 210);
    CHECK_EQ(ta_pool_trim(), 0); /* a spare is the arena's */
    close_arena(arena);
}

static void a_mark_behind_a_large_one_without_a_cursor_is_rewound_to(void) {
    ta_arena *arena = open_arena();
    char *large = take(arena, MIB, 0);
    mark_bytes(large, MIB, 1);
    ta_position mark, inner;
    ta_mark(arena, &mark);
    char *small = take(arena, 100, 1);
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    CHECK_EQ(info_of(arena).allocated, MIB);
    uint64_t chunk = arena->chunk;
    CHECK(chunk != 0); /* from now on rewinds are a matter of the cursor */
    ta_mark(arena, &inner);
    CHECK(take(arena, 100, 1) == small);
    CHECK_EQ(inner.newest, arena->newest);
    CHECK_EQ(ta_rewind(arena, &inner), TA_OK);
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    CHECK_EQ(info_of(arena).allocated, MIB);
    CHECK_EQ(info_of(arena).chunks, 2);
    CHECK(is_marked(large, MIB, 1));
    ta_position start = {0};
    CHECK_EQ(ta_rewind(arena, &start), TA_OK);
    CHECK_EQ(info_of(arena).allocated, 0);
    CHECK_EQ(ta_rewind(arena, &mark), TA_ERR_MARK);
    close_arena(arena);
}

static void a_pinned_large_one_outlives_its_rewind(void) {
    ta_arena *arena = open_arena();
    take(arena, 10, 1);
    ta_position mark;
    ta_mark(arena, &mark);
    char *large = take(arena, MIB, 0);
    mark_bytes(large, MIB, 1);
    ta_chunk *chunk = ta_pin(arena, large + 100, 5);
    CHECK(chunk == newest_of(arena));
    CHECK(ta_pin(arena, large + MIB - 1, 2) == NULL); /* behind what was handed out */
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    CHECK_EQ(info_of(arena).allocated, 10);
    CHECK_EQ(pool_info().pinned, MIB);
    CHECK(take(arena, MIB, 0) != large);
    CHECK(is_marked(large, MIB, 1));
    ta_chunk_release(chunk);
    CHECK_EQ(pool_info().pinned, 0);
    close_arena(arena);
}

static void the_limit_counts_large_ones_to_the_byte(void) {
    ta_arena *arena = open_limited(3 * MIB);
    take(arena, 10, 1);
    take(arena, 2 * MIB, 0);
    CHECK_EQ(ta_arena_check(arena, MIB - 9, 1), TA_ERR_LIMIT);
    CHECK(ta_alloc(arena, MIB - 9, 1) == NULL);
    take(arena, MIB - 10, 1);
    CHECK_EQ(info_of(arena).allocated, 3 * MIB);
    CHECK(ta_alloc(arena, 1, 1) == NULL); /* the current chunk has room, the limit has none */
    CHECK_EQ(ta_reset(arena), TA_OK);
    take(arena, 3 * MIB, 1);
    close_arena(arena);
}

static void a_reserve_makes_room_for_the_fast_path(void) {
    ta_arena *arena = open_arena();
    take(arena, 10, 1);
    CHECK_EQ(ta_arena_reserve(arena, 8 * MIB, 64), TA_OK);
    uint64_t cursor = arena->cursor;
    CHECK(address_of(take(arena, 8 * MIB, 64)) == cursor);
    CHECK_EQ(arena->chunk, arena->newest);
    close_arena(arena);
}

static void a_steady_load_of_large_ones_needs_no_chunk_of_the_pool(void) {
    ta_arena *arena = open_arena();
    for (int cycle = 0; cycle < 20; cycle++) {
        take(arena, 10, 1);
        take(arena, 5 * MIB, 0);
        take(arena, 70000, 1);
        take(arena, 3 * MIB, 0);
        CHECK(cycle < 2 || info_of(arena).chunks == 1);
        CHECK_EQ(ta_reset(arena), TA_OK);
        CHECK_LE(info_of(arena).chunks, 1);
        CHECK_LE(info_of(arena).reserved, 10 * MIB);
    }
    close_arena(arena);
}

int main(void) {
    int failures = 0;
    RUN(the_arena_goes_on_in_the_chunk_it_was_in);
    RUN(what_comes_first_may_be_large);
    RUN(what_is_not_much_of_the_next_chunk_is_no_large_one);
    RUN(large_ones_make_the_next_chunk_no_larger);
    RUN(a_rewind_ends_those_that_were_taken_since);
    RUN(a_mark_behind_a_large_one_without_a_cursor_is_rewound_to);
    RUN(a_pinned_large_one_outlives_its_rewind);
    RUN(the_limit_counts_large_ones_to_the_byte);
    RUN(a_reserve_makes_room_for_the_fast_path);
    RUN(a_steady_load_of_large_ones_needs_no_chunk_of_the_pool);
    return failures != 0;
}
