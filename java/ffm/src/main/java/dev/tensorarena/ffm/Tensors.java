package dev.tensorarena.ffm;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import java.lang.foreign.MemorySegment;

/**
 * Tensors over segments of memory that is not this library's, such as a mapped file or a block of a
 * native library.
 */
public final class Tensors {
  private Tensors() {}

  /**
   * Makes a tensor over a native segment of any size. Nothing is copied or counted towards the
   * context's memory limit. The tensor dies when the context's innermost open scope ends or when
   * the segment's arena is closed, whichever is first; every use after that throws {@link
   * IllegalStateException}. A shared handle outlives the scope, but not the arena. A segment of
   * {@code Arena.ofAuto()} or {@code Arena.global()} lasts as long as any tensor over it.
   *
   * <p>Only threads that may access the segment can read and write the elements, also through
   * shared handles; others get the JDK's {@link WrongThreadException}. Over a read-only segment the
   * tensor is frozen.
   *
   * @param ctx a context of the calling thread, to which the tensor belongs
   * @param segment a native segment with exactly the tensor's bytes, in native order; it need not
   *     be aligned
   * @param dtype the type of the elements
   * @param shape the shape
   * @return a tensor of the context's innermost open scope
   * @throws IllegalArgumentException if the segment is not native or its size does not match
   * @throws WrongThreadException if the calling thread may not access the segment
   * @throws IllegalStateException if the segment's arena or the context is closed, or if the
   *     context belongs to another thread
   */
  public static Tensor wrap(ExecutionContext ctx, MemorySegment segment, DType dtype, Shape shape) {
    if (!segment.isNative()) {
      throw new IllegalArgumentException("not a native segment: " + segment);
    }
    if (!segment.isAccessibleBy(Thread.currentThread())) {
      throw new WrongThreadException(
          segment + " cannot be accessed by thread \"" + Thread.currentThread().getName() + "\"");
    }
    return ctx.wrap(new SegmentMemory(segment), dtype, shape);
  }
}
