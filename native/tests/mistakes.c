/*
 * Mistakes on purpose, one a run: `mistakes <name>`. A checker that lets one of them pass is blind,
 * and what the other tests say under it is worth nothing. `mistakes none` does the same things
 * rightly, and no checker may say a word.
 *
 * CMakeLists.txt has what each checker must report.
 */
#include "check.h"

#include "os.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

static bool rightly;

/* Kept from the optimiser, like the accesses: gcc leaves out a check that it thinks was made before. */
static volatile char seen;

__attribute__((noinline)) static void write_to(char *at) {
    *at = 2;
}

static void overrun_by_one(void) {
    ta_arena *arena = open_arena();
    char *bytes = take(arena, 100, 64);
    for (int i = 0; i <= 100 - rightly; i++) {
        bytes[i] = 1;
    }
    close_arena(arena);
}

static void overread_by_one(void) {
    ta_arena *arena = open_arena();
    char *bytes = memset(take(arena, 100, 64), 1, 100);
    seen = bytes[100 - rightly];
    close_arena(arena);
}

static void use_after_rewind_of(uint64_t size) {
    ta_arena *arena = open_arena();
    take(arena, 10, 64);
    ta_position mark;
    ta_mark(arena, &mark);
    char *bytes = take(arena, size, 64);
    bytes[500] = 1;
    CHECK(rightly || ta_rewind(arena, &mark) == TA_OK);
    write_to(bytes + 500);
    close_arena(arena);
}

static void use_after_rewind(void) {
    use_after_rewind_of(1000);
}

/* The chunk stays with the arena: as a spare, which is rewound past, it must be poisoned as well. */
static void use_after_rewind_past_its_chunk(void) {
    use_after_rewind_of(100000);
}

static void use_after_reset(void) {
    ta_arena *arena = open_arena();
    char *bytes = take(arena, 1000, 64);
    bytes[500] = 1;
    CHECK(rightly || ta_reset(arena) == TA_OK);
    take(arena, 100, 64); /* which ends below */
    write_to(bytes + 500);
    close_arena(arena);
}

static void use_after_destroy(void) {
    ta_arena *arena = open_arena();
    char *bytes = take(arena, 1000, 64);
    bytes[500] = 1;
    ta_chunk *chunk = rightly ? ta_pin(arena, bytes, 1000) : NULL;
    close_arena(arena);
    write_to(bytes + 500);
    if (rightly) {
        ta_chunk_release(chunk);
    }
}

static ta_chunk *pinned_after_destroy(char **bytes) {
    ta_arena *arena = open_arena();
    *bytes = memset(take(arena, 1000, 64), 1, 1000);
    ta_chunk *chunk = ta_pin(arena, *bytes, 1000);
    close_arena(arena);
    return chunk;
}

static void use_after_release(void) {
    char *bytes;
    ta_chunk *chunk = pinned_after_destroy(&bytes);
    if (!rightly) {
        ta_chunk_release(chunk);
    }
    seen = bytes[500];
    if (rightly) {
        ta_chunk_release(chunk);
    }
}

static void double_release(void) {
    char *bytes;
    ta_chunk *chunk = pinned_after_destroy(&bytes);
    ta_chunk_release(chunk);
    if (!rightly) {
        ta_chunk_release(chunk);
    }
}

/* Not the arena's to see, but the bytes are undefined: memcheck knows. */
static void use_of_unset_bytes(void) {
    ta_arena *arena = open_arena();
    char *bytes = take(arena, 1000, 64);
    if (rightly) {
        bytes[500] = 1;
    }
    printf(bytes[500] == 1 ? "one\n" : "another\n");
    close_arena(arena);
}

static void misaligned_access(void) {
    ta_arena *arena = open_arena();
    char *bytes = memset(take(arena, 100, 64), 1, 100);
    seen = (char)*(int *)(void *)(bytes + 1 + 3 * rightly);
    close_arena(arena);
}

/* ---- races ----------------------------------------------------------------------------------- */

static ta_arena *shared_arena;
static char *shared_bytes;
static ta_chunk *shared_chunk;
static atomic_bool turn; /* relaxed: the other thread's part follows in time, ordered by nothing */

