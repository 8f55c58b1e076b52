/* Systems that grant little: less address space, less data, locked pages. */
#include "check.h"

#include "os.h"

#include <sys/mman.h>
#include <sys/resource.h>

/* The value in bytes of a line of /proc/self/status. */
static uint64_t status_of(const char *key) {
    char line[256];
    uint64_t kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    CHECK(status != NULL);
    while (fgets(line, sizeof line, status) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0) {
            kib = strtoull(line + strlen(key), NULL, 10);
        }
    }
    fclose(status);
    return kib * KIB;
}

static void allow(int resource, uint64_t bytes) {
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
    CHECK_EQ(getrlimit(resource, &limit), 0);
    limit.rlim_cur = bytes;
    CHECK_EQ(setrlimit(resource, &limit), 0);
}

static void slabs_are_halved_until_the_system_agrees(void) {
    allow(RLIMIT_AS, status_of("VmSize:") + 300 * MIB);
    ta_arena *arena = open_arena();
    fill(take(arena, 100000, 64), 100000, 1);
    CHECK_LE(pool_info().reserved, 300 * MIB);
    CHECK_GE(pool_info().reserved, 100 * MIB);
    ta_arena before = *arena;
    CHECK(ta_alloc(arena, 400 * MIB, 64) == NULL);
    CHECK_EQ(ta_arena_reserve(arena, 400 * MIB, 64), TA_ERR_NO_MEMORY);
    CHECK(memcmp(&before, arena, sizeof before) == 0);
    fill(take(arena, 50 * MIB, 64), 50 * MIB, 2);
    close_arena(arena);
}

static void many_small_slabs_serve_when_no_large_one_is_granted(void) {
    allow(RLIMIT_AS, status_of("VmSize:") + 100 * MIB);
    ta_arena *arena = open_arena();
    uint64_t got = 0;
    while (ta_alloc(arena, 60000, 1) != NULL) {
        got += 60000;
    }
    CHECK_EQ(ta_arena_reserve(arena, 60000, 1), TA_ERR_NO_MEMORY);
    CHECK_GE(got, 80 * MIB); /* most of what there is */
    CHECK_EQ(ta_reset(arena), TA_OK);
    take(arena, 60000, 1);
    close_arena(arena);
}

static void only_what_is_used_counts_as_data(void) {
    allow(RLIMIT_DATA, status_of("VmData:") + 16 * MIB);
    ta_arena *arena = open_arena(); /* the slab of 1 GiB is no data */
    fill(take(arena, MIB, 64), MIB, 1);
    CHECK_GE(pool_info().reserved, GIB);
    CHECK(ta_alloc(arena, 64 * MIB, 64) == NULL);
    CHECK_EQ(ta_arena_reserve(arena, 64 * MIB, 64), TA_ERR_NO_MEMORY);
    fill(take(arena, 2 * MIB, 64), 2 * MIB, 1);
    close_arena(arena);
    allow(RLIMIT_DATA, RLIM_INFINITY);
    arena = open_arena();
    take(arena, 64 * MIB, 64);
    close_arena(arena);
}

static void locked_pages_stay_and_do_no_harm(void) {
    if (mlockall(MCL_FUTURE) != 0) {
        printf("skipped: locking is not allowed here\n");
        return;
    }
    uint64_t before = status_of("VmRSS:");
    ta_arena *arena = open_arena();
    char *bytes = take(arena, 100000, 64);
    fill(bytes, 100000, 1);
    CHECK_LE(status_of("VmRSS:") - before, 8 * MIB); /* not the whole slab */
    close_arena(arena);
    ta_pool_trim();
    fill(bytes, 100000, 2);
    CHECK(is_filled(bytes, 100000, 2));
    arena = open_arena();
    take(arena, 100000, 64);
    close_arena(arena);
}

static void a_reservation_keeps_only_what_it_was_asked_for(void) {
    uint64_t before = status_of("VmSize:");
    for (int i = 0; i < 4; i++) {
        void *start = os_reserve(64 * KIB, GIB);
        CHECK(start != NULL);
        CHECK_EQ(address_of(start) % GIB, 0);
    }
    CHECK_LE(status_of("VmSize:") - before, MIB);
}

int main(void) {
    if (checker_owns_memory()) {
        printf("skipped: the address space belongs to the checker\n");
        return 0;
    }
    int failures = 0;
    RUN(a_reservation_keeps_only_what_it_was_asked_for);
    RUN(slabs_are_halved_until_the_system_agrees);
    RUN(many_small_slabs_serve_when_no_large_one_is_granted);
    RUN(only_what_is_used_counts_as_data);
    RUN(locked_pages_stay_and_do_no_harm);
    return failures != 0;
}
