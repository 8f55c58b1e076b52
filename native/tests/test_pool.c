/* The pool: what is reserved, split, merged, kept and given back, and that addresses never go. */
#include "pages.h"

#include "checkers.h"
#include "slab.h"

static uint64_t resident_in_space(uint64_t slab_address) {
    const ta_slab *slab = (const ta_slab *)(uintptr_t)slab_address;
    return resident(slab->space, slab->space_bytes);
}

/* An arena with one tensor, every page of it touched. */
static ta_arena *arena_with(uint64_t bytes) {
    ta_arena *arena = open_arena();
    char *tensor = take(arena, bytes, 1);
    for (uint64_t at = 0; at < bytes; at += 4096) {
        tensor[at] = 1;
    }
    return arena;
}

static void a_small_arena_needs_little_of_its_slab(void) {
    ta_arena *arena = open_arena();
    CHECK_EQ(pool_info().committed, 0);
    take(arena, 1, 1);
    CHECK_GE(pool_info().reserved, GIB);
    CHECK_LE(pool_info().committed, 2 * MIB);
    take(arena, 10 * MIB, 1);
    CHECK_LE(pool_info().committed, 20 * MIB);
    CHECK_EQ(resident_in_space(newest_of(arena)->slab), 0); /* nothing was written yet */
    fill((void *)(uintptr_t)newest_of(arena)->base, 4096, 1);
    CHECK_LE(resident_in_space(newest_of(arena)->slab), 64 * KIB); /* no huge page unasked */
    close_arena(arena);
}

static void accessible_memory_is_counted_once(void) {
    for (int i = 0; i < 3; i++) {
        ta_arena *arena = open_arena();
        take(arena, 128 * MIB, 1);
        CHECK_EQ(pool_info().committed, 128 * MIB);
        close_arena(arena);
    }
}

static void one_slab_serves_everybody_who_fits(void) {
    ta_arena *arenas[200];
    for (int i = 0; i < 200; i++) {
        arenas[i] = open_arena();
        take(arenas[i], 1 + (uint64_t)i * 20000, 1);
        CHECK_EQ(newest_of(arenas[i])->slab, newest_of(arenas[0])->slab);
    }
    CHECK_LE(pool_info().reserved, GIB + 64 * MIB);
    for (int i = 0; i < 200; i++) {
        close_arena(arenas[i]);
    }
}

static void a_slab_merges_back_to_one_chunk(void) {
    uint64_t random = 1;
    for (int round = 0; round < 5; round++) {
        ta_arena *arenas[300];
        for (int i = 0; i < 300; i++) {
            arenas[i] = open_arena();
            take(arenas[i], 1 + random_below(&random, random_below(&random, 10) ? 100000 : MIB), 1);
        }
        for (int i = 0; i < 300; i++) { /* closed in another order than opened */
            int with = (int)random_below(&random, 300);
            ta_arena *swapped = arenas[i];
            arenas[i] = arenas[with];
            arenas[with] = swapped;
        }
        for (int i = 0; i < 300; i++) {
            close_arena(arenas[i]);
        }
        uint64_t reserved = pool_info().reserved;
        ta_arena *whole = open_arena();
        take(whole, GIB, 4096);
        CHECK_EQ(pool_info().reserved, reserved);
        close_arena(whole);
        ta_arena *halves = open_arena();
        take(halves, GIB / 2, 1);
        take(halves, GIB / 2, 1);
        CHECK_EQ(pool_info().reserved, reserved);
        close_arena(halves);
    }
}

static void more_than_a_slab_gets_a_slab_of_its_own_that_is_reused(void) {
    ta_arena *arena = open_arena();
    take(arena, 1, 1);
    uint64_t before = pool_info().reserved;
    char *large = take(arena, 2 * GIB + 1, 4096); /* 4 GiB, a power of two */
    uint64_t after = pool_info().reserved;
    CHECK_GE(after - before, 4 * GIB);
    CHECK_LE(after - before, 4 * GIB + 4 * GIB / 16);
    large[0] = 1;
    large[2 * GIB] = 1;
    close_arena(arena);
    for (int i = 0; i < 3; i++) {
        arena = open_arena();
        CHECK(take(arena, 3 * GIB, 4096) == large);
        close_arena(arena);
    }
    CHECK_EQ(pool_info().reserved, after);
    CHECK_EQ(resident((uint64_t)(uintptr_t)large, 4 * GIB), 0); /* past the retained limit */
}

