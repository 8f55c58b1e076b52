package dev.tensorarena.ffm;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import java.lang.foreign.MemorySegment;

/** Tensors over memory that is not this library's: a mapped file, a native library's block. */
public final class Tensors {
  private Tensors() {}

  /**
   * A tensor over a native segment, of any size, without a copy. It ends with the context's
   * innermost open scope or with the segment's arena, whichever is first; every use after that
   * throws {@link IllegalStateException}. A shared handle outlives the scope, but not the arena:
   * the segment of {@code Arena.ofAuto()} and {@code Arena.global()} lasts as long as any tensor
   * over it. Nothing is charged to the context.
   *
   * <p>Reading and writing are for the threads that may access the segment, also through shared
   * handles; others get the JDK's {@link WrongThreadException}. Over a read-only segment the tensor
   * is frozen.
   *
   * @param ctx where the tensor lives; a context of the calling thread
   * @param segment native, exactly the tensor's bytes in native order; it need not be aligned
   * @param dtype the type of the elements
   * @param shape the shape
   * @return a tensor of the context's innermost open scope
   * @throws IllegalArgumentException if the segment is not native or its size does not match
   * @throws WrongThreadException if the calling thread may not access the segment
   * @throws IllegalStateException if the segment's arena or the context is closed, or on another
   *     thread than the context's
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
