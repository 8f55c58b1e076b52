/* ta_adopt: what a child has handed out is the arena's, in place, until that ends it. */
#include "check.h"

#include "arena_private.h"
#include "os.h"

static ta_arena *open_flagged(uint64_t flags) {
    ta_options options = {.memory_limit = TA_UNLIMITED, .flags = flags};
    return open_with(&options);
}

static void what_the_child_has_stays_where_it_is(void) {
    ta_arena *arena = open_arena(), *child = open_arena();
    char *own = take(arena, 1000, 1);
    fill(own, 1000, 1);
    char *small = take(child, 1000, 1), *large = take(child, MIB, 1);
    fill(small, 1000, 2);
    fill(large, MIB, 3);
    ta_position mark;
    ta_mark(arena, &mark);
    uint64_t generation = child->generation;
    CHECK_EQ(ta_adopt(arena, child), TA_OK);
    CHECK(child->generation != generation);
    CHECK_EQ(ta_arena_destroy(child), TA_ERR_CLOSED);
    CHECK_EQ(pool_info().arenas, 1);
    CHECK_EQ(info_of(arena).allocated, 1000 + 1000 + MIB);
    CHECK_EQ(info_of(arena).chunks, 3);
    CHECK_EQ(info_of(arena).reserved, 2 * TA_MIN_CHUNK_BYTES + MIB);
    CHECK(take(arena, 1000, 1) == own + 1000); /* and the arena goes on where it was */
    CHECK(is_filled(small, 1000, 2) && is_filled(large, MIB, 3));
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    CHECK(is_filled(own, 1000, 1));
    CHECK_EQ(info_of(arena).allocated, 1000);
    CHECK_EQ(info_of(arena).reserved, TA_MIN_CHUNK_BYTES); /* went home, and are no spares */
    CHECK_EQ(info_of(arena).peak, 2000 + 1000 + MIB);
    close_arena(arena);
    check_pool_is_idle();
}

static void the_chunks_end_with_the_rewind_and_not_before(void) {
    ta_arena *arena = open_arena();
    ta_position outer, inner;
    ta_mark(arena, &outer);
    take(arena, 100, 1);
    for (int i = 0; i < 3; i++) {
        ta_arena *child = open_arena();
        char *bytes = take(child, 60000, 1), *more = take(child, 60000, 1);
        CHECK_EQ(ta_adopt(arena, child), TA_OK);
        fill(bytes, 60000, 1);
        fill(more, 60000, 2);
        ta_mark(arena, &inner);
        fill(take(arena, 60000, 1), 60000, 3);
        fill(take(arena, 60000, 1), 60000, 4);
        CHECK_EQ(ta_rewind(arena, &inner), TA_OK);
        CHECK(is_filled(bytes, 60000, 1) && is_filled(more, 60000, 2));
    }
    CHECK_EQ(info_of(arena).allocated, 100 + 6 * 60000);
    CHECK_EQ(ta_rewind(arena, &outer), TA_OK);
    CHECK_EQ(info_of(arena).allocated, 0);
    CHECK_EQ(ta_rewind(arena, &inner), TA_ERR_MARK);
    close_arena(arena);
    check_pool_is_idle();
}

static void an_arena_without_a_chunk_adopts(void) {
    ta_arena *arena = open_arena(), *child = open_arena(), *grandchild = open_arena();
    char *bytes = take(grandchild, 100, 1);
    fill(bytes, 100, 1);
    CHECK_EQ(ta_adopt(child, grandchild), TA_OK);
    CHECK_EQ(ta_adopt(arena, child), TA_OK);
    CHECK_EQ(info_of(arena).allocated, 100);
    CHECK_EQ(arena->chunk, 0);
    CHECK_EQ(ta_reset(arena), TA_OK);
    CHECK_EQ(info_of(arena).reserved, 0);
    CHECK_EQ(ta_adopt(arena, open_arena()), TA_OK); /* which has nothing */
    CHECK_EQ(info_of(arena).chunks, 0);
    close_arena(arena);
    check_pool_is_idle();
}

static void what_is_adopted_makes_the_next_chunk_no_larger(void) {
    ta_arena *arena = open_arena();
    take(arena, TA_MIN_CHUNK_BYTES, 1);
    for (int i = 0; i < 20; i++) {
        ta_arena *child = open_arena();
        take(child, TA_MIN_CHUNK_BYTES, 1);
        CHECK_EQ(ta_adopt(arena, child), TA_OK);
    }
    take(arena, 10, 1);
    CHECK_EQ(info_of(arena).refills, 1);
    CHECK_EQ(info_of(arena).reserved, 22 * TA_MIN_CHUNK_BYTES);
    close_arena(arena);
    check_pool_is_idle();
}

