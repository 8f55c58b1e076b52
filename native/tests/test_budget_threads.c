/* Budgets on several threads: no charge is lost, none passes a limit, and no closed one is entered. */
#include "budgets.h"

#include "barrier.h"
#include "budget.h"
#include "os.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 4, ROUNDS = 3000, SLOTS = 8 };

static ta_budget *tree[3];
static ta_chunk *_Atomic slots[SLOTS];
static atomic_bool over;

/* Takes, pins, hands over, and gives back what others have handed over. */
static void *churn(void *seed) {
    uint64_t random = address_of(seed);
    int rounds = times(ROUNDS);
    for (int i = 0; i < rounds; i++) {
        ta_budget *budget = tree[random_below(&random, 3)], *kept = NULL;
        bool reserves =
            random_below(&random, 4) == 0 && ta_budget_reserve(budget, 64 * KIB, &kept) == TA_OK;
        ta_arena *arena = open_paid(budget);
        char *bytes = ta_alloc(arena, random_below(&random, 200 * KIB) + 1, 1);
        if (bytes != NULL) {
            ta_chunk *mine = ta_pin(arena, bytes, 1);
            ta_chunk *old = atomic_exchange(&slots[random_below(&random, SLOTS)], mine);
            ta_chunk_release(old);
        }
        if (reserves && random_below(&random, 2) == 0) {
            CHECK_EQ(ta_budget_close(kept), TA_OK);
            reserves = false;
        }
        close_arena(arena);
        if (reserves) {
            CHECK_EQ(ta_budget_close(kept), TA_OK);
        }
    }
    return NULL;
}

static void *watch(void *unused) {
    while (!atomic_load(&over)) {
        for (int i = 0; i < 3; i++) {
            ta_budget_info info = budget_info(tree[i]);
            CHECK_LE(info.used, info.limit);
            CHECK_LE(info.peak, info.limit);
        }
        CHECK_LE(ta_budget_pinned(tree[0]), budget_info(tree[0]).limit);
    }
    return unused;
}

static void threads_leave_nothing_and_pass_no_limit(void) {
    tree[0] = budget_of(NULL, MIB);
    tree[1] = budget_of(tree[0], 640 * KIB);
    tree[2] = budget_of(tree[1], 320 * KIB);
    pthread_t threads[THREADS], watcher;
    CHECK_EQ(pthread_create(&watcher, NULL, watch, NULL), 0);
    for (uintptr_t i = 0; i < THREADS; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, churn, (void *)(i + 1)), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    atomic_store(&over, true);
    pthread_join(watcher, NULL);
    for (int i = 0; i < SLOTS; i++) {
        ta_chunk_release(atomic_load(&slots[i]));
    }
    for (int i = 3; i-- > 0;) {
        close_budget(tree[i]);
    }
}

enum { RIVALS = 3, CHARGES = 400000 };

static ta_budget *leaves[RIVALS];
static atomic_int holders;
static barrier rivals = BARRIER_FOR(RIVALS);

/* Has the one chunk of the root again and again, which the rivals want for their own budgets. */
static void *contend(void *leaf) {
    int charges = times(CHARGES);
    barrier_wait(&rivals);
    for (int i = 0; i < charges; i++) {
        uint64_t bytes = 64 * KIB;
        ta_status why;
        if (budget_charge(leaf, bytes, &bytes, &why) == leaf) {
            CHECK_EQ(atomic_fetch_add(&holders, 1), 0);
            CHECK_EQ(used(tree[0]), 64 * KIB);
            atomic_fetch_sub(&holders, 1);
            budget_discharge(leaf, bytes);
        }
    }
    return NULL;
}

/* Draws one of two chunks that are reserved: nobody else is charged, and the third one waits. */
static void *draw_and_fill(void *kept) {
    int draws = times(CHARGES);
    barrier_wait(&rivals);
    for (int i = 0; i < draws; i++) {
        uint64_t bytes = 64 * KIB;
        ta_status why;
        if (budget_charge(tree[0], bytes, &bytes, &why) == kept) {
            CHECK_LE(atomic_fetch_add(&holders, 1), 1);
            atomic_fetch_sub(&holders, 1);
            budget_discharge(kept, bytes);
        }
    }
    return NULL;
}

static void race(void *(*run)(void *), void **of) {
    pthread_t threads[RIVALS];
    for (int i = 0; i < RIVALS; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, run, of[i]), 0);
    }
    for (int i = 0; i < RIVALS; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void a_chunk_is_had_by_one_at_a_time(void) {
    tree[0] = budget_of(NULL, 64 * KIB);
    for (int i = 0; i < RIVALS; i++) {
        leaves[i] = budget_of(tree[0], TA_UNLIMITED);
    }
    race(contend, (void **)leaves);
    for (int i = 0; i < RIVALS; i++) {
        close_budget(leaves[i]); /* what the root refused was taken back */
    }
    CHECK_EQ(ta_budget_set_limit(tree[0], 128 * KIB), TA_OK);
    ta_budget *kept;
    CHECK_EQ(ta_budget_reserve(tree[0], 128 * KIB, &kept), TA_OK);
    void *same[RIVALS] = {kept, kept, kept};
    race(draw_and_fill, same);
    CHECK_EQ(used(kept), 0);
    CHECK_EQ(ta_budget_close(kept), TA_OK);
    close_budget(tree[0]);
}

static void *close_once_it_is_left(void *budget) {
    ta_status status;
    do {
        status = ta_budget_close(budget);
    } while (status == TA_ERR_IN_USE);
    CHECK_EQ(status, TA_OK);
    return NULL;
}

static void what_is_being_closed_is_not_entered(void) {
    ta_budget *budget = budget_of(NULL, MIB);
    pthread_t closer;
    os_lock(); /* so that its record, which is closed, cannot be put away yet */
    CHECK_EQ(pthread_create(&closer, NULL, close_once_it_is_left, budget), 0);
    for (int tries = 0; budget_enter(budget); tries++) {
        budget_leave(budget);
        CHECK_LE(tries, 10000); /* of a millisecond, when nobody refuses */
        usleep(1000);
    }
    os_unlock();
    pthread_join(closer, NULL);
}

int main(void) {
    int failures = 0;
    RUN(threads_leave_nothing_and_pass_no_limit);
    RUN(a_chunk_is_had_by_one_at_a_time);
    RUN(what_is_being_closed_is_not_entered);
    return failures != 0;
}
