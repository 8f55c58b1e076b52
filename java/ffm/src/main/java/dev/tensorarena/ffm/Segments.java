package dev.tensorarena.ffm;

import dev.tensorarena.DType;
import dev.tensorarena.Tensor;
import dev.tensorarena.TensorMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Segments over the bytes of tensors, without a copy, and the layouts of their elements.
 *
 * <pre>{@code
 * MemorySegment bytes = Segments.of(tensor);
 * float x = bytes.getAtIndex(ValueLayout.JAVA_FLOAT, 3_000_000_000L);
 * }</pre>
 */
public final class Segments {
  private Segments() {}

  /**
   * The bytes of a tensor, of any size, as a segment that lives as long as the tensor does.
   *
   * <p>Once the tensor's scope has ended, its context was reset or closed, or the shared handle was
   * released, access throws {@link IllegalStateException} and never reads what lies there then. Of
   * all segments of a scope, or of a handle, the end costs the same as of one. While a native call
   * is using such a segment the scope cannot end: {@code close()} throws {@code
   * IllegalStateException}, as that of the JDK's own arenas does, and can be repeated.
   *
   * <p>The segment is confined to the calling thread: the context's owner, or whoever uses the
   * shared handle just now. On others {@link WrongThreadException} is thrown. Who is handed a
   * handle takes a segment of their own. A handle that is released on another thread than a segment
   * was taken on cannot end that segment: it stays readable there, and keeps the bytes until it is
   * unreachable or its thread has ended. A stage that took segments does better to hand on a {@code
   * share()} and to close its own handle.
   *
   * <p>Of a frozen tensor the segment is read-only; one that was taken before the first {@code
   * share()} stays writable, as raw views do.
   *
   * <p>Of a tensor over foreign memory, as {@link Tensors#wrap} and {@code ExecutionContext.wrap}
   * make them, this is a part of that memory's segment or buffer, and lives and is confined as that
   * is.
   *
   * @param tensor a contiguous tensor
   * @return its bytes: {@code tensor.byteSize()} of them, aligned as the tensor is
   * @throws IllegalStateException if the tensor is dead or another thread's, or a strided view:
   *     {@code contiguous(ctx)} first
   */
  public static MemorySegment of(Tensor tensor) {
    TensorMemory memory = tensor.memory();
    if (memory.foreign() != null) {
      return SegmentMemory.segmentOf(memory.foreign(), tensor);
    }
    MemorySegment segment = Lifetime.of(tensor).segment(memory.address(), memory.byteSize());
    return memory.isWritable() ? segment : segment.asReadOnly();
  }

  /**
   * How an element lies in memory, in the machine's byte order and aligned to its size:
   *
   * <pre>
   *   FLOAT32  JAVA_FLOAT     INT64  JAVA_LONG      INT8   JAVA_BYTE
   *   FLOAT64  JAVA_DOUBLE    INT32  JAVA_INT       UINT8  JAVA_BYTE
   *   FLOAT16  JAVA_SHORT     INT16  JAVA_SHORT     BOOL   JAVA_BOOLEAN
   *   BFLOAT16 JAVA_SHORT
   * </pre>
   *
   * <p>The 16-bit floats are their bits; {@code Float.float16ToFloat} converts those of FLOAT16,
   * and those of BFLOAT16 are the upper half of a float's.
   *
   * @param dtype the type of a tensor's elements
   * @return the layout, of {@code dtype.byteSize()} bytes
   */
  public static ValueLayout layout(DType dtype) {
    return switch (dtype) {
      case FLOAT32 -> ValueLayout.JAVA_FLOAT;
      case FLOAT64 -> ValueLayout.JAVA_DOUBLE;
      case FLOAT16, BFLOAT16, INT16 -> ValueLayout.JAVA_SHORT;
      case INT64 -> ValueLayout.JAVA_LONG;
      case INT32 -> ValueLayout.JAVA_INT;
      case INT8, UINT8 -> ValueLayout.JAVA_BYTE;
      case BOOL -> ValueLayout.JAVA_BOOLEAN;
    };
  }
}
