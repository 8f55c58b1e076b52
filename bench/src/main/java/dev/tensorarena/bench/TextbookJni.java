package dev.tensorarena.bench;

import java.nio.ByteBuffer;

/**
 * The binding that a JNI tutorial teaches: C allocates each block and wraps it into a {@link
 * ByteBuffer} of its own ({@code native/src/textbook_jni.c}). Kept here only, to compare with.
 */
final class TextbookJni {
  static {
    BenchLibrary.use();
  }

  private TextbookJni() {}

  /** {@code NewDirectByteBuffer(malloc(size))}. */
  static native ByteBuffer allocate(long size);

  /** {@code NewDirectByteBuffer(calloc(1, size))}. */
  static native ByteBuffer allocateZeroed(long size);

  /** Gives back what one of the others returned, once. */
  static native void free(ByteBuffer buffer);
}
