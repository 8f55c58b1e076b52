/* Budgets: what they are charged, who is refused, and that all of it comes back. */
#include "budgets.h"

#include "arena_private.h"
#include "os.h"

static void chunks_are_charged_along_the_path(void) {
    ta_budget *root = budget_of(NULL, TA_UNLIMITED), *leaf = budget_of(root, 10 * MIB);
    ta_budget *other = budget_of(root, MIB);
    ta_arena *arena = open_paid(leaf), *free_one = open_arena();
    CHECK_EQ(used(leaf), 0); /* an arena has no chunk at first */
    take(arena, 1, 1);
    take(free_one, MIB, 1);
    CHECK_EQ(used(leaf), 64 * KIB);
    CHECK_EQ(used(root), 64 * KIB);
    CHECK_EQ(used(other), 0);
    take(arena, 5 * MIB + 1, 1); /* a chunk of its own, to the sixteenths of 8 MiB */
    CHECK_EQ(used(leaf), 64 * KIB + 5 * MIB + 512 * KIB);
    ta_position start = {.newest = UINT64_MAX};
    ta_mark(arena, &start);
    take(arena, MIB, 1);
    CHECK_EQ(used(root), 64 * KIB + 5 * MIB + 512 * KIB + MIB);
    CHECK_EQ(ta_rewind(arena, &start), TA_OK);
    CHECK_EQ(used(root), 64 * KIB + 5 * MIB + 512 * KIB + MIB); /* a spare counts */
    close_arena(arena);
    CHECK_EQ(used(leaf), 0);
    CHECK_EQ(used(root), 0);
    CHECK_EQ(budget_info(root).peak, 64 * KIB + 5 * MIB + 512 * KIB + MIB);
    CHECK_EQ(budget_info(leaf).limit, 10 * MIB);
    close_arena(free_one);
    close_budget(leaf);
    close_budget(other);
    close_budget(root);
}

static void a_refusal_changes_nothing_and_names_the_status(void) {
    ta_budget *root = budget_of(NULL, MIB), *leaf = budget_of(root, 2 * MIB);
    ta_arena *arena = open_paid(leaf), *sibling = open_paid(root);
    take(sibling, 512 * KIB, 1);
    take(arena, 100, 1);
    ta_arena before = *arena;
    CHECK(ta_alloc(arena, MIB, 1) == NULL); /* the root refuses what the leaf would allow */
    CHECK_EQ(ta_arena_reserve(arena, MIB, 1), TA_ERR_BUDGET);
    uint64_t start;
    CHECK_EQ(arena_allocate(arena, MIB, 1, &start), TA_ERR_BUDGET | 1 << BUDGET_DEPTH_SHIFT);
    CHECK_EQ(arena_allocate(arena, 3 * MIB, 1, &start), TA_ERR_BUDGET);
    CHECK_EQ(memcmp(&before, arena, sizeof before), 0);
    CHECK_EQ(used(leaf), 64 * KIB);
    CHECK_EQ(budget_info(leaf).peak, 64 * KIB); /* nothing was charged in passing */
    CHECK_EQ(used(root), 576 * KIB);
    CHECK_EQ(ta_arena_check(arena, MIB, 1), TA_OK); /* which asks the arena's own limit */
    take(arena, 300 * KIB, 1);
    close_arena(sibling);
    close_arena(arena);
    close_budget(leaf);
    close_budget(root);
}

static void near_a_limit_chunks_are_as_small_as_need_be(void) {
    ta_budget *budget = budget_of(NULL, 3 * MIB);
    ta_arena *arena = open_paid(budget);
    for (int i = 0; i < 8; i++) {
        take(arena, 256 * KIB, 1);
    }
    CHECK_EQ(used(budget), 2 * MIB);
    take(arena, 1, 1); /* would like 2 MiB */
    CHECK_EQ(used(budget), 3 * MIB);
    close_arena(arena);
    ta_pool_set_memory_limit(1280 * KIB);
    arena = open_paid(budget);
    for (int i = 0; i < 4; i++) {
        take(arena, 256 * KIB, 1);
    }
    CHECK_EQ(used(budget), MIB);
    take(arena, 1,
         1); /* would like 1 MiB more, of which the pool has less: that is what is charged */
    CHECK_EQ(used(budget), 1280 * KIB);
    CHECK_EQ(used(budget), pool_info().in_use);
    CHECK(ta_alloc(arena, MIB, 1) == NULL);
    CHECK_EQ(ta_arena_reserve(arena, MIB, 1), TA_ERR_POOL_LIMIT);
    CHECK_EQ(used(budget), pool_info().in_use);
    close_arena(arena);
    close_budget(budget);
}

