/* Allocation: addresses, alignment, sizes that cannot be, and how an arena grows. */
#include "check.h"

static void an_arena_that_allocated_nothing_holds_no_chunk(void) {
    ta_arena *arena = open_arena();
    CHECK_EQ(address_of(arena) % 64, 0);
    CHECK_EQ(arena->chunk, 0);
    CHECK_EQ(arena->slab, 0);
    CHECK_EQ(arena->limit, 0);
    CHECK_EQ(arena->cursor, arena->base);
    CHECK(arena->base > arena->limit);
    ta_arena_info info = info_of(arena);
    CHECK_EQ(info.allocated, 0);
    CHECK_EQ(info.reserved, 0);
    CHECK_EQ(info.peak, 0);
    CHECK_EQ(info.chunks, 0);
    CHECK_EQ(info.refills, 0);
    CHECK_EQ(info.memory_limit, TA_UNLIMITED);
    CHECK_EQ(pool_info().in_use, 0);
    CHECK_EQ(pool_info().arenas, 1);
    close_arena(arena);
    CHECK_EQ(pool_info().arenas, 0);
}

static void the_first_chunk_is_no_refill(void) {
    ta_arena *arena = open_arena();
    take(arena, 1, 0);
    CHECK_EQ(info_of(arena).chunks, 1);
    CHECK_EQ(info_of(arena).refills, 0);
    CHECK_EQ(info_of(arena).reserved, TA_MIN_CHUNK_BYTES);
    CHECK_EQ(pool_info().in_use, TA_MIN_CHUNK_BYTES);
    CHECK_EQ(pool_info().in_use_chunks, 1);
    take(arena, TA_MIN_CHUNK_BYTES, 0);
    CHECK_EQ(info_of(arena).chunks, 2);
    CHECK_EQ(info_of(arena).refills, 1);
    close_arena(arena);
}

static void an_arena_on_a_used_record_starts_anew(void) {
    ta_arena *used = open_limited(10 * MIB);
    ta_position mark;
    take(used, 100, 1);
    ta_mark(used, &mark);
    ta_chunk *chunk = ta_pin(used, take(used, 100, 1), 100);
    CHECK_EQ(ta_rewind(used, &mark), TA_OK);
    CHECK_EQ(info_of(used).wasted, 100);
    take(used, 5 * MIB, 1);
    CHECK_EQ(ta_reset(used), TA_OK);
    take(used, MIB, 1);
    close_arena(used);
    ta_chunk_release(chunk);
    ta_arena *arena = open_arena();
    CHECK(arena == used);
    ta_arena_info info = info_of(arena);
    CHECK_EQ(info.allocated + info.reserved + info.peak + info.wasted + info.chunks + info.refills,
             0);
    CHECK_EQ(info.memory_limit, TA_UNLIMITED);
    CHECK_EQ(arena->limit + arena->slab + arena->chunk, 0);
    take(arena, 1, 1);
    CHECK_EQ(info_of(arena).reserved, TA_MIN_CHUNK_BYTES); /* no demand inherited */
    take(arena, 20 * MIB, 1);
    close_arena(arena);
}

static void the_control_block_says_where_the_chunk_lies(void) {
    ta_arena *arena = open_arena();
    char *bytes = take(arena, 100, 1);
    CHECK_EQ(arena->base, address_of(bytes));
    CHECK_EQ(arena->limit, arena->base + TA_MIN_CHUNK_BYTES);
    const ta_chunk *chunk = (const ta_chunk *)(uintptr_t)arena->chunk;
    CHECK_EQ(chunk->base, arena->base);
    CHECK_EQ(chunk->slab, arena->slab);
    CHECK_EQ(chunk->word, 0);
    CHECK_EQ(chunk->owner_pins, 0);
    CHECK_EQ(chunk->floor, 0);
    CHECK_EQ(address_of(chunk) % 64, 0);
    CHECK(arena->slab < arena->chunk && arena->chunk < arena->base);
    CHECK_EQ(arena->base % TA_MIN_CHUNK_BYTES, 0);
    CHECK_EQ(info_of(arena).allocated, 100);
    close_arena(arena);
}

