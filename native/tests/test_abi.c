/* What programs are compiled against: layouts, codes, sizes that grow, versions. */
#include "check.h"

#include <stddef.h>
#include <time.h>

#define CHECK_WORD(type, word, offset)          \
    do {                                        \
        CHECK_EQ(offsetof(type, word), offset); \
        CHECK_EQ(sizeof(((type *)0)->word), 8); \
    } while (0)

static void the_fast_paths_words_fill_a_cache_line_of_the_control_block(void) {
    CHECK_EQ(sizeof(ta_arena), 88);
    CHECK_WORD(ta_arena, cursor, 0);
    CHECK_WORD(ta_arena, limit, 8);
    CHECK_WORD(ta_arena, base, 16);
    CHECK_WORD(ta_arena, slab, 24);
    CHECK_WORD(ta_arena, chunk, 32);
    CHECK_WORD(ta_arena, charged_before, 40);
    CHECK_WORD(ta_arena, peak, 48);
    CHECK_WORD(ta_arena, wasted, 56);
    CHECK_WORD(ta_arena, opened_millis, 64);
    CHECK_WORD(ta_arena, generation, 72);
    CHECK_WORD(ta_arena, newest, 80);
    ta_arena *arenas[5];
    for (int i = 0; i < 5; i++) {
        arenas[i] = open_arena();
        CHECK_EQ(address_of(arenas[i]) % 64, 0);
    }
    for (int i = 0; i < 5; i++) {
        close_arena(arenas[i]);
    }
}

static void the_first_five_words_of_a_descriptor_are_public(void) {
    CHECK_EQ(sizeof(ta_chunk), 64);
    CHECK_WORD(ta_chunk, word, 0);
    CHECK_WORD(ta_chunk, owner_pins, 8);
    CHECK_WORD(ta_chunk, floor, 16);
    CHECK_WORD(ta_chunk, base, 24);
    CHECK_WORD(ta_chunk, slab, 32);
    CHECK_EQ(offsetof(ta_chunk, reserved), 40);
}

static void a_position_is_four_words(void) {
    CHECK_EQ(sizeof(ta_position), 32);
    CHECK_WORD(ta_position, newest, 0);
    CHECK_WORD(ta_position, cursor, 8);
    CHECK_WORD(ta_position, charged, 16);
    CHECK_WORD(ta_position, wasted, 24);
}

static void sized_structs_begin_as_in_version_two(void) {
    CHECK_WORD(ta_options, capacity, 0);
    CHECK_WORD(ta_options, memory_limit, 8);
    CHECK_EQ(offsetof(ta_options, flags), 16);
    CHECK_GE(sizeof(ta_options), 24);
    CHECK_WORD(ta_arena_info, allocated, 0);
    CHECK_WORD(ta_arena_info, memory_limit, 48);
    CHECK_GE(sizeof(ta_arena_info), 56);
    CHECK_WORD(ta_pool_info, reserved, 0);
    CHECK_WORD(ta_pool_info, retained_limit, 72);
    CHECK_WORD(ta_pool_info, arenas, 80);
    CHECK_WORD(ta_pool_info, stray_pins, 88);
    CHECK_GE(sizeof(ta_pool_info), 88);
}

static void constants_do_not_move(void) {
    CHECK_EQ(TA_ABI_VERSION, 2);
    CHECK_EQ(ta_abi_version(), TA_ABI_VERSION);
    CHECK_EQ(TA_DEFAULT_ALIGNMENT, 64);
    CHECK_EQ(TA_MAX_ALIGNMENT, 4096);
    CHECK_EQ(TA_MIN_CHUNK_BYTES, 65536);
    CHECK_EQ(TA_MAX_CAPACITY, 70368744177664);
    CHECK_EQ(TA_OK, 0);
    CHECK_EQ(TA_ERR_ARGUMENT, 1);
    CHECK_EQ(TA_ERR_LIMIT, 2);
    CHECK_EQ(TA_ERR_POOL_LIMIT, 3);
    CHECK_EQ(TA_ERR_NO_MEMORY, 4);
    CHECK_EQ(TA_ERR_ABI, 5);
    CHECK_EQ(TA_ERR_MARK, 6);
    CHECK_EQ(TA_ERR_CLOSED, 7);
    CHECK_EQ(TA_ERR_BUDGET, 8);
    CHECK_EQ(TA_ERR_IN_USE, 9);
}