static void spares_go_back_before_a_refusal(void) {
    ta_budget *budget = budget_of(NULL, 2 * MIB);
    ta_arena *arena = open_paid(budget);
    take(arena, 1, 1);
    ta_position mark;
    ta_mark(arena, &mark);
    for (int i = 0; i < 3; i++) {
        take(arena, 512 * KIB, 1);
    }
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    CHECK_EQ(used(budget), 64 * KIB + 3 * 512 * KIB);
    take(arena, MIB, 1); /* no spare holds so much */
    CHECK_EQ(used(budget), 64 * KIB + MIB);
    close_arena(arena);
    ta_pool_set_memory_limit(2 * MIB); /* the same of the pool's limit */
    arena = open_arena();
    ta_mark(arena, &mark);
    for (int i = 0; i < 4; i++) {
        take(arena, 512 * KIB, 1);
    }
    CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    take(arena, 1536 * KIB, 1); /* it goes on in the fourth */
    close_arena(arena);
    close_budget(budget);
}

static void a_pinned_chunk_stays_charged_until_its_last_release(void) {
    ta_budget *root = budget_of(NULL, TA_UNLIMITED), *leaf = budget_of(root, TA_UNLIMITED);
    ta_budget *beside = budget_of(root, TA_UNLIMITED);
    ta_arena *arena = open_paid(leaf);
    ta_chunk *chunk = ta_pin(arena, take(arena, MIB, 1), MIB);
    take(arena, 1, 1);
    CHECK_EQ(ta_budget_pinned(root), 0); /* its arena still has it */
    close_arena(arena);
    CHECK_EQ(used(leaf), MIB);
    CHECK_EQ(ta_budget_pinned(leaf), MIB);
    CHECK_EQ(ta_budget_pinned(root), MIB);
    CHECK_EQ(ta_budget_pinned(beside), 0);
    CHECK_EQ(ta_budget_close(leaf), TA_ERR_IN_USE);
    arena = open_paid(leaf); /* a refused close leaves it open */
    take(arena, 1, 1);
    close_arena(arena);
    ta_chunk_retain(chunk);
    ta_chunk_release(chunk);
    CHECK_EQ(used(root), MIB);
    ta_chunk_release(chunk);
    CHECK_EQ(used(root), 0);
    CHECK_EQ(ta_budget_pinned(root), 0);
    arena = open_arena(); /* the same chunk, for which nobody pays now */
    ta_chunk *again = ta_pin(arena, take(arena, MIB, 1), MIB);
    close_arena(arena);
    CHECK(again == chunk);
    CHECK_EQ(ta_budget_pinned(root), 0);
    ta_chunk_release(again);
    close_budget(beside);
    close_budget(leaf);
    close_budget(root);
}

static void limits_change_while_in_use(void) {
    ta_budget *budget = budget_of(NULL, 0);
    ta_arena *arena = open_paid(budget);
    CHECK_EQ(ta_arena_reserve(arena, 1, 1), TA_ERR_BUDGET);
    CHECK_EQ(ta_budget_set_limit(budget, MIB), TA_OK);
    take(arena, 100, 1);
    CHECK_EQ(ta_budget_set_limit(budget, 1), TA_OK); /* below what is used */
    take(arena, 60 * KIB, 1);                        /* what it has it has */
    CHECK(ta_alloc(arena, 10 * KIB, 1) == NULL);
    CHECK_EQ(used(budget), 64 * KIB);
    close_arena(arena);
    close_budget(budget);
}

