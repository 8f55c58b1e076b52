/*
 * The methods of dev.tensorarena.NativeArena. Primitives in, primitives out: addresses are longs,
 * failures are statuses that Java turns into exceptions. The one object made here is the root
 * buffer of a slab, once in its life.
 */
#include "arena_private.h"
#include "os.h"
#include "slab.h"

#include <jni.h>
#include <string.h>

#define UNUSED(x) ((void)(x))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static ta_arena *arena_at(jlong address) {
    return (ta_arena *)(uintptr_t)address;
}

static void *bytes_at(jlong address) {
    return (void *)(uintptr_t)address;
}

static jlong address_of(const void *pointer) {
    return (jlong)(uintptr_t)pointer;
}

static jint abi_version(JNIEnv *env, jclass type) {
    UNUSED(env), UNUSED(type);
    return (jint)ta_abi_version();
}

/* The address of the control block, or the status, negated. */
static jlong open_arena(JNIEnv *env, jclass type, jlong capacity, jlong limit, jint flags) {
    UNUSED(env), UNUSED(type);
    ta_options options = {
        .capacity = (uint64_t)capacity, .memory_limit = (uint64_t)limit, .flags = (uint32_t)flags};
    ta_arena *control;
    ta_status status = ta_arena_create(TA_ABI_VERSION, &options, sizeof options, &control);
    if (status != TA_OK) {
        return -(jlong)status;
    }
    /* Here rather than in Java, whose clock costs as much as four JNI calls. */
    arena *opened = (arena *)(uintptr_t)control;
    opened->opened_millis = os_coarse_millis();
    opened->openings++; /* a new record is zero, and a recycled one keeps all but its first word */
    return address_of(control);
}

static jint reserve(JNIEnv *env, jclass type, jlong arena, jlong size, jlong align) {
    UNUSED(env), UNUSED(type);
    return ta_arena_reserve(arena_at(arena), (uint64_t)size, (uint64_t)align);
}

static jint check(JNIEnv *env, jclass type, jlong arena, jlong size, jlong align) {
    UNUSED(env), UNUSED(type);
    return ta_arena_check(arena_at(arena), (uint64_t)size, (uint64_t)align);
}

static jint rewind_to(JNIEnv *env, jclass type, jlong arena, jlong chunk, jlong cursor,
                      jlong charged, jlong wasted) {
    UNUSED(env), UNUSED(type);
    ta_position mark = {.chunk = (uint64_t)chunk,
                        .cursor = (uint64_t)cursor,
                        .charged = charged,
                        .wasted = (uint64_t)wasted};
    return ta_rewind(arena_at(arena), &mark);
}

static jint reset(JNIEnv *env, jclass type, jlong arena) {
    UNUSED(env), UNUSED(type);
    return ta_reset(arena_at(arena));
}

static jint close_arena(JNIEnv *env, jclass type, jlong arena) {
    UNUSED(env), UNUSED(type);
    return ta_arena_destroy(arena_at(arena));
}

static jlong pin(JNIEnv *env, jclass type, jlong arena, jlong address, jlong size) {
    UNUSED(env), UNUSED(type);
    return address_of(ta_pin(arena_at(arena), bytes_at(address), (uint64_t)size));
}

static jlong chunk_of(JNIEnv *env, jclass type, jlong arena, jlong address, jlong size) {
    UNUSED(env), UNUSED(type);
    return address_of(arena_chunk_of(arena_at(arena), (uint64_t)address, (uint64_t)size));
}

static void release_chunk(JNIEnv *env, jclass type, jlong chunk) {
    UNUSED(env), UNUSED(type);
    ta_chunk_release(bytes_at(chunk));
}

/* The word of ta_arena_info with this number. */
static jlong arena_stat(JNIEnv *env, jclass type, jlong arena, jint word) {
    UNUSED(env), UNUSED(type);
    ta_arena_info info;
    uint64_t words[sizeof info / sizeof(uint64_t)] = {0};
    if (ta_arena_stats(arena_at(arena), &info, sizeof info) == TA_OK) {
        memcpy(words, &info, sizeof info);
    }
    return word >= 0 && (size_t)word < COUNT(words) ? (jlong)words[word] : -1;
}

/* Java takes a snapshot and reads it word by word, one thread at a time. */
static uint64_t pool_snapshot[sizeof(ta_pool_info) / sizeof(uint64_t)];

