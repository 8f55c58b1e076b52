/*
 * The system refuses memory at every single point where it is asked: once at the nth request, and
 * from the nth on. Whatever was asked of the library then reports it and changes nothing; once the
 * system agrees again all goes on. Each n starts from nothing, in a process of its own.
 */
#include "pages.h"

static int requests, refused_from, refused_to;

static bool refuse(void) {
    requests++;
    return requests >= refused_from && requests <= refused_to;
}

/* Whether the refusals are over: then nothing may fail any more. */
static bool system_agrees(void) {
    return requests >= refused_to;
}

static ta_arena *try_open(void) {
    ta_arena *arena = (ta_arena *)&requests;
    ta_status status = ta_arena_create(TA_ABI_VERSION, NULL, 0, &arena);
    if (status != TA_OK) {
        CHECK_EQ(status, TA_ERR_NO_MEMORY);
        CHECK(arena == NULL);
        if (system_agrees()) { /* it was refused once: the same again succeeds */
            CHECK_EQ(ta_arena_create(TA_ABI_VERSION, NULL, 0, &arena), TA_OK);
        }
    }
    return arena;
}

/* Allocates and fills; NULL if the system refused, with everything as before. */
static char *try_take(ta_arena *arena, uint64_t size, uint64_t align, uint64_t owner) {
    if (arena == NULL) {
        return NULL;
    }
    ta_arena before = *arena;
    ta_arena_info info_before = info_of(arena);
    ta_pool_info pool_before = pool_info();
    char *bytes = ta_alloc(arena, size, align);
    if (bytes == NULL) {
        ta_arena_info info_after = info_of(arena);
        CHECK(memcmp(&before, arena, sizeof before) == 0);
        CHECK(memcmp(&info_before, &info_after, sizeof info_before) == 0);
        CHECK_EQ(pool_info().in_use, pool_before.in_use);
        CHECK_EQ(pool_info().in_use_chunks, pool_before.in_use_chunks);
        if (!system_agrees()) {
            CHECK_EQ(ta_arena_reserve(arena, size, align), TA_ERR_NO_MEMORY);
            return NULL;
        }
        bytes = take(arena, size, align);
    }
    mark_bytes(bytes, size, owner);
    return bytes;
}

enum { ARENAS = 400 }; /* more than the first step of records has room for */

/* Valgrind looks at every byte that becomes accessible. */
static uint64_t large_chunk(void) {
    return is_under_valgrind() ? 16 * MIB : GIB / 2;
}

static void use_everything(void) {
    static const uint64_t sizes[] = {100, 70000, 200000, 2 * MIB, 1000, GIB + 1, 300000};
    enum { SIZES = sizeof sizes / sizeof sizes[0] };
    ta_arena *arena = try_open();
    char *taken[SIZES];
    for (uint64_t i = 0; i < SIZES; i++) {
        uint64_t size = sizes[i] > GIB ? 0 : sizes[i];
        taken[i] = try_take(arena, size, 64, i);
        if (sizes[i] > GIB && arena != NULL &&
            !is_under_valgrind()) { /* a slab of its own, touched at both ends only */
            char *large = ta_alloc(arena, sizes[i], 4096);
            CHECK(large != NULL || refused_to != INT32_MAX || !system_agrees());
            if (large != NULL) {
                large[0] = large[GIB] = 1;
            }
        }
    }
    ta_chunk *chunk = NULL;
    if (taken[2] != NULL) {
        chunk = ta_pin(arena, taken[2], sizes[2]);
        CHECK(chunk != NULL); /* a pin asks the system for nothing */
    }
    ta_position mark;
    if (arena != NULL) {
        ta_mark(arena, &mark);
        try_take(arena, 3 * MIB, 64, 7);
        CHECK_EQ(ta_rewind(arena, &mark), TA_OK);
    }
    for (uint64_t i = 0; i < SIZES; i++) {
        CHECK(taken[i] == NULL || is_marked(taken[i], sizes[i] > GIB ? 0 : sizes[i], i));
    }
    static ta_arena *many[ARENAS];
    for (int i = 0; i < ARENAS; i++) {
        many[i] = try_open();
        if (i % 50 == 0) {
            try_take(many[i], 20000, 64, 8);
        }
        if (i % 100 == 0 && arena != NULL && many[i] != NULL) {
            CHECK_EQ(ta_adopt(arena, many[i]), TA_OK); /* asks the system for nothing */
            many[i] = NULL;
        }
    }
    if (arena != NULL) {
        CHECK_EQ(ta_reset(arena), TA_OK);
        try_take(arena, 2 * MIB, 64, 9);
        CHECK(taken[2] == NULL || is_marked(taken[2], sizes[2], 2));
        close_arena(arena);
    }
    for (int i = 0; i < ARENAS; i++) {
        if (many[i] != NULL) {
            close_arena(many[i]);
        }
    }
    if (chunk != NULL) {
        CHECK_EQ(pool_info().pinned_chunks, 1);
        CHECK(is_marked(taken[2], sizes[2], 2));
        ta_chunk_release(chunk);
    }
    check_pool_is_idle();
}