static void a_reservation_is_drawn_and_filled_again(void) {
    ta_budget *root = budget_of(NULL, 10 * MIB), *leaf = budget_of(root, TA_UNLIMITED);
    ta_budget *below = budget_of(leaf, TA_UNLIMITED), *kept;
    CHECK_EQ(ta_budget_reserve(leaf, 5 * MIB + 1, &kept), TA_OK);
    uint64_t size = 5 * MIB + 512 * KIB; /* as one allocation of so much */
    CHECK_EQ(budget_info(kept).limit, size);
    CHECK_EQ(used(leaf), size);
    CHECK_EQ(used(root), size);
    ta_budget *refused = kept;
    CHECK_EQ(ta_budget_reserve(leaf, 5 * MIB, &refused), TA_ERR_BUDGET);
    CHECK(refused == NULL);
    ta_arena *others = open_paid(below), *own = open_paid(leaf);
    take(others, MIB, 1); /* a child's arena draws nothing */
    CHECK_EQ(used(root), size + MIB);
    CHECK_EQ(used(kept), 0);
    char *large = take(own, 5 * MIB + 1, 1);
    CHECK_EQ(used(kept), size);
    CHECK_EQ(used(root), size + MIB);
    take(own, 1, 1); /* past it the budget is charged */
    CHECK_EQ(used(root), size + MIB + 64 * KIB);
    ta_chunk *pinned = ta_pin(own, large, 1);
    close_arena(own);
    CHECK_EQ(used(root), size + MIB);
    CHECK_EQ(used(kept), size);
    CHECK_EQ(ta_budget_pinned(root), size);
    ta_chunk_release(pinned); /* comes home while it is open */
    CHECK_EQ(used(kept), 0);
    CHECK_EQ(budget_info(kept).peak, size);
    CHECK_EQ(used(root), size + MIB);
    own = open_paid(leaf);
    pinned = ta_pin(own, take(own, MIB, 1), 1);
    CHECK_EQ(used(kept), MIB);
    CHECK_EQ(ta_budget_close(leaf), TA_ERR_IN_USE);
    CHECK_EQ(ta_budget_close(kept), TA_OK); /* gives the rest back */
    CHECK_EQ(ta_budget_close(kept), TA_ERR_CLOSED);
    ta_budget_info info;
    CHECK_EQ(ta_budget_stats(kept, &info, sizeof info), TA_ERR_CLOSED);
    CHECK_EQ(used(leaf), 2 * MIB);
    CHECK_EQ(used(root), 2 * MIB);
    close_arena(own);
    close_arena(others);
    CHECK_EQ(used(root), MIB);
    CHECK_EQ(ta_budget_pinned(leaf), MIB); /* although the reservation is closed */
    ta_chunk_release(pinned);
    ta_budget *next = budget_of(NULL, 1);
    CHECK(next == kept); /* whose record waited for that chunk */
    close_budget(next);
    close_budget(below);
    close_budget(leaf);
    close_budget(root);
}

static void a_smaller_chunk_than_wanted_is_drawn(void) {
    ta_budget *budget = budget_of(NULL, 3 * MIB), *kept;
    ta_arena *arena = open_paid(budget);
    for (int i = 0; i < 8; i++) {
        take(arena, 256 * KIB, 1);
    }
    CHECK_EQ(ta_budget_reserve(budget, MIB, &kept), TA_OK);
    CHECK_EQ(used(budget), 3 * MIB);
    take(arena, 1, 1); /* would like 2 MiB */
    CHECK_EQ(used(budget), 3 * MIB);
    CHECK_EQ(used(kept), MIB);
    close_arena(arena);
    CHECK_EQ(ta_budget_close(kept), TA_OK);
    close_budget(budget);
}

static void several_reservations_are_closed_in_any_order(void) {
    ta_budget *budget = budget_of(NULL, TA_UNLIMITED), *kept[3];
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(ta_budget_reserve(budget, MIB, &kept[i]), TA_OK);
    }
    ta_arena *arena = open_paid(budget);
    for (int i = 0; i < 4; i++) {
        take(arena, MIB, 1);
    }
    CHECK_EQ(used(budget), 4 * MIB);
    static const int order[] = {1, 2, 0};
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(used(kept[order[i]]), MIB);
        CHECK_EQ(ta_budget_close(kept[order[i]]), TA_OK);
    }
    CHECK_EQ(used(budget), 4 * MIB);
    close_arena(arena); /* chunks of three payers in one chain */
    CHECK_EQ(ta_budget_reserve(budget, 0, &kept[0]), TA_OK);
    CHECK_EQ(used(budget), 64 * KIB);
    CHECK_EQ(ta_budget_close(kept[0]), TA_OK);
    CHECK_EQ(ta_budget_reserve(budget, 0, &kept[1]), TA_OK);
    CHECK(kept[1] == kept[0]); /* nothing was drawn: its record is free at once */
    ta_budget *none;
    CHECK_EQ(ta_budget_create(kept[1], 1, &none), TA_ERR_CLOSED); /* it is no budget */
    CHECK_EQ(ta_budget_reserve(kept[1], 1, &none), TA_ERR_CLOSED);
    CHECK_EQ(ta_budget_set_limit(kept[1], 1), TA_ERR_CLOSED);
    CHECK_EQ(ta_budget_close(kept[1]), TA_OK);
    close_budget(budget);
}

