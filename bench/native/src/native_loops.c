/*
 * What C does, timed without the price of getting there: each function repeats an operation in C,
 * so that one JNI call is spread over all of it.
 */
#include <jni.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

EXPORT(void, incrementAndDecrement)(JNIEnv *env, jclass type, jlong times) {
    (void)env, (void)type;
    static atomic_long count = 1;
    for (jlong i = 0; i < times; i++) {
        atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
        atomic_fetch_sub_explicit(&count, 1, memory_order_acq_rel);
    }
}
