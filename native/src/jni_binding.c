/*
 * The methods of dev.tensorarena.NativeArena. They take and return primitives, and `function` a name:
 * addresses are longs, failures are statuses that Java turns into exceptions. Statistics fill an array
 * of the caller's; the only objects made here are the direct buffers of `view`. What they `keep` is used for nothing
 * here: while the call runs, an argument cannot become unreachable, nor can what it refers to.
 */
#include "arena_private.h"
#include "chunk_pins.h"
#include "chunk_pool.h"
#include "os.h"
#include "tensorarena_dlpack.h"

#include <assert.h>
#include <jni.h>
#include <stddef.h>
#include <string.h>

/* Words behind the control block that ControlBlock.java reads. */
_Static_assert(offsetof(arena, reserved) == 8 * 16, "ControlBlock.RESERVED");
_Static_assert(offsetof(arena, chunks) == 8 * 17, "ControlBlock.CHUNKS");
_Static_assert(offsetof(arena, refills) == 8 * 18, "ControlBlock.REFILLS");

#define UNUSED(x) ((void)(x))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The library for Java's tests, which is built with assertions, looks whether it is given. */
static void keep(jobject owner) {
    assert(owner != NULL);
    UNUSED(owner);
}

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

static jlong coarse_millis(JNIEnv *env, jclass type) {
    UNUSED(env), UNUSED(type);
    return (jlong)os_coarse_millis();
}

/* The address of the control block, or the status, negated. An alignment of 0 takes no chunk. */
static jlong open_arena(JNIEnv *env, jclass type, jobject owner, jlong opened, jlong capacity,
                        jlong limit, jint flags, jlong budget, jlong size, jlong align) {
    UNUSED(env), UNUSED(type), keep(owner);
    ta_options options = {.capacity = (uint64_t)capacity,
                          .memory_limit = (uint64_t)limit,
                          .flags = (uint32_t)flags,
                          .budget = bytes_at(budget)};
    ta_arena *control;
    ta_status status =
        arena_open(&options, (uint64_t)opened, (uint64_t)size, (uint64_t)align, &control);
    if (status != TA_OK) {
        return -(jlong)status;
    }
    arena_of(control)->flags |= ARENA_JAVA_ONLY;
    return address_of(control);
}

/* The address, or the status, negated. */
static jlong allocate(JNIEnv *env, jclass type, jobject owner, jlong arena, jlong size,
                      jlong align) {
    UNUSED(env), UNUSED(type), keep(owner);
    uint64_t start = 0;
    ta_status status = arena_allocate(arena_at(arena), (uint64_t)size, (uint64_t)align, &start);
    return status == TA_OK ? (jlong)start : -(jlong)status;
}

static jint check(JNIEnv *env, jclass type, jobject owner, jlong arena, jlong size, jlong align) {
    UNUSED(env), UNUSED(type), keep(owner);
    return ta_arena_check(arena_at(arena), (uint64_t)size, (uint64_t)align);
}

static jint rewind_to(JNIEnv *env, jclass type, jobject owner, jlong arena, jlong newest,
                      jlong cursor, jlong charged, jlong wasted) {
    UNUSED(env), UNUSED(type), keep(owner);
    ta_position mark = {.newest = (uint64_t)newest,
                        .cursor = (uint64_t)cursor,
                        .charged = charged,
                        .wasted = (uint64_t)wasted};
    return ta_rewind(arena_at(arena), &mark);
}

static jint reset(JNIEnv *env, jclass type, jobject owner, jlong arena, jint cycles, jlong peak) {
    UNUSED(env), UNUSED(type), keep(owner);
    return arena_reset(arena_at(arena), (uint32_t)cycles, (uint64_t)peak);
}

static jint charge(JNIEnv *env, jclass type, jobject owner, jlong arena, jlong bytes) {
    UNUSED(env), UNUSED(type), keep(owner);
    return arena_charge(arena_at(arena), (uint64_t)bytes);
}

static jint adopt(JNIEnv *env, jclass type, jobject owner, jlong arena, jobject child_owner,
                  jlong child) {
    UNUSED(env), UNUSED(type), keep(owner), keep(child_owner);
    return arena_adopt(arena_at(arena), arena_at(child));
}

static jint close_arena(JNIEnv *env, jclass type, jobject owner, jlong arena) {
    UNUSED(env), UNUSED(type), keep(owner);
    return ta_arena_destroy(arena_at(arena));
}