static void the_last_chunk_given_is_the_next_one_taken(void) {
    ta_arena *arena = open_arena();
    char *bytes = take(arena, 100, 1);
    close_arena(arena);
    for (int i = 0; i < 100; i++) {
        arena = open_arena();
        CHECK(take(arena, 100, 1) == bytes);
        close_arena(arena);
    }
    CHECK_EQ(pool_info().free, TA_MIN_CHUNK_BYTES);
    CHECK_EQ(pool_info().free_chunks, 1);
}

static void a_hundred_thousand_idle_arenas_hold_no_chunk(void) {
    enum { ARENAS = 100000 };
    static ta_arena *arenas[ARENAS];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < ARENAS; i++) {
            arenas[i] = open_arena();
            arenas[i]->wasted = (uint64_t)i; /* each has a block of its own */
        }
        CHECK_EQ(pool_info().in_use, 0);
        CHECK_EQ(pool_info().committed, 0);
        CHECK_LE(pool_info().reserved, GIB + 64 * MIB);
        for (int i = 0; i < ARENAS; i++) {
            CHECK_EQ(arenas[i]->wasted, i);
            close_arena(arenas[i]);
        }
    }
}

static void a_stale_pointer_never_faults(void) {
    char *stale[50];
    ta_arena *arena = open_arena();
    for (int i = 0; i < 50; i++) {
        stale[i] = take(arena, 300000, 0);
        fill(stale[i], 300000, 1);
    }
    ta_arena *control = arena;
    ta_position mark;
    ta_mark(arena, &mark);
    CHECK_EQ(ta_reset(arena), TA_OK);
    close_arena(arena);
    CHECK_GE(ta_pool_trim(), 50 * 300000);
    ta_pool_set_retained_limit(0);
    for (int i = 0; i < 50; i++) {
        CHECKER_LETS(stale[i], 300000);
        fill(stale[i], 300000, 2); /* nobody's bytes, but accessible */
        CHECK(is_filled(stale[i], 300000, 2));
    }
    CHECK_EQ(control->limit, 0); /* the control block, too */
}

static void trim_gives_every_free_page_back_and_keeps_those_in_use(void) {
    ta_arena *kept = open_arena(), *ended = open_arena();
    char *bytes = take(kept, 3 * MIB, 1);
    fill(bytes, 3 * MIB, 1);
    uint64_t slab = newest_of(kept)->slab;
    for (int i = 0; i < 20; i++) {
        fill(take(ended, 500000, 1), 500000, 2);
    }
    close_arena(ended);
    uint64_t free = pool_info().free; /* only what was handed out can have pages */
    CHECK_GE(free, 10 * 1000 * 1000);
    CHECK_LE(resident_in_space(slab), 3 * MIB + free);
    CHECK_LE(3 * MIB + free, resident_in_space(slab) + 20 * 64 * KIB);
    CHECK_GE(pool_info().free_chunks, 1);
    CHECK_EQ(ta_pool_trim(), free);
    CHECK_EQ(ta_pool_trim(), 0);
    CHECK_EQ(pool_info().free, 0);
    CHECK_EQ(pool_info().free_chunks, 0);
    CHECK_EQ(resident_in_space(slab), 3 * MIB);
    CHECK(is_filled(bytes, 3 * MIB, 1));
    CHECK(pool_info().committed != 0); /* accessible for good */
    close_arena(kept);
}

static void past_the_retained_limit_pages_go_back(void) {
    ta_pool_set_retained_limit(MIB);
    CHECK_EQ(pool_info().retained_limit, MIB);
    ta_arena *arenas[40];
    for (int i = 0; i < 40; i++) {
        arenas[i] = open_arena();
        fill(take(arenas[i], 200000, 1), 200000, 1);
    }
    uint64_t slab = newest_of(arenas[0])->slab;
    for (int i = 0; i < 40; i++) {
        close_arena(arenas[i]);
        CHECK_LE(pool_info().free, MIB);
    }
    CHECK_EQ(pool_info().free, MIB); /* and not before */
    CHECK_LE(resident_in_space(slab), MIB);
    ta_pool_set_retained_limit(128 * KIB);
    CHECK_LE(pool_info().free, 128 * KIB);
    CHECK_LE(resident_in_space(slab), 128 * KIB);
    ta_pool_set_retained_limit(0);
    CHECK_EQ(resident_in_space(slab), 0);
    close_arena(arena_with(100000));
    CHECK_EQ(pool_info().free, 0);
    CHECK_EQ(pool_info().free_chunks, 0);
    CHECK_EQ(resident_in_space(slab), 0);
}