static void every_alignment_up_to_4096_is_honoured(void) {
    ta_arena *arena = open_arena();
    for (uint64_t round = 0; round < 40; round++) {
        for (uint64_t align = 1; align <= TA_MAX_ALIGNMENT; align *= 2) {
            uint64_t before = arena->cursor;
            uint64_t chunk = arena->chunk;
            char *bytes = take(arena, round * 37 + 1, align);
            if (arena->chunk == chunk) { /* the nearest multiple, not just any */
                CHECK(address_of(bytes) >= before && address_of(bytes) - before < align);
            } else {
                CHECK_EQ(address_of(bytes), arena->base);
            }
        }
    }
    take(arena, 1, 1);
    CHECK_EQ(address_of(take(arena, 3, 0)) % TA_DEFAULT_ALIGNMENT, 0);
    close_arena(arena);
}

static void an_alignment_that_is_none_is_refused(void) {
    static const uint64_t wrong[] = {
        3, 5, 63, 65, 4095, 4097, 8192, UINT32_MAX, SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2 + 1};
    ta_arena *arena = open_arena();
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
            ta_arena before = *arena;
            CHECK(ta_alloc(arena, 8, wrong[i]) == NULL);
            CHECK(ta_arena_alloc(arena, 8, wrong[i]) == NULL);
            CHECK_EQ(ta_arena_reserve(arena, 8, wrong[i]), TA_ERR_ARGUMENT);
            CHECK_EQ(ta_arena_check(arena, 8, wrong[i]), TA_ERR_ARGUMENT);
            CHECK(memcmp(&before, arena, sizeof before) == 0);
        }
        take(arena, 8, 0); /* the second round has a chunk */
    }
    close_arena(arena);
}

static void size_zero_gives_an_aligned_address_and_charges_only_padding(void) {
    ta_arena *arena = open_arena();
    for (uint64_t align = 1; align <= TA_MAX_ALIGNMENT; align *= 2) {
        char *first = take(arena, 0, align);
        CHECK(first == take(arena, 0, align));
        CHECK(address_of(first) >= arena->base && address_of(first) <= arena->limit);
    }
    CHECK_EQ(info_of(arena).allocated, 0);
    take(arena, 1, 1);
    take(arena, 0, 64);
    CHECK_EQ(info_of(arena).allocated, 64);
    /* With the chunk full to the last byte an empty allocation still finds its place. */
    take(arena, arena->limit - arena->cursor, 1);
    CHECK_EQ(address_of(take(arena, 0, 4096)), arena->limit);
    CHECK_EQ(info_of(arena).chunks, 1);
    close_arena(arena);
}

static void expect_refusal(ta_arena *arena, uint64_t size, uint64_t align, ta_status why) {
    ta_arena before = *arena;
    ta_pool_info pool_before = pool_info();
    CHECK(ta_alloc(arena, size, align) == NULL);
    CHECK(ta_arena_alloc(arena, size, align) == NULL);
    CHECK_EQ(ta_arena_reserve(arena, size, align), why);
    CHECK(memcmp(&before, arena, sizeof before) == 0);
    ta_pool_info pool_after = pool_info();
    CHECK(memcmp(&pool_before, &pool_after, sizeof pool_before) == 0);
}

static void sizes_near_the_end_of_the_address_space_are_refused(void) {
    ta_arena *arena = open_arena();
    for (int state = 0; state < 3; state++) { /* no chunk; a cursor at odds; a full chunk */
        for (uint64_t align = 1; align <= TA_MAX_ALIGNMENT; align *= 2) {
            for (uint64_t below = 0; below < 9000; below += below < 130 ? 1 : 97) {
                expect_refusal(arena, SIZE_MAX - below, align, TA_ERR_NO_MEMORY);
            }
            /* Sizes that would wrap around to just behind the base, or to the limit. */
            expect_refusal(arena, arena->base - arena->cursor - 1, align, TA_ERR_NO_MEMORY);
            expect_refusal(arena, 0 - arena->cursor, align, TA_ERR_NO_MEMORY);
            expect_refusal(arena, arena->limit - arena->cursor - 4096, align, TA_ERR_NO_MEMORY);
            for (int bit = 63; bit >= 48; bit--) {
                expect_refusal(arena, (uint64_t)1 << bit, align, TA_ERR_NO_MEMORY);
                expect_refusal(arena, ((uint64_t)1 << bit) - 1, align, TA_ERR_NO_MEMORY);
            }
        }
        if (state == 0) {
            take(arena, 65535, 1);
        } else {
            take(arena, 1, 1);
        }
    }
    close_arena(arena);
    arena = open_limited(INT64_MAX);
    take(arena, 1, 1);
    for (uint64_t below = 0; below < 9000; below += 7) {
        expect_refusal(arena, SIZE_MAX - below, 1, TA_ERR_LIMIT);
        expect_refusal(arena, (uint64_t)INT64_MAX + below, 1, TA_ERR_LIMIT);
        CHECK_EQ(ta_arena_check(arena, SIZE_MAX - below, 64), TA_ERR_LIMIT);
    }
    close_arena(arena);
}