/* With what a process ends in which no request was refused. */
#define NOT_REFUSED 2

static void run_with_refusals(void) {
    uint64_t before = pages_are_known() ? address_space() : 0;
    os_fault_hook = refuse;
    use_everything();
    bool refused_any = requests >= refused_from;
    /* What was reserved in vain has been given back. */
    CHECK(checker_owns_memory() || !pages_are_known() ||
          address_space() - before - pool_info().reserved < MIB);
    os_fault_hook = NULL;
    refused_from = refused_to = 0;
    use_everything(); /* now nothing is refused, and nothing may fail */
    ta_arena *whole = open_arena();
    take(whole, large_chunk(), 1);
    close_arena(whole);
    check_pool_is_idle();
    fflush(stdout);
    _exit(refused_any ? 0 : NOT_REFUSED);
}

static int refuse_at_every_point(const char *name, bool for_good) {
    for (int n = 1; n < 10000; n++) {
        refused_from = n;
        refused_to = for_good ? INT32_MAX : n;
        snprintf(check_note, sizeof check_note, "request %d refused %s", n, name);
        int status = check_child(check_note, run_with_refusals);
        refused_from = refused_to = 0;
        if (status == NOT_REFUSED) {
            /* The workload asks in many places, or it proves little. */
            CHECK_GE(n, is_under_valgrind() ? 9 : 10);
            printf("%d requests, each refused %s\n", n - 1, name);
            check_note[0] = 0;
            return 0;
        }
        if (status != 0 && status != CHECK_CHILD_OF_OTHERS) {
            printf("FAILED %s (status 0x%x)\n", check_note, (unsigned)status);
            return 1;
        }
    }
    check_note[0] = 0;
    if (check_is_child()) {
        return 0;
    }
    printf("FAILED: the workload never came to an end without a refusal\n");
    return 1;
}

static void a_refused_chunk_is_not_lost(void) {
    ta_arena *arena = open_arena();
    take(arena, 1, 1);
    uint64_t reserved = pool_info().reserved;
    os_fault_hook = refuse;
    refused_from = 1;
    refused_to = INT32_MAX;
    for (uint64_t size = 4 * MIB; size < GIB; size *= 2) {
        CHECK(ta_alloc(arena, size, 1) == NULL);
    }
    os_fault_hook = NULL;
    close_arena(arena);
    arena = open_arena();
    take(arena, GIB, 1);
    CHECK_EQ(pool_info().reserved, reserved);
    close_arena(arena);
}

static void the_smallest_slab_is_a_chunk(void) {
    os_fault_hook = refuse;
    refused_from = 1;
    refused_to = 14; /* 1 GiB, halved 14 times, is 64 KiB */
    ta_arena *arena = open_arena();
    CHECK_LE(pool_info().reserved, MIB);
    fill(take(arena, TA_MIN_CHUNK_BYTES, 1), TA_MIN_CHUNK_BYTES, 1);
    CHECK_EQ(pool_info().committed, TA_MIN_CHUNK_BYTES);
    CHECK_EQ(arena->limit, arena->base + TA_MIN_CHUNK_BYTES);
    uint64_t slab = arena->slab;
    fill(take(arena, TA_MIN_CHUNK_BYTES, 1), TA_MIN_CHUNK_BYTES, 2);
    CHECK(arena->slab != slab); /* and the next slab is a large one again */
    CHECK_GE(pool_info().reserved, GIB);
    close_arena(arena);
}

int main(void) {
    int failures = 0;
    RUN(a_refused_chunk_is_not_lost);
    RUN(the_smallest_slab_is_a_chunk);
    return failures + refuse_at_every_point("once", false) +
           refuse_at_every_point("for good", true);
}
