/*
 * The same two functions for every binding: one that does nothing, and one that allocates from an
 * arena. They are called by one thread.
 */
#include <jni.h>
#include <stddef.h>
#include <stdint.h>

#include "tensorarena.h"

#define EXPORT(result, name) JNIEXPORT result JNICALL Java_dev_tensorarena_bench_Bindings_##name

/* Allocations between two resets, as in the rows that allocate from Java. */
#define CYCLE 16

static ta_arena *arena;
static unsigned left;

JNIEXPORT void bench_nothing(void) {}

/* The address, 0 when the system refuses memory. */
JNIEXPORT int64_t bench_allocate(int64_t size) {
    if (left == 0) {
        ta_status status =
            arena == NULL ? ta_arena_create(TA_ABI_VERSION, NULL, 0, &arena) : ta_reset(arena);
        if (status != TA_OK) {
            return 0;
        }
        left = CYCLE;
    }
    left--;
    return (int64_t)(uintptr_t)ta_alloc(arena, (size_t)size, 0);
}

EXPORT(void, nothing)(JNIEnv *env, jclass type) {
    (void)env, (void)type;
    bench_nothing();
}

EXPORT(jlong, allocate)(JNIEnv *env, jclass type, jlong size) {
    (void)env, (void)type;
    return bench_allocate(size);
}
