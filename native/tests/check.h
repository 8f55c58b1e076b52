/*
 * What the tests share: checks that say where and with which values they failed, and RUN, which
 * gives each test a process of its own. The pool is process-wide and never shrinks, so only a fresh
 * process lets a test say what the pool must look like afterwards. Included first: it asks the system
 * headers for more than C11.
 */
#ifndef TA_CHECK_H
#define TA_CHECK_H

#define _GNU_SOURCE

#include "tensorarena.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <process.h>
#else
#include <sys/wait.h>
#endif
#include <unistd.h>
#ifdef TA_VALGRIND
#include <valgrind/memcheck.h>
#endif

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static inline bool is_under_valgrind(void) {
    const char *preloaded = getenv("LD_PRELOAD");
    return preloaded != NULL && strstr(preloaded, "vgpreload") != NULL;
}

/*
 * Whether an emulator runs this program of another machine or system. What such a one says of pages and address space is
 * not what the kernel says, if it says anything.
 */
static inline bool is_emulated(void) {
    return getenv("TA_TEST_EMULATED") != NULL;
}

/* Sanitizers, valgrind and emulators own the address space: tests that ration or measure it skip. */
static inline bool checker_owns_memory(void) {
    return SANITIZED || is_under_valgrind() || is_emulated();
}

/* How often to do what is to be done many times: a hundredth under valgrind, which is as slow. */
static inline int times(int many) {
    return is_under_valgrind() ? many / 100 : many;
}

/* Printed with a failure when set: which seed or which step it was. */
static char check_note[160];

static inline void check_fail(const char *file, int line, const char *what) {
    printf("%s:%d: %s", file, line, what);
    if (check_note[0] != 0) {
        printf(" [%s]", check_note);
    }
    printf("\n");
    fflush(stdout);
    abort(); /* not exit: fuzzers keep what led here */
}

static inline void check_compare(const char *file, int line, const char *what, bool holds,
                                 uint64_t left, uint64_t right) {
    if (!holds) {
        char text[320];
        snprintf(text, sizeof text,
                 "%s: %" PRIu64 " (0x%" PRIx64 ") and %" PRIu64 " (0x%" PRIx64 ")", what, left,
                 left, right, right);
        check_fail(file, line, text);
    }
}