static void another_abi_version_is_refused(void) {
    ta_options options = {.memory_limit = TA_UNLIMITED};
    static const uint32_t others[] = {0, TA_ABI_VERSION + 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        ta_arena *arena = (ta_arena *)&options;
        CHECK_EQ(ta_arena_create(others[i], &options, sizeof options, &arena), TA_ERR_ABI);
        CHECK(arena == NULL);
    }
}

static void options_without_meaning_are_refused(void) {
    ta_arena *arena;
    CHECK_EQ(ta_arena_create(TA_ABI_VERSION, NULL, 0, NULL), TA_ERR_ARGUMENT);
    ta_options options = {.memory_limit = TA_UNLIMITED};
    arena = (ta_arena *)&options;
    options.flags = 4;
    CHECK_EQ(ta_arena_create(TA_ABI_VERSION, &options, sizeof options, &arena), TA_ERR_ARGUMENT);
    CHECK(arena == NULL);
    options.flags = 0;
    options.capacity = TA_MAX_CAPACITY + 1;
    CHECK_EQ(ta_arena_create(TA_ABI_VERSION, &options, sizeof options, &arena), TA_ERR_ARGUMENT);
    options.capacity = 0;
    options.flags = TA_OPTION_HUGE_PAGES;
    options.reserved = 1;
    CHECK_EQ(ta_arena_create(TA_ABI_VERSION, &options, sizeof options, &arena), TA_ERR_ARGUMENT);
}

static void options_that_an_older_caller_does_not_have_are_zero(void) {
    /* Whatever lies behind what he has is not his to pass. */
    ta_options options = {.capacity = 1000, .memory_limit = 300, .flags = 99, .reserved = 99};
    ta_arena *arena;
    CHECK_EQ(ta_arena_create(TA_ABI_VERSION, &options, offsetof(ta_options, flags), &arena), TA_OK);
    CHECK_EQ(info_of(arena).memory_limit, 300);
    close_arena(arena);
    CHECK_EQ(ta_arena_create(TA_ABI_VERSION, &options, 8, &arena), TA_OK);
    CHECK_EQ(info_of(arena).memory_limit, 0);
    close_arena(arena);
    CHECK_EQ(ta_arena_create(TA_ABI_VERSION, &options, 0, &arena), TA_OK);
    CHECK_EQ(ta_arena_reserve(arena, 1, 1), TA_ERR_LIMIT);
    close_arena(arena);
}

static void options_that_a_newer_caller_has_are_refused_unless_zero(void) {
    struct {
        ta_options known;
        uint64_t unknown[2];
    } options = {.known = {.memory_limit = 300}};
    ta_arena *arena;
    CHECK_EQ(ta_arena_create(TA_ABI_VERSION, &options.known, sizeof options, &arena), TA_OK);
    CHECK_EQ(info_of(arena).memory_limit, 300);
    close_arena(arena);
    options.unknown[1] = 1;
    CHECK_EQ(ta_arena_create(TA_ABI_VERSION, &options.known, sizeof options, &arena),
             TA_ERR_ARGUMENT);
    CHECK(arena == NULL);
}

static void no_options_mean_no_capacity_and_no_limit(void) {
    ta_arena *arena;
    CHECK_EQ(ta_arena_create(TA_ABI_VERSION, NULL, 0, &arena), TA_OK);
    CHECK_EQ(info_of(arena).memory_limit, TA_UNLIMITED);
    take(arena, 1, 0);
    CHECK_EQ(info_of(arena).reserved, TA_MIN_CHUNK_BYTES);
    close_arena(arena);
}

static void the_largest_capacity_is_accepted(void) {
    ta_options options = {.capacity = TA_MAX_CAPACITY, .memory_limit = TA_UNLIMITED};
    close_arena(open_with(&options)); /* a chunk of it is not asked for before an allocation */
}

