/*
 * The binding that a JNI tutorial teaches: an allocation in C, and a NewDirectByteBuffer, for each
 * block. Kept to be compared with.
 */
#include <jni.h>
#include <stdint.h>
#include <stdlib.h>

#define EXPORT(result, name) JNIEXPORT result JNICALL Java_dev_tensorarena_bench_TextbookJni_##name

static jobject wrap(JNIEnv *env, void *block, jlong size) {
    if (block == NULL) {
        jclass error = (*env)->FindClass(env, "java/lang/OutOfMemoryError");
        if (error != NULL) {
            (*env)->ThrowNew(env, error, "malloc");
        }
        return NULL;
    }
    jobject buffer = (*env)->NewDirectByteBuffer(env, block, size);
    if (buffer == NULL) {
        free(block);
    }
    return buffer;
}

EXPORT(jobject, allocate)(JNIEnv *env, jclass type, jlong size) {
    (void)type;
    return wrap(env, malloc((size_t)size), size);
}

EXPORT(jobject, allocateZeroed)(JNIEnv *env, jclass type, jlong size) {
    (void)type;
    return wrap(env, calloc(1, (size_t)size), size);
}

EXPORT(void, free)(JNIEnv *env, jclass type, jobject buffer) {
    (void)type;
    free((*env)->GetDirectBufferAddress(env, buffer));
}