#define CHECK(condition)                                \
    do {                                                \
        if (!(condition)) {                             \
            check_fail(__FILE__, __LINE__, #condition); \
        }                                               \
    } while (0)
#define CHECK_COMPARE(left, op, right)                                                      \
    do {                                                                                    \
        uint64_t left_ = (uint64_t)(left), right_ = (uint64_t)(right);                      \
        check_compare(__FILE__, __LINE__, #left " " #op " " #right, left_ op right_, left_, \
                      right_);                                                              \
    } while (0)
#define CHECK_EQ(actual, expected) CHECK_COMPARE(actual, ==, expected)
#define CHECK_LE(actual, most) CHECK_COMPARE(actual, <=, most)
#define CHECK_GE(actual, least) CHECK_COMPARE(actual, >=, least)

static inline uint64_t address_of(const void *pointer) {
    return (uint64_t)(uintptr_t)pointer;
}

static inline ta_arena_info info_of(const ta_arena *arena) {
    ta_arena_info info;
    CHECK_EQ(ta_arena_stats(arena, &info, sizeof info), TA_OK);
    return info;
}

static inline ta_pool_info pool_info(void) {
    ta_pool_info info;
    CHECK_EQ(ta_pool_stats(&info, sizeof info), TA_OK);
    return info;
}

static inline ta_arena *open_with(const ta_options *options) {
    ta_arena *arena;
    CHECK_EQ(ta_arena_create(TA_ABI_VERSION, options, sizeof *options, &arena), TA_OK);
    CHECK(arena != NULL);
    return arena;
}

static inline ta_arena *open_arena(void) {
    ta_options options = {.memory_limit = TA_UNLIMITED};
    return open_with(&options);
}

static inline ta_arena *open_limited(uint64_t memory_limit) {
    ta_options options = {.memory_limit = memory_limit};
    return open_with(&options);
}

static inline void close_arena(ta_arena *arena) {
    CHECK_EQ(ta_arena_destroy(arena), TA_OK);
}

/* The chunk that an arena took last. */
static inline const ta_chunk *newest_of(const ta_arena *arena) {
    return (const ta_chunk *)(uintptr_t)arena->newest;
}

/* Whether the newest chunk was taken for this allocation alone. */
static inline bool is_large(const ta_arena *arena, const void *bytes) {
    return arena->newest != arena->chunk && newest_of(arena)->base == address_of(bytes);
}

/* An allocation that must succeed. */
static inline char *take(ta_arena *arena, uint64_t size, uint64_t align) {
    uint64_t cursor = arena->cursor, chunk = arena->chunk;
    char *bytes = ta_alloc(arena, size, align);
    CHECK(bytes != NULL);
    CHECK_EQ(address_of(bytes) % (align == 0 ? TA_DEFAULT_ALIGNMENT : align), 0);
    if (is_large(arena, bytes)) {
        CHECK_EQ(arena->cursor, cursor);
        CHECK_EQ(arena->chunk, chunk);
    } else {
        CHECK_EQ(arena->cursor, address_of(bytes) + size);
    }
    CHECK(arena->chunk == 0 || arena->cursor <= arena->limit);
    return bytes;
}

/* Contents that tell to whom a byte belongs, and where. */
static inline unsigned char pattern_at(uint64_t owner, uint64_t index) {
    return (unsigned char)((owner * 131 + index) * UINT64_C(0x9e3779b97f4a7c15) >> 56);
}

static inline void fill(void *bytes, uint64_t size, uint64_t owner) {
    for (uint64_t i = 0; i < size; i++) {
        ((unsigned char *)bytes)[i] = pattern_at(owner, i);
    }
}

static inline bool is_filled(const void *bytes, uint64_t size, uint64_t owner) {
    for (uint64_t i = 0; i < size; i++) {
        if (((const unsigned char *)bytes)[i] != pattern_at(owner, i)) {
            return false;
        }
    }
    return true;
}

/* The same for large blocks: at both ends, and a byte of each page between. */
static inline void mark_bytes(void *bytes, uint64_t size, uint64_t owner) {
    if (size <= 2048) {
        fill(bytes, size, owner);
        return;
    }
    unsigned char *at = bytes;
    for (uint64_t i = 0; i < size; i += i < 512 || i >= size - 512 ? 1 : 509) {
        at[i] = pattern_at(owner, i);
    }
}

static inline bool is_marked(const void *bytes, uint64_t size, uint64_t owner) {
    if (size <= 2048) {
        return is_filled(bytes, size, owner);
    }
    const unsigned char *at = bytes;
    for (uint64_t i = 0; i < size; i += i < 512 || i >= size - 512 ? 1 : 509) {
        if (at[i] != pattern_at(owner, i)) {
            return false;
        }
    }
    return true;
}

/* Reads bytes that are nobody's, behind the checkers' backs. */
__attribute__((noinline, no_sanitize("address"))) static void
peek(unsigned char *into, const void *from, uint64_t size) {
    const volatile unsigned char *bytes = from; /* volatile: no memcpy, which is watched */
#ifdef TA_VALGRIND
    VALGRIND_DISABLE_ERROR_REPORTING;
#endif
    for (uint64_t i = 0; i < size; i++) {
        into[i] = bytes[i];
    }
#ifdef TA_VALGRIND
    VALGRIND_ENABLE_ERROR_REPORTING;
    VALGRIND_MAKE_MEM_DEFINED(into, size);
#endif
}

/* Whether bytes, which may have ended, are all of this value. */
static inline bool bytes_are(const void *bytes, uint64_t size, unsigned char value) {
    unsigned char seen[4096];
    for (uint64_t done = 0; done < size; done += sizeof seen) {
        uint64_t run = size - done < sizeof seen ? size - done : sizeof seen;
        peek(seen, (const char *)bytes + done, run);
        for (uint64_t i = 0; i < run; i++) {
            if (seen[i] != value) {
                return false;
            }
        }
    }
    return true;
}

/* splitmix64: small, seeded, the same everywhere. */
static inline uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline uint64_t random_below(uint64_t *state, uint64_t bound) {
    return next_random(state) % bound;
}

/* What every test must leave behind: nothing that an arena or a pin still holds. */
static inline void check_pool_is_idle(void) {
    ta_pool_info info = pool_info();
    CHECK_EQ(info.in_use, 0);
    CHECK_EQ(info.in_use_chunks, 0);
    CHECK_EQ(info.pinned, 0);
    CHECK_EQ(info.pinned_chunks, 0);
    CHECK_LE(info.free, info.committed);
    CHECK_LE(info.committed, info.reserved);
    CHECK_EQ(info.arenas, 0);
    CHECK_EQ(info.stray_pins, 0); /* or something was released once too often */
}

static inline void check_test(void (*test)(void)) {
    test();
    check_pool_is_idle();
    fflush(stdout);
    exit(0); /* not _exit: leak checkers speak up here */
}

/* Ends the process if the test hangs; ctest does so later. */
static inline void give_up_after(unsigned seconds) {
#ifdef _WIN32
    (void)seconds;
#else
    alarm(seconds);
#endif
}

#define CHECK_CHILD_OF_OTHERS (-1)

/*
 * Runs a test in a process of its own and returns with what that ended: its exit status, or more than 255. `test` exits
 * by itself, or the status is 0. Where there is no fork, this program is started anew, and the environment names the
 * one test that it is to run; asked for any other, it returns CHECK_CHILD_OF_OTHERS.
 */
#ifdef _WIN32
static inline bool check_is_child(void) {
    const char *only = getenv("TA_TEST_ONLY");
    return only != NULL && only[0] != 0;
}

static inline int check_child(const char *name, void (*test)(void)) {
    if (!check_is_child()) {
        fflush(stdout);
        _putenv_s("TA_TEST_ONLY", name);
        int status = (int)_spawnl(_P_WAIT, _pgmptr, _pgmptr, NULL);
        _putenv_s("TA_TEST_ONLY", "");
        return status;
    }
    if (strcmp(getenv("TA_TEST_ONLY"), name) == 0) {
        check_test(test);
    }
    return CHECK_CHILD_OF_OTHERS;
}
#else
static inline bool check_is_child(void) {
    return false;
}

static inline int check_child(const char *name, void (*test)(void)) {
    (void)name;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        check_test(test);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        return 256;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + status;
}
#endif

static inline void check_run(const char *name, void (*test)(void), int *failures) {
    int status = check_child(name, test);
    if (status != 0 && status != CHECK_CHILD_OF_OTHERS) {
        printf("FAILED %s (status 0x%x)\n", name, (unsigned)status);
        ++*failures;
    }
}

#define RUN(test) check_run(#test, test, &failures)

#endif