static void snapshot_pool(JNIEnv *env, jclass type) {
    UNUSED(env), UNUSED(type);
    ta_pool_info info;
    ta_pool_stats(&info, sizeof info);
    memcpy(pool_snapshot, &info, sizeof info);
}

static jlong pool_stat(JNIEnv *env, jclass type, jint word) {
    UNUSED(env), UNUSED(type);
    return word >= 0 && (size_t)word < COUNT(pool_snapshot) ? (jlong)pool_snapshot[word] : -1;
}

static jlong trim_pool(JNIEnv *env, jclass type) {
    UNUSED(env), UNUSED(type);
    return (jlong)ta_pool_trim();
}

static void set_pool_memory_limit(JNIEnv *env, jclass type, jlong bytes) {
    UNUSED(env), UNUSED(type);
    ta_pool_set_memory_limit((uint64_t)bytes);
}

static void set_pool_retained_limit(JNIEnv *env, jclass type, jlong bytes) {
    UNUSED(env), UNUSED(type);
    ta_pool_set_retained_limit((uint64_t)bytes);
}

static void set_quarantine(JNIEnv *env, jclass type, jlong bytes) {
    UNUSED(env), UNUSED(type);
    ta_pool_set_quarantine((uint64_t)bytes);
}

static jlong slab_at(JNIEnv *env, jclass type, jlong address) {
    UNUSED(env), UNUSED(type);
    return address_of(slab_holding((uint64_t)address));
}

static jlong slab_bytes(JNIEnv *env, jclass type, jlong slab) {
    UNUSED(env), UNUSED(type);
    return (jlong)((const ta_slab *)bytes_at(slab))->size;
}

static jobject view(JNIEnv *env, jclass type, jlong address, jlong bytes) {
    UNUSED(type);
    return (*env)->NewDirectByteBuffer(env, bytes_at(address), bytes);
}

static jlong buffer_address(JNIEnv *env, jclass type, jobject buffer) {
    UNUSED(type);
    return address_of((*env)->GetDirectBufferAddress(env, buffer));
}

static void move(JNIEnv *env, jclass type, jlong from, jlong to, jlong bytes) {
    UNUSED(env), UNUSED(type);
    memmove(bytes_at(to), bytes_at(from), (size_t)bytes);
}

static const JNINativeMethod methods[] = {
    {"abiVersion", "()I", (void *)abi_version},
    {"open", "(JJI)J", (void *)open_arena},
    {"reserve", "(JJJ)I", (void *)reserve},
    {"check", "(JJJ)I", (void *)check},
    {"rewind", "(JJJJJ)I", (void *)rewind_to},
    {"reset", "(J)I", (void *)reset},
    {"close", "(J)I", (void *)close_arena},
    {"pin", "(JJJ)J", (void *)pin},
    {"chunkOf", "(JJJ)J", (void *)chunk_of},
    {"releaseChunk", "(J)V", (void *)release_chunk},
    {"arenaStat", "(JI)J", (void *)arena_stat},
    {"snapshotPool", "()V", (void *)snapshot_pool},
    {"poolStat", "(I)J", (void *)pool_stat},
    {"trimPool", "()J", (void *)trim_pool},
    {"setPoolMemoryLimit", "(J)V", (void *)set_pool_memory_limit},
    {"setPoolRetainedLimit", "(J)V", (void *)set_pool_retained_limit},
    {"setQuarantine", "(J)V", (void *)set_quarantine},
    {"slabAt", "(J)J", (void *)slab_at},
    {"slabBytes", "(J)J", (void *)slab_bytes},
    {"view", "(JJ)Ljava/nio/ByteBuffer;", (void *)view},
    {"bufferAddress", "(Ljava/nio/ByteBuffer;)J", (void *)buffer_address},
    {"move", "(JJJ)V", (void *)move},
};

JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM *vm, void *reserved) {
    UNUSED(reserved);
    JNIEnv *env;
    if ((*vm)->GetEnv(vm, (void **)&env, JNI_VERSION_10) != JNI_OK) {
        return JNI_ERR;
    }
    jclass type = (*env)->FindClass(env, "dev/tensorarena/NativeArena");
    if (type == NULL || (*env)->RegisterNatives(env, type, methods, COUNT(methods)) != JNI_OK) {
        return JNI_ERR;
    }
    (*env)->DeleteLocalRef(env, type);
    return JNI_VERSION_10;
}