static uint64_t now_millis(void) {
    struct timespec now;
    CHECK_EQ(clock_gettime(CLOCK_REALTIME, &now), 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void an_arena_knows_when_it_was_opened(void) {
    uint64_t ticks = 1000; /* the coarse clock may be so far behind */
    uint64_t before = now_millis();
    ta_arena *first = open_arena();
    uint64_t opened = first->opened_millis;
    CHECK_GE(opened, before - ticks);
    CHECK_LE(opened, now_millis());
    take(first, 100, 0);
    CHECK_EQ(ta_reset(first), TA_OK);
    CHECK_EQ(first->opened_millis, opened);
    close_arena(first);
    struct timespec moment = {.tv_nsec = 50000000};
    CHECK_EQ(nanosleep(&moment, NULL), 0);
    ta_arena *second = open_arena();
    CHECK(second == first); /* the same control block */
    CHECK(second->opened_millis > opened);
    close_arena(second);
}

static void a_generation_tells_a_destroyed_arena_from_the_next_in_its_place(void) {
    ta_arena *first = open_arena();
    uint64_t generation = first->generation;
    CHECK_EQ(generation % 2, 1);
    take(first, 100, 0);
    CHECK_EQ(ta_reset(first), TA_OK);
    CHECK_EQ(first->generation, generation);
    close_arena(first);
    CHECK(first->generation > generation);
    for (int i = 0; i < 100; i++) {
        ta_arena *next = open_arena();
        CHECK(next == first); /* the same control block */
        CHECK(next->generation > generation && next->generation % 2 == 1);
        generation = next->generation;
        close_arena(next);
    }
    ta_pool_trim();
    CHECK(first->generation > generation);
}

static void statistics_fill_as_much_as_the_caller_knows(void) {
    ta_arena *arena = open_arena();
    take(arena, 100, 1);
    ta_arena_info info;
    memset(&info, 0x55, sizeof info);
    CHECK_EQ(ta_arena_stats(arena, &info, 16), TA_OK); /* built when there were two words */
    CHECK_EQ(info.allocated, 100);
    CHECK_EQ(info.reserved, TA_MIN_CHUNK_BYTES);
    CHECK_EQ(info.peak, UINT64_C(0x5555555555555555));
    CHECK_EQ(ta_arena_stats(arena, NULL, sizeof info), TA_ERR_ARGUMENT);
    CHECK_EQ(ta_arena_stats(arena, &info, sizeof info + 1), TA_ERR_ARGUMENT);
    ta_pool_info pool;
    memset(&pool, 0x55, sizeof pool);
    CHECK_EQ(ta_pool_stats(&pool, 24), TA_OK);
    CHECK_EQ(pool.in_use, TA_MIN_CHUNK_BYTES);
    CHECK_EQ(pool.free, UINT64_C(0x5555555555555555));
    CHECK_EQ(ta_pool_stats(NULL, sizeof pool), TA_ERR_ARGUMENT);
    CHECK_EQ(ta_pool_stats(&pool, sizeof pool + 1), TA_ERR_ARGUMENT);
    close_arena(arena);
}

int main(void) {
    int failures = 0;
    RUN(the_fast_paths_words_fill_a_cache_line_of_the_control_block);
    RUN(the_first_five_words_of_a_descriptor_are_public);
    RUN(a_position_is_four_words);
    RUN(sized_structs_begin_as_in_version_two);
    RUN(constants_do_not_move);
    RUN(another_abi_version_is_refused);
    RUN(options_without_meaning_are_refused);
    RUN(options_that_an_older_caller_does_not_have_are_zero);
    RUN(options_that_a_newer_caller_has_are_refused_unless_zero);
    RUN(no_options_mean_no_capacity_and_no_limit);
    RUN(the_largest_capacity_is_accepted);
    RUN(an_arena_knows_when_it_was_opened);
    RUN(a_generation_tells_a_destroyed_arena_from_the_next_in_its_place);
    RUN(statistics_fill_as_much_as_the_caller_knows);
    return failures != 0;
}
