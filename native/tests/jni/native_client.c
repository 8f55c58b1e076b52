/*
 * Native code of somebody's application, for the Java tests: linked against libtensorarena like any
 * program, and given the arena of an ExecutionContext over JNI, or the bytes of a tensor by JNA.
 */
#include <dlfcn.h>
#include <jni.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <tensorarena.h>

#define EXPORT(result, name) JNIEXPORT result JNICALL Java_dev_tensorarena_NativeClient_##name
#define UNUSED(x) ((void)(x))

static ta_arena *arena_at(jlong handle) {
    return (ta_arena *)(intptr_t)handle;
}

/* Has the cursor go on where there is room for so much. */
EXPORT(jint, reserve)(JNIEnv *env, jclass type, jlong arena, jlong bytes) {
    UNUSED(env), UNUSED(type);
    return ta_arena_reserve(arena_at(arena), (uint64_t)bytes, 0);
}

/* A vector of int32: first, first + 1, ... Its address, 0 if the arena refused it. */
EXPORT(jlong, counting)(JNIEnv *env, jclass type, jlong arena, jint first, jlong length) {
    UNUSED(env), UNUSED(type);
    int32_t *values = ta_alloc(arena_at(arena), (size_t)length * sizeof *values, 0);
    if (values == NULL) {
        return 0;
    }
    for (jlong i = 0; i < length; i++) {
        values[i] = first + (int32_t)i;
    }
    return (jlong)(intptr_t)values;
}

/*
 * A matrix of float64, element (i, j) = 100 i + j, described as a function of an application would:
 * address, ordinal of the DType, extents.
 */
EXPORT(jlongArray, matrix)(JNIEnv *env, jclass type, jlong arena, jlong rows, jlong columns) {
    UNUSED(type);
    double *values = ta_alloc(arena_at(arena), (size_t)(rows * columns) * sizeof *values, 0);
    if (values == NULL) {
        return NULL;
    }
    for (jlong i = 0; i < rows; i++) {
        for (jlong j = 0; j < columns; j++) {
            values[i * columns + j] = 100.0 * (double)i + (double)j;
        }
    }
    enum { FLOAT64 = 1 };
    const jlong description[] = {(jlong)(intptr_t)values, FLOAT64, rows, columns};
    jlongArray result = (*env)->NewLongArray(env, 4);
    if (result != NULL) {
        (*env)->SetLongArrayRegion(env, result, 0, 4, description);
    }
    return result;
}

/* Takes so many bytes, writes them and rewinds to before them; the status of the rewind. */
EXPORT(jint, markAndRewind)(JNIEnv *env, jclass type, jlong arena, jlong bytes) {
    UNUSED(env), UNUSED(type);
    ta_position mark;
    ta_mark(arena_at(arena), &mark);
    char *room = ta_alloc(arena_at(arena), (size_t)bytes, 1);
    for (jlong i = 0; room != NULL && i < bytes; i++) {
        room[i] = 77;
    }
    return ta_rewind(arena_at(arena), &mark);
}

/* Another copy of the library, given by its file. */
static void *copy_of(JNIEnv *env, jstring file, int mode) {
    const char *path = (*env)->GetStringUTFChars(env, file, NULL);
    void *copy = dlopen(path, RTLD_NOW | mode);
    (*env)->ReleaseStringUTFChars(env, file, path);
    return copy;
}

/* What such a copy says to an arena of this one. */
EXPORT(jint, reserveInCopy)(JNIEnv *env, jclass type, jstring file, jlong arena) {
    UNUSED(type);
    void *copy = copy_of(env, file, RTLD_LOCAL);
    union {
        void *object;
        ta_status (*function)(ta_arena *, uint64_t, uint64_t);
    } reserve = {copy == NULL ? NULL : dlsym(copy, "ta_arena_reserve")};
    if (reserve.object == NULL || reserve.function == ta_arena_reserve) {
        return -1;
    }
    return reserve.function(arena_at(arena), 1 << 20, 0);
}

typedef void pin_function(ta_chunk *);

/* A C thread that holds a tensor's chunk. */
typedef struct {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t opened;
    bool may_read;
    pin_function *retain; /* of the library that has the chunk */
    pin_function *release;
    ta_chunk *chunk;
    const int32_t *values;
    jlong length;
    jlong sum;
} reader;