static jint abandon(JNIEnv *env, jclass type, jlong arena) {
    UNUSED(env), UNUSED(type);
    return arena_abandon(arena_at(arena));
}

static void expose(JNIEnv *env, jclass type, jobject owner, jlong arena) {
    UNUSED(env), UNUSED(type), keep(owner);
    arena_of(arena_at(arena))->flags &= ~ARENA_JAVA_ONLY;
}

static jlong pin(JNIEnv *env, jclass type, jobject owner, jlong arena, jlong address, jlong size) {
    UNUSED(env), UNUSED(type), keep(owner);
    return address_of(chunk_pin(arena_at(arena), (uint64_t)address, (uint64_t)size));
}

static jlong chunk_of(JNIEnv *env, jclass type, jobject owner, jlong arena, jlong address,
                      jlong size) {
    UNUSED(env), UNUSED(type), keep(owner);
    return address_of(chunk_handing_out(arena_at(arena), (uint64_t)address, (uint64_t)size));
}

static jboolean is_since(JNIEnv *env, jclass type, jobject owner, jlong arena, jlong chunk,
                         jlong newest) {
    UNUSED(env), UNUSED(type), keep(owner);
    return chain_has_since(arena_of(arena_at(arena)), bytes_at(chunk), bytes_at(newest));
}

static jboolean is_adopted(JNIEnv *env, jclass type, jobject owner, jlong chunk) {
    UNUSED(env), UNUSED(type), keep(owner);
    return ((const descriptor *)bytes_at(chunk))->adopted;
}

static void expose_chunk(JNIEnv *env, jclass type, jobject holder, jlong chunk) {
    UNUSED(env), UNUSED(type), keep(holder);
    pool_note_exposed(bytes_at(chunk));
}

static jboolean is_exposed(JNIEnv *env, jclass type, jlong chunk) {
    UNUSED(env), UNUSED(type);
    return pool_is_exposed(bytes_at(chunk));
}

static void retain_chunk(JNIEnv *env, jclass type, jobject owner, jlong chunk) {
    UNUSED(env), UNUSED(type), keep(owner);
    chunk_retain(bytes_at(chunk));
}

static void release_chunk(JNIEnv *env, jclass type, jlong chunk) {
    UNUSED(env), UNUSED(type);
    chunk_release(bytes_at(chunk));
}

/* Statistics are structs of 64-bit words, which an array of longs takes as they are. */
static void fill(JNIEnv *env, jlongArray words, const void *info, size_t info_size) {
    (*env)->SetLongArrayRegion(env, words, 0, (jsize)(info_size / sizeof(jlong)), info);
}

static jint arena_stats(JNIEnv *env, jclass type, jobject owner, jlong arena, jlongArray words) {
    UNUSED(type), keep(owner);
    ta_arena_info info;
    ta_status status = ta_arena_stats(arena_at(arena), &info, sizeof info);
    if (status == TA_OK) {
        fill(env, words, &info, sizeof info);
    }
    return status;
}

static void pool_stats(JNIEnv *env, jclass type, jlongArray words) {
    UNUSED(type);
    ta_pool_info info;
    ta_pool_stats(&info, sizeof info); /* cannot fail with these */
    fill(env, words, &info, sizeof info);
}

static jlong trim_pool(JNIEnv *env, jclass type) {
    UNUSED(env), UNUSED(type);
    return (jlong)ta_pool_trim();
}

static jlong chunk_bytes_for(JNIEnv *env, jclass type, jlong bytes) {
    UNUSED(env), UNUSED(type);
    return (jlong)pool_chunk_bytes((uint64_t)bytes);
}

static jlong physical_memory(JNIEnv *env, jclass type) {
    UNUSED(env), UNUSED(type);
    return (jlong)os_physical_memory();
}

static void set_pool_memory_limit(JNIEnv *env, jclass type, jlong bytes) {
    UNUSED(env), UNUSED(type);
    ta_pool_set_memory_limit((uint64_t)bytes);
}

static void set_pool_retained_limit(JNIEnv *env, jclass type, jlong bytes) {
    UNUSED(env), UNUSED(type);
    ta_pool_set_retained_limit((uint64_t)bytes);
}

static jint set_quarantine(JNIEnv *env, jclass type, jlong bytes) {
    UNUSED(env), UNUSED(type);
    return ta_pool_set_quarantine((uint64_t)bytes);
}

