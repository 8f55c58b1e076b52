/*
 * The methods of dev.tensorarena.NativeFaults, for Java's tests of what happens when memory is
 * refused: by the system, at the hook of os.h, and by the JVM, where NewDirectByteBuffer gives NULL
 * with or without an exception pending. Both are requests and are counted together.
 */
#include "os.h"

#include <jni.h>
#include <jvmti.h>

static jlong requests, refused_from, refused_to, refused_buffers;
static jboolean refuse_with_exception;
static jobject(JNICALL *new_direct_byte_buffer)(JNIEnv *, void *, jlong);

static bool refuse(void) {
    requests++;
    return requests >= refused_from && requests <= refused_to;
}

static jobject JNICALL new_or_no_buffer(JNIEnv *env, void *address, jlong bytes) {
    if (!refuse()) {
        return new_direct_byte_buffer(env, address, bytes);
    }
    refused_buffers++;
    if (refuse_with_exception) {
        jclass error = (*env)->FindClass(env, "java/lang/OutOfMemoryError");
        (*env)->ThrowNew(env, error, "refused by the test");
    }
    return NULL;
}

/* Has every NewDirectByteBuffer of the process go through this library, or no longer. */
static jint set_new_direct_byte_buffer(JNIEnv *env, jboolean intercept) {
    JavaVM *vm;
    jvmtiEnv *jvmti;
    jniNativeInterface *functions;
    if ((*env)->GetJavaVM(env, &vm) != JNI_OK ||
        (*vm)->GetEnv(vm, (void **)&jvmti, JVMTI_VERSION_1_2) != JNI_OK) {
        return JNI_ERR;
    }
    if ((*jvmti)->GetJNIFunctionTable(jvmti, &functions) != JVMTI_ERROR_NONE) {
        return JNI_ERR;
    }
    if (intercept) {
        new_direct_byte_buffer = functions->NewDirectByteBuffer;
    }
    functions->NewDirectByteBuffer = intercept ? new_or_no_buffer : new_direct_byte_buffer;
    jvmtiError error = (*jvmti)->SetJNIFunctionTable(jvmti, functions);
    (*jvmti)->Deallocate(jvmti, (unsigned char *)functions);
    (*jvmti)->DisposeEnvironment(jvmti);
    return error == JVMTI_ERROR_NONE ? JNI_OK : JNI_ERR;
}

JNIEXPORT jint JNICALL Java_dev_tensorarena_NativeFaults_begin(JNIEnv *env, jclass type, jlong from,
                                                               jlong to, jboolean with_exception) {
    (void)type;
    requests = refused_buffers = 0;
    refused_from = from;
    refused_to = to;
    refuse_with_exception = with_exception;
    os_fault_hook = refuse;
    return set_new_direct_byte_buffer(env, JNI_TRUE);
}

JNIEXPORT jint JNICALL Java_dev_tensorarena_NativeFaults_end(JNIEnv *env, jclass type) {
    (void)type;
    os_fault_hook = NULL;
    return set_new_direct_byte_buffer(env, JNI_FALSE);
}

JNIEXPORT jlong JNICALL Java_dev_tensorarena_NativeFaults_requests(JNIEnv *env, jclass type) {
    (void)env, (void)type;
    return requests;
}

JNIEXPORT jlong JNICALL Java_dev_tensorarena_NativeFaults_refusedBuffers(JNIEnv *env, jclass type) {
    (void)env, (void)type;
    return refused_buffers;
}