static void *read_and_release(void *argument) {
    reader *r = argument;
    pthread_mutex_lock(&r->lock);
    while (!r->may_read) {
        pthread_cond_wait(&r->opened, &r->lock);
    }
    pthread_mutex_unlock(&r->lock);
    r->retain(r->chunk); /* as it would for a second thread */
    r->release(r->chunk);
    for (jlong i = 0; i < r->length; i++) {
        r->sum += r->values[i];
    }
    r->release(r->chunk);
    return NULL;
}

/* Starts a thread that will sum the values up and give the pin back; 0 without memory. */
static jlong reader_of(ta_chunk *chunk, const int32_t *values, jlong length, pin_function *retain,
                       pin_function *release) {
    reader *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return 0;
    }
    r->retain = retain;
    r->release = release;
    r->chunk = chunk;
    r->values = values;
    r->length = length;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->opened, NULL);
    if (pthread_create(&r->thread, NULL, read_and_release, r) != 0) {
        abort();
    }
    return (jlong)(intptr_t)r;
}

/* Pins int32 values for such a thread; 0 if they are not the arena's. */
EXPORT(jlong, retain)(JNIEnv *env, jclass type, jlong arena, jlong address, jlong length) {
    UNUSED(env), UNUSED(type);
    const int32_t *values = (const int32_t *)(intptr_t)address;
    ta_chunk *chunk = ta_pin(arena_at(arena), values, (uint64_t)length * sizeof *values);
    return chunk == NULL ? 0 : reader_of(chunk, values, length, ta_chunk_retain, ta_chunk_release);
}

static jlong reader_retaining(jlong handle, jlong address, jlong length, pin_function *retain,
                              pin_function *release) {
    ta_chunk *chunk = (ta_chunk *)(intptr_t)handle;
    retain(chunk);
    return reader_of(chunk, (const int32_t *)(intptr_t)address, length, retain, release);
}

/* The same for a chunk that Java pins, by a pin of native code's own. */
EXPORT(jlong, retainChunk)(JNIEnv *env, jclass type, jlong chunk, jlong address, jlong length) {
    UNUSED(env), UNUSED(type);
    return reader_retaining(chunk, address, length, ta_chunk_retain, ta_chunk_release);
}

static pin_function *pin_function_of(void *library, const char *name) {
    union {
        void *object;
        pin_function *function;
    } found = {dlsym(library, name)};
    return found.function;
}

/* The same for a chunk of another copy, which is loaded, and not kept loaded by this; 0 if it is not. */
EXPORT(jlong, retainChunkInCopy)
(JNIEnv *env, jclass type, jstring file, jlong chunk, jlong address, jlong length) {
    UNUSED(type);
    void *copy = copy_of(env, file, RTLD_NOLOAD);
    if (copy == NULL) {
        return 0;
    }
    jlong reader =
        reader_retaining(chunk, address, length, pin_function_of(copy, "ta_chunk_retain"),
                         pin_function_of(copy, "ta_chunk_release"));
    dlclose(copy);
    return reader;
}

/* Lets the reader read and release; the sum. On any thread, once. */
EXPORT(jlong, sumAndRelease)(JNIEnv *env, jclass type, jlong handle) {
    UNUSED(env), UNUSED(type);
    reader *r = (reader *)(intptr_t)handle;
    pthread_mutex_lock(&r->lock);
    r->may_read = true;
    pthread_cond_signal(&r->opened);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    jlong sum = r->sum;
    pthread_cond_destroy(&r->opened);
    pthread_mutex_destroy(&r->lock);
    free(r);
    return sum;
}

/* ---- for JNA: functions that know nothing of arenas ------------------------------------------ */

JNIEXPORT double client_sum(const float *x, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
        sum += x[i];
    }
    return sum;
}

JNIEXPORT double client_dot(const float *x, const float *y, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
        sum += x[i] * y[i];
    }
    return sum;
}

JNIEXPORT void client_scale(float *x, int n, float by) {
    for (int i = 0; i < n; i++) {
        x[i] *= by;
    }
}

/* The sum after the callback. */
JNIEXPORT double client_call_back_and_sum(const float *x, int n, void (*callback)(void)) {
    callback();
    return client_sum(x, n);
}