/* The address of the budget, or the status, negated. */
static jlong open_budget(JNIEnv *env, jclass type, jlong parent, jlong limit) {
    UNUSED(env), UNUSED(type);
    ta_budget *budget;
    ta_status status = ta_budget_create(bytes_at(parent), (uint64_t)limit, &budget);
    return status == TA_OK ? address_of(budget) : -(jlong)status;
}

/* Likewise, of a reservation; of TA_ERR_BUDGET the depth, too. */
static jlong reserve(JNIEnv *env, jclass type, jlong budget, jlong bytes) {
    UNUSED(env), UNUSED(type);
    ta_budget *reservation;
    ta_status status = budget_reserve(bytes_at(budget), (uint64_t)bytes, &reservation);
    return status == TA_OK ? address_of(reservation) : -(jlong)status;
}

static jint close_budget(JNIEnv *env, jclass type, jlong budget) {
    UNUSED(env), UNUSED(type);
    return ta_budget_close(bytes_at(budget));
}

static jint set_budget_limit(JNIEnv *env, jclass type, jlong budget, jlong bytes) {
    UNUSED(env), UNUSED(type);
    return ta_budget_set_limit(bytes_at(budget), (uint64_t)bytes);
}

static jint budget_stats(JNIEnv *env, jclass type, jlong budget, jlongArray words) {
    UNUSED(type);
    ta_budget_info info;
    ta_status status = ta_budget_stats(bytes_at(budget), &info, sizeof info);
    if (status == TA_OK) {
        fill(env, words, &info, sizeof info);
    }
    return status;
}

static jlong budget_pinned(JNIEnv *env, jclass type, jlong budget) {
    UNUSED(env), UNUSED(type);
    return (jlong)ta_budget_pinned(bytes_at(budget));
}

