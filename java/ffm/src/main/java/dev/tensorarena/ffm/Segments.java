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
   * Returns the bytes of a tensor of any size as a segment that lives as long as the tensor does.
   * Nothing is copied.
   *
   * <p>Once the tensor's scope has ended, its context was reset or closed, or its shared handle was
   * closed, access to the segment throws {@link IllegalStateException} and never reads what lies
   * there then. Ending all segments of a scope or of a handle costs the same as ending one. While a
   * native call is using such a segment, its scope or handle cannot end: {@code close()} throws
   * {@code IllegalStateException}, as that of the JDK's own arenas does, and can be called again
   * later.
   *
   * <p>The segment is confined to the calling thread, which is the context's thread or the one that
   * is using the shared handle. Access from another thread throws {@link WrongThreadException}, so
   * a thread that is handed a shared handle takes a segment of its own. If a handle is closed on
   * another thread than a segment of it was taken on, that segment does not end: it stays readable
   * on its thread, and keeps the bytes until it is unreachable. (It does not keep them if its
   * thread has ended before the handle is closed.) So code that took segments of a handle should
   * hand on a new {@code share()} and close its own handle itself.
   *
   * <p>The segment of a frozen tensor is read-only. A segment that was taken before the first
   * {@code share()} stays writable, as raw views do.
   *
   * <p>All this holds for a tensor of {@code ExecutionContext.wrap}, too: its segments end with the
   * tensor, and the memory is released only after that. But for one of {@link Tensors#wrap}, and
   * over a buffer of a segment whose arena can be closed, the result is a part of that segment,
   * with its lifetime and its confinement.
   *
   * <p>What reads a segment is the JDK's. Over a mapped file that was cut short, its {@code
   * mismatch} crashes the JVM once it is compiled, where {@link Tensor#mismatch} throws.
   *
   * @param tensor a contiguous tensor
   * @return its bytes: {@code tensor.byteSize()} of them, aligned as the tensor is
   * @throws IllegalStateException if the tensor is dead or belongs to another thread, or if it is a
   *     strided view, of which {@code contiguous(ctx)} gives a copy without gaps
   */
  public static MemorySegment of(Tensor tensor) {
    TensorMemory memory = tensor.memory();
    if (memory.foreign() != null && SegmentMemory.hasOwnLifetime(memory.foreign(), tensor)) {
      return SegmentMemory.segmentOf(memory.foreign(), tensor);
    }
    Lifetime lifetime = Lifetime.of(tensor);
    MemorySegment segment =
        memory.foreign() == null
            ? lifetime.segment(memory.address(), memory.byteSize())
            : lifetime.segment(memory.address(), memory.byteSize(), tensor);
    return memory.isWritable() ? segment : segment.asReadOnly();
  }

  /**
   * Returns the layout of an element in memory, in the machine's byte order and aligned to its
   * size:
   *
   * <pre>
   *   FLOAT32  JAVA_FLOAT     INT64  JAVA_LONG      INT8   JAVA_BYTE
   *   FLOAT64  JAVA_DOUBLE    INT32  JAVA_INT       UINT8  JAVA_BYTE
   *   FLOAT16  JAVA_SHORT     INT16  JAVA_SHORT     BOOL   JAVA_BOOLEAN
   *   BFLOAT16 JAVA_SHORT
   * </pre>
   *
   * <p>The 16-bit floats are read as their bits. {@code Float.float16ToFloat} converts those of
   * FLOAT16; those of BFLOAT16 are the upper half of a {@code float}'s bits.
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