static void a_reset_keeps_a_chunk_for_what_was_not_adopted(void) {
    ta_arena *arena = open_arena();
    for (int cycle = 0; cycle < 5; cycle++) {
        take(arena, 100000, 1);
        for (int i = 0; i < 20; i++) {
            ta_arena *child = open_arena();
            take(child, 100000, 1);
            CHECK_EQ(ta_adopt(arena, child), TA_OK);
        }
        CHECK_EQ(ta_reset(arena), TA_OK);
        CHECK_EQ(info_of(arena).chunks, 1);
        CHECK_EQ(info_of(arena).reserved, 2 * TA_MIN_CHUNK_BYTES);
    }
    CHECK_EQ(info_of(arena).refills, 0);
    close_arena(arena);
    check_pool_is_idle();
}

static void spares_go_home_at_once(void) {
    ta_arena *arena = open_arena(), *child = open_arena();
    take(child, 100, 1);
    ta_position mark;
    ta_mark(child, &mark);
    take(child, 4 * MIB, 1);
    CHECK_EQ(ta_rewind(child, &mark), TA_OK);
    CHECK_EQ(info_of(child).chunks, 2);
    CHECK_EQ(ta_adopt(arena, child), TA_OK);
    CHECK_EQ(info_of(arena).chunks, 1);
    CHECK_EQ(pool_info().in_use, TA_MIN_CHUNK_BYTES);
    close_arena(arena);
    check_pool_is_idle();
}

static void the_limit_counts_what_is_adopted(void) {
    ta_arena *arena = open_limited(1000), *child = open_arena();
    take(arena, 500, 1);
    char *bytes = take(child, 501, 1);
    fill(bytes, 501, 1);
    ta_arena before = *arena, before_child = *child;
    CHECK_EQ(ta_adopt(arena, child), TA_ERR_LIMIT);
    CHECK(memcmp(&before, arena, sizeof before) == 0);
    CHECK(memcmp(&before_child, child, sizeof before_child) == 0);
    ta_arena_set_limit(arena, 1001);
    CHECK_EQ(ta_adopt(arena, child), TA_OK);
    CHECK_EQ(info_of(arena).allocated, 1001);
    CHECK(ta_alloc(arena, 1, 1) == NULL);
    CHECK(is_filled(bytes, 501, 1));
    CHECK_EQ(ta_reset(arena), TA_OK);
    take(arena, 1001, 1);
    close_arena(arena);

    arena = open_arena(); /* a child's own limit is gone with it */
    child = open_limited(100);
    take(child, 100, 1);
    CHECK_EQ(ta_adopt(arena, child), TA_OK);
    take(arena, 1000, 1);
    close_arena(arena);
    check_pool_is_idle();
}

static void pinned_ones_outlive_the_rewind(void) {
    ta_arena *arena = open_arena(), *child = open_arena();
    take(arena, 100, 1);
    char *before = take(child, 100, 1), *after = take(child, 100, 1);
    ta_chunk *chunk = ta_pin(child, before, 100);
    CHECK_EQ(ta_adopt(arena, child), TA_OK);
    CHECK(ta_pin(arena, after, 100) == chunk);
    fill(before, 200, 1);
    ta_chunk_release(chunk);
    CHECK_EQ(ta_reset(arena), TA_OK);
    CHECK(is_filled(before, 200, 1));
    CHECK_EQ(pool_info().pinned_chunks, 1);
    ta_chunk_release(chunk);
    CHECK_EQ(pool_info().pinned_chunks, 0);
    close_arena(arena);
    check_pool_is_idle();
}

static void chunks_stay_charged_to_their_budget(void) {
    ta_budget *mine, *childs;
    CHECK_EQ(ta_budget_create(NULL, TA_UNLIMITED, &mine), TA_OK);
    CHECK_EQ(ta_budget_create(NULL, TA_UNLIMITED, &childs), TA_OK);
    ta_arena *arena = open_with(&(ta_options){.memory_limit = TA_UNLIMITED, .budget = mine});
    ta_arena *child = open_with(&(ta_options){.memory_limit = TA_UNLIMITED, .budget = childs});
    take(arena, 100, 1);
    take(child, 100, 1);
    CHECK_EQ(ta_adopt(arena, child), TA_OK);
    ta_arena *free_one = open_arena();
    take(free_one, 100, 1);
    take(free_one, 5 * MIB, 1);
    CHECK_EQ(ta_adopt(arena, free_one), TA_OK);
    ta_arena *sibling = open_with(&(ta_options){.memory_limit = TA_UNLIMITED, .budget = mine});
    take(sibling, 100, 1);
    CHECK_EQ(ta_adopt(arena, sibling), TA_OK);
    CHECK_EQ(arena_own(arena), 2 * TA_MIN_CHUNK_BYTES);
    ta_budget_info info;
    CHECK_EQ(ta_budget_stats(childs, &info, sizeof info), TA_OK);
    CHECK_EQ(info.used, TA_MIN_CHUNK_BYTES);
    CHECK_EQ(ta_budget_close(childs), TA_ERR_IN_USE);
    CHECK_EQ(ta_budget_stats(mine, &info, sizeof info), TA_OK);
    CHECK_EQ(info.used, 2 * TA_MIN_CHUNK_BYTES);
    CHECK_EQ(ta_reset(arena), TA_OK); /* chunks of three payers go home together */
    CHECK_EQ(arena_own(arena), TA_MIN_CHUNK_BYTES);
    CHECK_EQ(pool_info().in_use, TA_MIN_CHUNK_BYTES);
    CHECK_EQ(ta_budget_close(childs), TA_OK);
    close_arena(arena);
    CHECK_EQ(ta_budget_close(mine), TA_OK);
    check_pool_is_idle();
}