static jlong own_chunk_bytes(JNIEnv *env, jclass type, jlong arena) {
    UNUSED(env), UNUSED(type);
    return (jlong)arena_own(arena_at(arena));
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

static void move(JNIEnv *env, jclass type, jobject source, jlong from, jobject target, jlong to,
                 jlong bytes) {
    UNUSED(env), UNUSED(type), keep(source), keep(target);
    memmove(bytes_at(to), bytes_at(from), (size_t)bytes);
}

#define FUNCTION(name) \
    { #name, (void *)name }

/* All of exports.txt, which a test compares. By itself each is this copy's: -Bsymbolic-functions. */
static const struct {
    char name[28];
    void *address;
} functions[] = {
    FUNCTION(ta_abi_version),
    FUNCTION(ta_adopt),
    FUNCTION(ta_arena_alloc),
    FUNCTION(ta_arena_check),
    FUNCTION(ta_arena_create),
    FUNCTION(ta_arena_destroy),
    FUNCTION(ta_arena_reserve),
    FUNCTION(ta_arena_set_limit),
    FUNCTION(ta_arena_stats),
    FUNCTION(ta_budget_close),
    FUNCTION(ta_budget_create),
    FUNCTION(ta_budget_pinned),
    FUNCTION(ta_budget_reserve),
    FUNCTION(ta_budget_set_limit),
    FUNCTION(ta_budget_stats),
    FUNCTION(ta_chunk_release),
    FUNCTION(ta_chunk_retain),
    FUNCTION(ta_dlpack_make),
    FUNCTION(ta_dlpack_make_versioned),
    FUNCTION(ta_mark),
    FUNCTION(ta_pin),
    FUNCTION(ta_pool_set_memory_limit),
    FUNCTION(ta_pool_set_quarantine),
    FUNCTION(ta_pool_set_retained_limit),
    FUNCTION(ta_pool_stats),
    FUNCTION(ta_pool_trim),
    FUNCTION(ta_reset),
    FUNCTION(ta_rewind),
};

/* The address of an exported function; 0 if none is called so. */
static jlong function(JNIEnv *env, jclass type, jstring name) {
    UNUSED(type);
    char asked[sizeof functions[0].name] = {0};
    if ((size_t)(*env)->GetStringUTFLength(env, name) >= sizeof asked) {
        return 0;
    }
    (*env)->GetStringUTFRegion(env, name, 0, (*env)->GetStringLength(env, name), asked);
    for (size_t i = 0; i < COUNT(functions); i++) {
        if (memcmp(functions[i].name, asked, sizeof asked) == 0) {
            return address_of(functions[i].address);
        }
    }
    return 0;
}

#define OWNER "Ldev/tensorarena/ArenaRecord;"

/* With the names in it: each pointer to one is a relocation, which is larger than most names. */
static const struct {
    char name[24];
    char signature[72];
    void *function;
} methods[] = {
    {"abiVersion", "()I", (void *)abi_version},
    {"coarseMillis", "()J", (void *)coarse_millis},
    {"open", "(" OWNER "JJJIJJJ)J", (void *)open_arena},
    {"allocate", "(" OWNER "JJJ)J", (void *)allocate},
    {"check", "(" OWNER "JJJ)I", (void *)check},
    {"rewind", "(" OWNER "JJJJJ)I", (void *)rewind_to},
    {"reset", "(" OWNER "JIJ)I", (void *)reset},
    {"charge", "(" OWNER "JJ)I", (void *)charge},
    {"adopt", "(" OWNER "J" OWNER "J)I", (void *)adopt},
    {"close", "(" OWNER "J)I", (void *)close_arena},
    {"abandon", "(J)I", (void *)abandon},
    {"expose", "(" OWNER "J)V", (void *)expose},
    {"pin", "(" OWNER "JJJ)J", (void *)pin},
    {"chunkOf", "(" OWNER "JJJ)J", (void *)chunk_of},
    {"isSince", "(" OWNER "JJJ)Z", (void *)is_since},
    {"isAdopted", "(" OWNER "J)Z", (void *)is_adopted},
    {"exposeChunk", "(Ldev/tensorarena/SharedAllocation;J)V", (void *)expose_chunk},
    {"isExposed", "(J)Z", (void *)is_exposed},
    {"retainChunk", "(" OWNER "J)V", (void *)retain_chunk},
    {"releaseChunk", "(J)V", (void *)release_chunk},
    {"arenaStats", "(" OWNER "J[J)I", (void *)arena_stats},
    {"poolStats", "([J)V", (void *)pool_stats},
    {"trimPool", "()J", (void *)trim_pool},
    {"chunkBytes", "(J)J", (void *)chunk_bytes_for},
    {"physicalMemory", "()J", (void *)physical_memory},
    {"setPoolMemoryLimit", "(J)V", (void *)set_pool_memory_limit},
    {"setPoolRetainedLimit", "(J)V", (void *)set_pool_retained_limit},
    {"setQuarantine", "(J)I", (void *)set_quarantine},
    {"openBudget", "(JJ)J", (void *)open_budget},
    {"reserve", "(JJ)J", (void *)reserve},
    {"closeBudget", "(J)I", (void *)close_budget},
    {"setBudgetLimit", "(JJ)I", (void *)set_budget_limit},
    {"budgetStats", "(J[J)I", (void *)budget_stats},
    {"budgetPinned", "(J)J", (void *)budget_pinned},
    {"ownChunkBytes", "(J)J", (void *)own_chunk_bytes},
    {"slabAt", "(J)J", (void *)slab_at},
    {"slabBytes", "(J)J", (void *)slab_bytes},
    {"view", "(JJ)Ljava/nio/ByteBuffer;", (void *)view},
    {"bufferAddress", "(Ljava/nio/ByteBuffer;)J", (void *)buffer_address},
    {"function", "(Ljava/lang/String;)J", (void *)function},
    {"move", "(Ljava/lang/Object;JLjava/lang/Object;JJ)V", (void *)move},
};

JNIEXPORT jint JNICALL JNI_OnLoad(JavaVM *vm, void *reserved) {
    UNUSED(reserved);
    JNIEnv *env;
    if ((*vm)->GetEnv(vm, (void **)&env, JNI_VERSION_10) != JNI_OK) {
        return JNI_ERR;
    }
    JNINativeMethod natives[COUNT(methods)];
    for (size_t i = 0; i < COUNT(methods); i++) {
        natives[i] = (JNINativeMethod){(char *)methods[i].name, (char *)methods[i].signature,
                                       methods[i].function};
    }
    jclass type = (*env)->FindClass(env, "dev/tensorarena/NativeArena");
    if (type == NULL || (*env)->RegisterNatives(env, type, natives, COUNT(natives)) != JNI_OK) {
        return JNI_ERR;
    }
    (*env)->DeleteLocalRef(env, type);
    return JNI_VERSION_10;
}

/*
 * The class loader is gone, and with it all of Java that could reach an arena or a pin. The addresses
 * stay, and so does the library, see -z nodelete in CMakeLists.txt: native code may still hold pins.
 */
JNIEXPORT void JNICALL JNI_OnUnload(JavaVM *vm, void *reserved) {
    UNUSED(vm), UNUSED(reserved);
    arena_abandon_all();
    pool_give_all_pages();
    os_stay_loaded();
}