enum { MANY = 100000 };

static void many_allocations_neither_overlap_nor_lose_their_bytes(void) {
    static struct {
        char *bytes;
        uint32_t size;
    } all[MANY];
    ta_arena *arena = open_arena();
    uint64_t random = 1;
    for (uint64_t i = 0; i < MANY; i++) {
        uint64_t kind = random_below(&random, 1000);
        all[i].size = (uint32_t)random_below(&random, kind == 0 ? 100000 : kind < 100 ? 3000 : 100);
        all[i].bytes = take(arena, all[i].size, (uint64_t)1 << random_below(&random, 8));
        CHECK_GE(address_of(all[i].bytes), arena->base);
        fill(all[i].bytes, all[i].size, i);
    }
    for (uint64_t i = 0; i < MANY; i++) {
        CHECK(is_filled(all[i].bytes, all[i].size, i));
    }
    close_arena(arena);
}

static void chunks_grow_with_the_live_bytes(void) {
    ta_arena *arena = open_arena();
    for (int i = 0; i < 16384; i++) {
        take(arena, 4096, 0);
        ta_arena_info info = info_of(arena);
        CHECK_LE(info.reserved, 2 * info.allocated + TA_MIN_CHUNK_BYTES);
    }
    CHECK_LE(info_of(arena).refills, 10); /* 64 KiB doubled to 64 MiB */
    close_arena(arena);
}

static void many_refills_of_few_live_bytes_take_small_chunks(void) {
    ta_arena *arena = open_arena();
    ta_chunk *pinned = NULL;
    take(arena, 64, 0);
    uint64_t most = 0;
    for (int i = 0; i < 5000; i++) { /* each scope's tensor outlives it by one scope */
        ta_position mark;
        ta_mark(arena, &mark);
        char *bytes = take(arena, 40000, 0);
        ta_chunk *next = ta_pin(arena, bytes, 40000);
        CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
        if (pinned != NULL) {
            ta_chunk_release(pinned);
        }
        pinned = next;
        uint64_t in_use = pool_info().in_use;
        most = in_use > most ? in_use : most;
    }
    CHECK_GE(info_of(arena).refills, 4000);
    CHECK_LE(most, 192 * KIB);
    ta_chunk_release(pinned);
    close_arena(arena);
}

static void the_first_chunk_holds_the_capacity(void) {
    static const uint64_t capacities[] = {1, 65536, 65537, 3000000, 3 * GIB};
    for (size_t i = 0; i < sizeof capacities / sizeof capacities[0]; i++) {
        ta_options options = {.capacity = capacities[i], .memory_limit = TA_UNLIMITED};
        ta_arena *arena = open_with(&options);
        CHECK_EQ(info_of(arena).chunks, 0);
        take(arena, 1, 1);
        CHECK_GE(info_of(arena).reserved, capacities[i]);
        take(arena, capacities[i] - 1, 1);
        CHECK_EQ(info_of(arena).chunks, 1);
        CHECK_EQ(ta_reset(arena), TA_OK);
        CHECK_GE(info_of(arena).reserved, capacities[i]); /* a reset keeps the promise */
        close_arena(arena);
    }
    ta_options options = {.capacity = UINT64_MAX, .memory_limit = TA_UNLIMITED};
    ta_arena *arena;
    CHECK_EQ(ta_arena_create(TA_ABI_VERSION, &options, sizeof options, &arena), TA_ERR_ARGUMENT);
    CHECK(arena == NULL);
    /* Against the memory limit the capacity still decides how much room is taken. */
    options = (ta_options){.capacity = MIB, .memory_limit = 100};
    arena = open_with(&options);
    take(arena, 100, 1);
    CHECK_EQ(info_of(arena).reserved, MIB);
    close_arena(arena);
}

static void the_capacity_is_kept_or_refused(void) {
    ta_options options = {.capacity = MIB, .memory_limit = TA_UNLIMITED};
    ta_arena *arena = open_with(&options);
    ta_pool_set_memory_limit(MIB / 2);
    CHECK_EQ(ta_arena_reserve(arena, 1, 1), TA_ERR_POOL_LIMIT); /* not a smaller chunk instead */
    ta_pool_set_memory_limit(TA_UNLIMITED);
    take(arena, 1, 1);
    uint64_t chunk = arena->chunk;
    CHECK_EQ(ta_reset(arena), TA_OK); /* however little was used of it */
    CHECK_EQ(arena->chunk, chunk);
    CHECK_EQ(info_of(arena).reserved, MIB);
    close_arena(arena);
}