static void the_process_limit_counts_retained_pages(void) {
    ta_arena *arena = open_arena(), *next = open_arena();
    fill(take(arena, 4 * MIB, 1), 4 * MIB, 1);
    uint64_t slab = newest_of(arena)->slab;
    close_arena(arena);
    CHECK_EQ(pool_info().free, 4 * MIB);
    ta_pool_set_memory_limit(3 * MIB); /* at once ... */
    CHECK_LE(pool_info().free, 3 * MIB);
    CHECK_LE(resident_in_space(slab), 3 * MIB);
    ta_pool_set_memory_limit(5 * MIB);
    fill(take(next, 2 * MIB, 1), 2 * MIB, 1);
    CHECK_LE(resident_in_space(slab), 5 * MIB);
    fill(take(next, 2 * MIB, 1), 2 * MIB, 1); /* ... and with each chunk taken or given */
    CHECK_LE(resident_in_space(slab), 5 * MIB);
    ta_pool_set_memory_limit(MIB);
    close_arena(next);
    CHECK_LE(resident_in_space(slab), MIB);
}

static void split_with_pages_in_the_upper_half(uint64_t half) {
    ta_arena *low = arena_with(half), *high = arena_with(half);
    ta_arena *neighbour = open_arena(), *large = open_arena();
    take(neighbour, 2 * half, 1);
    take(large, 16 * half, 1);
    uint64_t at = newest_of(high)->base;
    CHECK_EQ(at, newest_of(low)->base + half);
    CHECK_EQ(newest_of(neighbour)->base,
             newest_of(low)->base + 2 * half); /* keeps the two from merging further */
    ta_pool_set_retained_limit(0);
    close_arena(low);
    ta_pool_set_retained_limit(32 * half);
    close_arena(high);
    close_arena(large);
    ta_pool_set_retained_limit(half); /* only the pages of high are left; low and high merge */
    CHECK_EQ(resident(at, half), half);
    CHECK_EQ(pool_info().free, half);
    low = arena_with(half); /* splits them again */
    CHECK_EQ(newest_of(low)->base, at - half);
    CHECK_EQ(pool_info().free, half);
    CHECK_EQ(ta_pool_trim(), half);
    CHECK_EQ(resident(at, half), 0);
    close_arena(low);
    close_arena(neighbour);
}

static void the_upper_half_of_a_split_chunk_is_known_to_have_pages(void) {
    split_with_pages_in_the_upper_half(64 * KIB);
}

static void the_upper_half_of_a_large_split_chunk_is_known_to_have_pages(void) {
    split_with_pages_in_the_upper_half(8 * MIB);
}

/* Splitting and merging must not lose track of where pages are. */
static void free_pages_are_known_exactly_whatever_was_split_and_merged(void) {
    ta_arena *arenas[64] = {0};
    uint64_t random = 1, slab = 0, in_use_bytes = 0, sizes[64];
    ta_pool_set_retained_limit(6 * MIB);
    for (int step = 0; step < 3000; step++) {
        snprintf(check_note, sizeof check_note, "step %d", step);
        int i = (int)random_below(&random, 64);
        if (arenas[i] == NULL) {
            sizes[i] = TA_MIN_CHUNK_BYTES << random_below(&random, 6);
            arenas[i] = open_arena();
            char *bytes = take(arenas[i], sizes[i], 1);
            for (uint64_t at = 0; at < sizes[i]; at += 4096) {
                bytes[at] = 1; /* every page */
            }
            slab = newest_of(arenas[i])->slab;
            in_use_bytes += sizes[i];
        } else {
            close_arena(arenas[i]);
            arenas[i] = NULL;
            in_use_bytes -= sizes[i];
        }
        CHECK_EQ(pool_info().in_use, in_use_bytes);
        if (step % 10 == 0) {
            CHECK_EQ(resident_in_space(slab), in_use_bytes + pool_info().free);
        }
        if (step % 20 == 0) { /* the largest free chunks lose their pages, smaller ones keep them */
            ta_pool_set_retained_limit(pool_info().free * 3 / 4);
            ta_pool_set_retained_limit(6 * MIB);
        }
        if (step % 250 == 0) {
            ta_pool_trim();
            CHECK_EQ(resident_in_space(slab), in_use_bytes);
        }
    }
    for (int i = 0; i < 64; i++) {
        if (arenas[i] != NULL) {
            close_arena(arenas[i]);
        }
    }
}

