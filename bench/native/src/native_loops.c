/*
 * What C does, timed without the price of getting there: each function repeats an operation in C,
 * so that one JNI call is spread over all of it.
 */
#include <jni.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <tensorarena.h>

#define EXPORT(result, name) JNIEXPORT result JNICALL Java_dev_tensorarena_bench_NativeLoops_##name

/* The compiler must believe that the bytes behind the pointer are used. */
static inline void use(void *pointer) {
    __asm__ volatile("" : : "r"(pointer) : "memory");
}

EXPORT(void, mallocAndFree)(JNIEnv *env, jclass type, jlong size, jlong count) {
    (void)env, (void)type;
    for (jlong i = 0; i < count; i++) {
        void *block = malloc((size_t)size);
        use(block);
        free(block);
    }
}

EXPORT(void, copy)
(JNIEnv *env, jclass type, jlong from, jlong to, jlong size, jlong stride, jlong blocks,
 jlong rounds) {
    (void)env, (void)type;
    const void *source = (const void *)(intptr_t)from;
    char *first = (char *)(intptr_t)to;
    for (jlong round = 0; round < rounds; round++) {
        for (jlong block = 0; block < blocks; block++) {
            char *destination = first + block * stride;
            memcpy(destination, source, (size_t)size);
            use(destination);
        }
    }
}

EXPORT(void, incrementReadDecrement)(JNIEnv *env, jclass type, jlong element, jlong times) {
    (void)env, (void)type;
    static atomic_long count = 1;
    const volatile float *value = (const volatile float *)(intptr_t)element;
    for (jlong i = 0; i < times; i++) {
        atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
        (void)*value;
        atomic_fetch_sub_explicit(&count, 1, memory_order_acq_rel);
    }
}

/* Reads every byte once, as fast as a plain loop can: whole words, which the compiler vectorises. */
EXPORT(jlong, sum)(JNIEnv *env, jclass type, jlong address, jlong bytes) {
    (void)env, (void)type;
    const uint64_t *words = (const uint64_t *)(intptr_t)address;
    size_t count = (size_t)bytes / sizeof *words;
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += words[i];
    }
    return (jlong)sum;
}

/* ta_alloc as C programs have it, inlined, in an arena of its own; a rewind at the end. */
EXPORT(void, arenaAllocate)(JNIEnv *env, jclass type, jlong size, jlong count) {
    (void)env, (void)type;
    static ta_arena *arena;
    const ta_options options = {.capacity = 16 << 20, .memory_limit = TA_UNLIMITED};
    if (arena == NULL &&
        ta_arena_create(TA_ABI_VERSION, &options, sizeof options, &arena) != TA_OK) {
        abort();
    }
    ta_position mark;
    ta_mark(arena, &mark);
    for (jlong i = 0; i < count; i++) {
        use(ta_alloc(arena, (size_t)size, 64));
    }
    ta_rewind(arena, &mark);
}

/* The least that a bump allocator can do: two words in memory, no alignment, no arena. */
EXPORT(void, bump)(JNIEnv *env, jclass type, jlong start, jlong bytes, jlong size, jlong count) {
    (void)env, (void)type;
    /* Not on the stack, where some processors keep what was stored in a register. */
    static struct room {
        uint64_t cursor;
        uint64_t limit;
    } words;
    struct room *room = &words;
    __asm__ volatile("" : "+r"(room)); /* reached by a pointer, like an arena */
    *room = (struct room){(uint64_t)start, (uint64_t)(start + bytes)};
    for (jlong i = 0; i < count; i++) {
        uint64_t p = room->cursor;
        if ((uint64_t)size > room->limit - p) {
            return;
        }
        room->cursor = p + (uint64_t)size;
        use((void *)(uintptr_t)p);
    }
}

/* What JNA calls. */
JNIEXPORT int bench_length(const float *x, int n) {
    return x == NULL ? 0 : n;
}
