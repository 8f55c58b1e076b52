/*
 * A JVM TI agent for the Java tests, with the methods of dev.tensorarena.NativeCalls: notes which
 * native methods of the core are called. One thread at a time.
 */
#include <jni.h>
#include <jvmti.h>
#include <string.h>

#define EXPORT(result, name) JNIEXPORT result JNICALL Java_dev_tensorarena_NativeCalls_##name
#define UNUSED(x) ((void)(x))

static jvmtiEnv *jvmti;

/* Names with a blank between them; the last ones where there is no room for more. */
static char names[1000];

static void note(const char *name) {
    size_t used = strlen(names), length = strlen(name);
    if (used + 1 + length >= sizeof names) {
        used = 0;
    }
    if (used > 0) {
        names[used++] = ' ';
    }
    memcpy(names + used, name, length + 1);
}

static void JNICALL entered(jvmtiEnv *env, JNIEnv *jni, jthread thread, jmethodID method) {
    UNUSED(jni), UNUSED(thread);
    jboolean is_native;
    jclass type;
    char *class_name, *name;
    if ((*env)->IsMethodNative(env, method, &is_native) != JVMTI_ERROR_NONE || !is_native ||
        (*env)->GetMethodDeclaringClass(env, method, &type) != JVMTI_ERROR_NONE ||
        (*env)->GetClassSignature(env, type, &class_name, NULL) != JVMTI_ERROR_NONE) {
        return;
    }
    if (strcmp(class_name, "Ldev/tensorarena/NativeArena;") == 0 &&
        (*env)->GetMethodName(env, method, &name, NULL, NULL) == JVMTI_ERROR_NONE) {
        note(name);
        (*env)->Deallocate(env, (unsigned char *)name);
    }
    (*env)->Deallocate(env, (unsigned char *)class_name);
}

static jint listen(jvmtiEventMode mode) {
    return (*jvmti)->SetEventNotificationMode(jvmti, mode, JVMTI_EVENT_METHOD_ENTRY, NULL) ==
                   JVMTI_ERROR_NONE
               ? JNI_OK
               : JNI_ERR;
}

JNIEXPORT jint JNICALL Agent_OnLoad(JavaVM *vm, char *options, void *reserved) {
    UNUSED(options), UNUSED(reserved);
    jvmtiCapabilities capabilities = {.can_generate_method_entry_events = 1};
    jvmtiEventCallbacks callbacks = {.MethodEntry = entered};
    if ((*vm)->GetEnv(vm, (void **)&jvmti, JVMTI_VERSION_1_2) != JNI_OK ||
        (*jvmti)->AddCapabilities(jvmti, &capabilities) != JVMTI_ERROR_NONE ||
        (*jvmti)->SetEventCallbacks(jvmti, &callbacks, sizeof callbacks) != JVMTI_ERROR_NONE) {
        return JNI_ERR;
    }
    return JNI_OK;
}

EXPORT(jint, begin)(JNIEnv *env, jclass type) {
    UNUSED(env), UNUSED(type);
    names[0] = '\0';
    return listen(JVMTI_ENABLE);
}

EXPORT(jstring, end)(JNIEnv *env, jclass type) {
    UNUSED(type);
    return listen(JVMTI_DISABLE) == JNI_OK ? (*env)->NewStringUTF(env, names) : NULL;
}
