/*
 * What C does, timed without the price of getting there: each function repeats an operation in C,
 * so that one JNI call is spread over all of it. Only `nothing` is that price.
 */
#include <jni.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT(result, name) JNIEXPORT result JNICALL Java_dev_tensorarena_bench_NativeLoops_##name

/* The compiler must believe that the bytes behind the pointer are used. */
static inline void use(void *pointer) {
    __asm__ volatile("" : : "r"(pointer) : "memory");
}

/* For bindings that do without JNI. */
JNIEXPORT void bench_nothing(void) {
}

EXPORT(void, nothing)(JNIEnv *env, jclass type) {
    (void)env, (void)type;
}

EXPORT(void, mallocAndFree)(JNIEnv *env, jclass type, jlong size, jlong count) {
    (void)env, (void)type;
    for (jlong i = 0; i < count; i++) {
        void *block = malloc((size_t)size);
        use(block);
        free(block);
    }
}

EXPORT(void, copy)(JNIEnv *env, jclass type, jlong from, jlong to, jlong size, jlong stride,
                   jlong blocks, jlong rounds) {
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