/* Whether the mapping around the address has the flag in /proc/self/smaps: "hg", "nh". */
static bool has_flag(uint64_t address, const char *flag) {
    FILE *maps = fopen("/proc/self/smaps", "r");
    CHECK(maps != NULL);
    char line[512];
    bool inside = false, found = false;
    while (fgets(line, sizeof line, maps) != NULL) {
        uint64_t from, to;
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &from, &to) == 2) {
            inside = address >= from && address < to;
        } else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
            found = strstr(line, flag) != NULL;
        }
    }
    fclose(maps);
    return found;
}

static void huge_pages_are_asked_for_only_by_option(void) {
    if (access("/sys/kernel/mm/transparent_hugepage/enabled", R_OK) != 0) {
        printf("skipped: this system has no huge pages to ask for\n");
        return;
    }
    ta_arena *plain = open_arena();
    take(plain, 1, 1);
    CHECK(has_flag(newest_of(plain)->base, " nh"));
    ta_options options = {.memory_limit = TA_UNLIMITED, .flags = TA_OPTION_HUGE_PAGES};
    ta_arena *huge = open_with(&options);
    take(huge, 1, 1);
    uint64_t base = newest_of(huge)->base;
    CHECK(has_flag(base, " hg"));
    CHECK(has_flag(newest_of(plain)->base, " nh"));
    close_arena(huge);
    CHECK(has_flag(base, " nh"));
    close_arena(plain);
}

static void arenas_with_huge_pages_take_chunks_of_whole_huge_pages(void) {
    ta_options options = {.memory_limit = TA_UNLIMITED, .flags = TA_OPTION_HUGE_PAGES};
    ta_arena *arena = open_with(&options);
    for (int i = 0; i < 3; i++) {
        fill(take(arena, 100, 1), 100, 1);
        CHECK_GE(info_of(arena).reserved, 2 * MIB);
        CHECK_EQ(newest_of(arena)->base % (2 * MIB), 0);
        CHECK_EQ(ta_reset(arena), TA_OK);
        take(arena, 3 * MIB, 1);
    }
    close_arena(arena);
    arena = open_arena(); /* the same addresses, and small pages again */
    ta_pool_trim();
    fill(take(arena, 2 * MIB, 1), 4096, 1);
    CHECK_LE(resident_in_space(newest_of(arena)->slab), 64 * KIB);
    close_arena(arena);
}

int main(void) {
    int failures = 0;
    RUN_WHERE_PAGES_ARE_KNOWN(a_small_arena_needs_little_of_its_slab);
    RUN(accessible_memory_is_counted_once);
    RUN(one_slab_serves_everybody_who_fits);
    RUN(a_slab_merges_back_to_one_chunk);
    RUN_WHERE_PAGES_ARE_KNOWN(more_than_a_slab_gets_a_slab_of_its_own_that_is_reused);
    RUN(the_last_chunk_given_is_the_next_one_taken);
    RUN(a_hundred_thousand_idle_arenas_hold_no_chunk);
    RUN(a_stale_pointer_never_faults);
    RUN_WHERE_PAGES_ARE_KNOWN(trim_gives_every_free_page_back_and_keeps_those_in_use);
    RUN_WHERE_PAGES_ARE_KNOWN(past_the_retained_limit_pages_go_back);
    RUN_WHERE_PAGES_ARE_KNOWN(the_process_limit_counts_retained_pages);
    RUN_WHERE_PAGES_ARE_KNOWN(the_upper_half_of_a_split_chunk_is_known_to_have_pages);
    RUN_WHERE_PAGES_ARE_KNOWN(the_upper_half_of_a_large_split_chunk_is_known_to_have_pages);
    RUN_WHERE_PAGES_ARE_KNOWN(free_pages_are_known_exactly_whatever_was_split_and_merged);
    RUN_WHERE_PAGES_ARE_KNOWN(huge_pages_are_asked_for_only_by_option);
    RUN_WHERE_PAGES_ARE_KNOWN(arenas_with_huge_pages_take_chunks_of_whole_huge_pages);
    return failures != 0;
}