static void either_of_two_wipes(void) {
    for (int wipes = 0; wipes < 4; wipes++) {
        uint64_t flag = TA_OPTION_ZERO_ON_RELEASE;
        ta_arena *arena = open_flagged((wipes & 1) != 0 ? flag : 0);
        ta_arena *child = open_flagged((wipes & 2) != 0 ? flag : 0);
        char *filled = memset(take(child, 60000, 1), 'S', 60000);
        char *current = memset(take(child, 60000, 1), 'S', 60000);
        char *large = memset(take(child, MIB, 1), 'S', MIB);
        CHECK_EQ(ta_adopt(arena, child), TA_OK);
        CHECK(bytes_are(large, MIB, 'S'));
        CHECK_EQ(ta_reset(arena), TA_OK);
        CHECK_EQ(bytes_are(filled, 60000, 0), wipes != 0);
        CHECK_EQ(bytes_are(current, 60000, 0), wipes != 0);
        CHECK_EQ(bytes_are(large, MIB, 0), wipes != 0);
        close_arena(arena);
    }
    check_pool_is_idle();
}

static void a_chunk_that_went_home_is_like_any_other(void) {
    ta_arena *arena = open_arena(), *child = open_arena();
    char *bytes = take(child, 100, 1);
    CHECK_EQ(ta_adopt(arena, child), TA_OK);
    CHECK_EQ(ta_reset(arena), TA_OK);
    ta_position mark;
    ta_mark(arena, &mark);
    CHECK(take(arena, 100, 1) == bytes);
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    CHECK_EQ(info_of(arena).chunks, 1); /* it is a spare again */
    close_arena(arena);
    check_pool_is_idle();
}

static void only_open_arenas_adopt_and_only_others(void) {
    ta_arena *arena = open_arena(), *child = open_arena();
    take(arena, 1, 1);
    CHECK_EQ(ta_adopt(arena, arena), TA_ERR_ARGUMENT);
    CHECK_EQ(ta_adopt(arena, NULL), TA_ERR_CLOSED);
    CHECK_EQ(ta_adopt(NULL, child), TA_ERR_CLOSED);
    close_arena(child);
    CHECK_EQ(ta_adopt(arena, child), TA_ERR_CLOSED);
    CHECK_EQ(info_of(arena).allocated, 1);
    close_arena(arena);
    check_pool_is_idle();
}

static void an_address_that_left_either_is_remembered(void) {
    for (int exposed = 0; exposed < 4; exposed++) {
        ta_arena *arena = open_flagged(0), *child = open_flagged(0);
        arena_of(arena)->flags |= (exposed & 1) != 0 ? 0 : ARENA_JAVA_ONLY;
        arena_of(child)->flags |= (exposed & 2) != 0 ? 0 : ARENA_JAVA_ONLY;
        CHECK_EQ(ta_adopt(arena, child), TA_OK);
        CHECK_EQ((arena_of(arena)->flags & ARENA_JAVA_ONLY) == 0, exposed != 0);
        close_arena(arena);
    }
}

static int asked;

static bool refuse(void) {
    asked++;
    return true;
}

static void it_asks_the_system_for_nothing(void) {
    ta_arena *arena = open_arena(), *child = open_arena();
    take(arena, 100, 1);
    take(child, 4 * MIB, 1);
    os_fault_hook = refuse;
    CHECK_EQ(ta_adopt(arena, child), TA_OK);
    CHECK_EQ(asked, 0);
    CHECK_EQ(ta_reset(arena), TA_OK);
    os_fault_hook = NULL;
    close_arena(arena);
    check_pool_is_idle();
}

int main(void) {
    int failures = 0;
    RUN(what_the_child_has_stays_where_it_is);
    RUN(the_chunks_end_with_the_rewind_and_not_before);
    RUN(an_arena_without_a_chunk_adopts);
    RUN(what_is_adopted_makes_the_next_chunk_no_larger);
    RUN(a_reset_keeps_a_chunk_for_what_was_not_adopted);
    RUN(spares_go_home_at_once);
    RUN(the_limit_counts_what_is_adopted);
    RUN(pinned_ones_outlive_the_rewind);
    RUN(chunks_stay_charged_to_their_budget);
    RUN(either_of_two_wipes);
    RUN(a_chunk_that_went_home_is_like_any_other);
    RUN(only_open_arenas_adopt_and_only_others);
    RUN(an_address_that_left_either_is_remembered);
    RUN(it_asks_the_system_for_nothing);
    return failures != 0;
}