static void what_is_in_use_is_not_closed(void) {
    ta_budget *root = budget_of(NULL, MIB), *child = budget_of(root, MIB);
    CHECK_EQ(ta_budget_close(root), TA_ERR_IN_USE);
    ta_arena *arena = open_paid(child);
    CHECK_EQ(ta_budget_close(child), TA_ERR_IN_USE); /* although it has no chunk */
    take(arena, 1, 1);
    close_arena(arena);
    close_budget(child);
    CHECK_EQ(ta_budget_close(child), TA_ERR_CLOSED);
    ta_options options = {.memory_limit = TA_UNLIMITED, .budget = child};
    CHECK_EQ(ta_arena_create(TA_ABI_VERSION, &options, sizeof options, &arena), TA_ERR_CLOSED);
    CHECK(arena == NULL);
    ta_budget *none = root;
    CHECK_EQ(ta_budget_create(child, 1, &none), TA_ERR_CLOSED);
    CHECK(none == NULL);
    CHECK_EQ(ta_budget_reserve(child, 1, &none), TA_ERR_CLOSED);
    CHECK_EQ(ta_budget_set_limit(child, 1), TA_ERR_CLOSED);
    CHECK_EQ(ta_budget_pinned(child), 0);
    ta_budget_info info;
    CHECK_EQ(ta_budget_stats(child, &info, sizeof info), TA_ERR_CLOSED);
    CHECK_EQ(ta_budget_stats(root, NULL, sizeof info), TA_ERR_ARGUMENT);
    CHECK_EQ(ta_budget_stats(root, &info, sizeof info + 8), TA_ERR_ARGUMENT);
    CHECK_EQ(ta_budget_create(NULL, 1, NULL), TA_ERR_ARGUMENT);
    CHECK_EQ(ta_budget_reserve(root, 1, NULL), TA_ERR_ARGUMENT);
    CHECK_EQ(ta_budget_close(NULL), TA_ERR_CLOSED);
    ta_budget *again = budget_of(NULL, 2 * MIB); /* on the record of the closed one */
    CHECK(again == child);
    CHECK_EQ(budget_info(again).peak, 0);
    close_budget(again);
    close_budget(root);
}

static bool refuse(void) {
    return true;
}

static void the_system_refuses_a_budget(void) {
    ta_budget *root = NULL;
    os_fault_hook = refuse;
    CHECK_EQ(ta_budget_create(NULL, MIB, &root), TA_ERR_NO_MEMORY);
    os_fault_hook = NULL;
    root = budget_of(NULL, MIB);
    ta_arena *arena = open_paid(root);
    os_fault_hook = refuse;
    CHECK(ta_alloc(arena, 1, 1) == NULL); /* what was charged for it is taken back */
    CHECK_EQ(used(root), 0);
    ta_budget *last = root, *each;
    uint64_t made = 0;
    while (ta_budget_create(last, MIB, &each) == TA_OK) { /* until the step of records is used up */
        last = each;
        made++;
    }
    CHECK_GE(made, 100);
    CHECK_EQ(ta_budget_reserve(last, 1, &each), TA_ERR_NO_MEMORY);
    ta_options options = {.memory_limit = TA_UNLIMITED, .budget = last};
    ta_arena *deep;
    CHECK_EQ(ta_arena_create(TA_ABI_VERSION, &options, sizeof options, &deep), TA_ERR_NO_MEMORY);
    os_fault_hook = NULL;
    deep = open_paid(last);
    take(deep, 1, 1);
    CHECK_EQ(used(root), 64 * KIB);
    close_arena(deep);
    CHECK_EQ(ta_budget_close(last), TA_OK); /* no refusal has left a user behind */
    close_arena(arena);
}

static void what_rests_in_quarantine_is_home(void) {
    CHECK_EQ(ta_pool_set_quarantine(10 * MIB), TA_OK);
    ta_budget *budget = budget_of(NULL, MIB);
    for (int i = 0; i < 5; i++) {
        ta_arena *arena = open_paid(budget);
        take(arena, MIB, 1);
        close_arena(arena);
    }
    close_budget(budget);
}

static void abandoned_arenas_are_taken_off(void) {
    ta_budget *budget = budget_of(NULL, MIB);
    ta_arena *arena = open_paid(budget);
    ta_chunk *chunk = ta_pin(arena, take(arena, 300 * KIB, 1), 1);
    take(arena, 300 * KIB, 1);
    arena_of(arena)->flags |= ARENA_JAVA_ONLY;
    arena_abandon_all(); /* and what is a budget among the records is left alone */
    CHECK_EQ(used(budget), 320 * KIB);
    CHECK_EQ(ta_budget_pinned(budget), 320 * KIB);
    ta_chunk_release(chunk);
    close_budget(budget);
}

int main(void) {
    int failures = 0;
    RUN(chunks_are_charged_along_the_path);
    RUN(a_refusal_changes_nothing_and_names_the_status);
    RUN(near_a_limit_chunks_are_as_small_as_need_be);
    RUN(spares_go_back_before_a_refusal);
    RUN(a_pinned_chunk_stays_charged_until_its_last_release);
    RUN(limits_change_while_in_use);
    RUN(a_reservation_is_drawn_and_filled_again);
    RUN(a_smaller_chunk_than_wanted_is_drawn);
    RUN(several_reservations_are_closed_in_any_order);
    RUN(what_is_in_use_is_not_closed);
    RUN(the_system_refuses_a_budget);
    RUN(what_rests_in_quarantine_is_home);
    RUN(abandoned_arenas_are_taken_off);
    return failures != 0;
}