static void a_mebibyte_fits_a_mebibyte_chunk(void) {
    ta_arena *arena = open_arena();
    fill(take(arena, MIB, 4096), MIB, 1);
    CHECK_EQ(info_of(arena).reserved, MIB);
    CHECK_EQ(pool_info().in_use, MIB);
    /* ... and a reset keeps that one, not a larger one. */
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(ta_reset(arena), TA_OK);
        take(arena, MIB, 4096);
        CHECK_EQ(info_of(arena).reserved, MIB);
    }
    close_arena(arena);
}

static void a_memory_limit_bounds_the_chunk_size(void) {
    ta_arena *arena = open_limited(300 * KIB);
    while (ta_alloc(arena, 1000, 1) != NULL) {
    }
    CHECK_LE(info_of(arena).reserved, 1024 * KIB);
    close_arena(arena);
}

static void the_out_of_line_twin_gives_the_same_addresses(void) {
    ta_arena *arena = open_limited(40 * MIB);
    uint64_t random = 7;
    for (int i = 0; i < times(100000); i++) {
        uint64_t size = random_below(&random, random_below(&random, 50) == 0 ? 70000 : 600);
        uint64_t align = random_below(&random, 20) == 0 ? 0 : 1u << random_below(&random, 14);
        ta_position mark;
        ta_mark(arena, &mark);
        char *inlined = ta_alloc(arena, size, align);
        ta_arena after = *arena;
        if (mark.newest == 0 || random_below(&random, 100) == 0) {
            continue; /* the first chunk has nothing in front of it to rewind to */
        }
        CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
        CHECK(ta_arena_alloc(arena, size, align) == inlined);
        CHECK_EQ(arena->cursor, after.cursor);
        CHECK_EQ(arena->limit, after.limit);
        CHECK_EQ(arena->charged_before, after.charged_before);
        if (inlined == NULL && align <= TA_MAX_ALIGNMENT) {
            CHECK_EQ(ta_reset(arena), TA_OK); /* the limit: once more from the start */
        }
    }
    close_arena(arena);
}

static void after_reserve_the_fast_path_succeeds(void) {
    ta_arena *arena = open_limited(MIB);
    uint64_t random = 3;
    for (int i = 0; i < 20000; i++) {
        uint64_t size = random_below(&random, 20000);
        uint64_t align = (uint64_t)1 << random_below(&random, 13);
        uint64_t charge = info_of(arena).allocated;
        ta_status status = ta_arena_reserve(arena, size, align);
        CHECK_EQ(info_of(arena).allocated, charge); /* room is not charged, use is */
        uint64_t start = (arena->cursor + align - 1) & ~(align - 1);
        bool fits = start <= arena->limit && size <= arena->limit - start;
        CHECK_EQ(fits, status == TA_OK);
        CHECK_EQ(ta_alloc(arena, size, align) != NULL, fits);
        if (!fits) {
            CHECK_EQ(status, TA_ERR_LIMIT);
            CHECK_EQ(ta_reset(arena), TA_OK);
        }
    }
    close_arena(arena);
}

int main(void) {
    int failures = 0;
    RUN(an_arena_that_allocated_nothing_holds_no_chunk);
    RUN(the_first_chunk_is_no_refill);
    RUN(an_arena_on_a_used_record_starts_anew);
    RUN(the_control_block_says_where_the_chunk_lies);
    RUN(every_alignment_up_to_4096_is_honoured);
    RUN(an_alignment_that_is_none_is_refused);
    RUN(size_zero_gives_an_aligned_address_and_charges_only_padding);
    RUN(sizes_near_the_end_of_the_address_space_are_refused);
    RUN(many_allocations_neither_overlap_nor_lose_their_bytes);
    RUN(chunks_grow_with_the_live_bytes);
    RUN(many_refills_of_few_live_bytes_take_small_chunks);
    RUN(the_first_chunk_holds_the_capacity);
    RUN(the_capacity_is_kept_or_refused);
    RUN(a_mebibyte_fits_a_mebibyte_chunk);
    RUN(a_memory_limit_bounds_the_chunk_size);
    RUN(the_out_of_line_twin_gives_the_same_addresses);
    RUN(after_reserve_the_fast_path_succeeds);
    return failures != 0;
}