static void *run_other(void *part) {
    while (!rightly && !atomic_load_explicit(&turn, memory_order_relaxed)) {
        sched_yield();
    }
    (*(void (**)(void))part)();
    return NULL;
}

/* One part, and then the other on another thread, ordered by the thread's start if rightly. */
static void run_parts(void (*mine)(void), void (*other)(void)) {
    pthread_t thread;
    if (rightly) {
        mine();
    }
    CHECK_EQ(pthread_create(&thread, NULL, run_other, (void *)&other), 0);
    if (!rightly) {
        mine();
        atomic_store_explicit(&turn, true, memory_order_relaxed);
    }
    CHECK_EQ(pthread_join(thread, NULL), 0);
}

static void write_shared(void) {
    memset(shared_bytes, 2, 1000);
}

static void read_shared(void) {
    char read[1000];
    memcpy(read, shared_bytes, sizeof read);
    seen = read[500];
}

static void race_of_a_write_with_a_read(void) {
    shared_arena = open_arena();
    shared_bytes = memset(take(shared_arena, 1000, 64), 1, 1000);
    run_parts(write_shared, read_shared);
    close_arena(shared_arena);
}

static void allocate_shared(void) {
    take(shared_arena, 1000, 64);
}

static void race_of_two_allocations(void) {
    shared_arena = open_arena();
    take(shared_arena, 1000, 64);
    run_parts(allocate_shared, allocate_shared);
    close_arena(shared_arena);
}

static void rewind_and_write_again(void) {
    CHECK_EQ(ta_reset(shared_arena), TA_OK);
    CHECK(rightly || take(shared_arena, 1000, 64) == shared_bytes);
    if (!rightly) {
        memset(shared_bytes, 3, 1000);
    }
}

static void read_and_release_shared(void) {
    read_shared();
    if (shared_chunk != NULL) {
        ta_chunk_release(shared_chunk);
    }
}

/* Rightly, the reader has a pin. */
static void race_of_a_reset_with_a_read(void) {
    shared_arena = open_arena();
    shared_bytes = memset(take(shared_arena, 1000, 64), 1, 1000);
    shared_chunk = rightly ? ta_pin(shared_arena, shared_bytes, 1000) : NULL;
    run_parts(rewind_and_write_again, read_and_release_shared);
    close_arena(shared_arena);
}

/* Where pages have 64 KiB. */
static void part_of_a_page(void) {
    char *start = os_reserve(256 * KIB, 256 * KIB);
    CHECK(start != NULL);
    os_commit(start + (rightly ? 0 : 4 * KIB), 64 * KIB);
    os_unreserve(start, 256 * KIB);
}

#define MISTAKE(function) \
    { #function, function }

static const struct {
    const char *name;
    void (*make)(void);
} mistakes[] = {
    MISTAKE(overrun_by_one),
    MISTAKE(overread_by_one),
    MISTAKE(use_after_rewind),
    MISTAKE(use_after_rewind_past_its_chunk),
    MISTAKE(use_after_reset),
    MISTAKE(use_after_destroy),
    MISTAKE(use_after_release),
    MISTAKE(double_release),
    MISTAKE(use_of_unset_bytes),
    MISTAKE(misaligned_access),
    MISTAKE(race_of_a_write_with_a_read),
    MISTAKE(race_of_two_allocations),
    MISTAKE(race_of_a_reset_with_a_read),
    MISTAKE(part_of_a_page),
};

/* The end of an assertion is a report like any other. */
static void exit_instead(int signal) {
    _exit(128 + signal);
}

int main(int argc, char **argv) {
    signal(SIGABRT, exit_instead);
    const char *chosen = argc == 2 ? argv[1] : "";
    rightly = strcmp(chosen, "none") == 0;
    bool known = rightly;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        if (rightly || strcmp(chosen, mistakes[i].name) == 0) {
            known = true;
            mistakes[i].make();
        }
    }
    if (!known) {
        printf("no such mistake: \"%s\"\n", chosen);
        return 2;
    }
    check_pool_is_idle();
    printf(rightly ? "nothing to report\n" : "nobody noticed\n");
    return 0;
}
