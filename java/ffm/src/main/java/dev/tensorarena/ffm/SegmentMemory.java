package dev.tensorarena.ffm;

import dev.tensorarena.ForeignMemory;
import dev.tensorarena.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * A native segment as the memory of a tensor. Its buffers refuse access once the segment's arena is
 * closed.
 */
record SegmentMemory(MemorySegment segment) implements ForeignMemory {

  @Override
  public long byteSize() {
    return segment.byteSize();
  }

  @Override
  public ByteBuffer part(long offset, int length) {
    return segment.asSlice(offset, length).asByteBuffer();
  }

  @Override
  public boolean isAlive() {
    return segment.scope().isAlive();
  }

  /**
   * Returns whether the memory is a segment that refuses access by itself once it has ended: the
   * user's own, or below a buffer of his one that can end.
   */
  static boolean hasOwnLifetime(ForeignMemory foreign, Tensor tensor) {
    return foreign instanceof SegmentMemory || !tensor.isPinnable();
  }

  /** Returns the bytes of a contiguous tensor over such memory, with its lifetime. */
  static MemorySegment segmentOf(ForeignMemory foreign, Tensor tensor) {
    MemorySegment bytes =
        foreign instanceof SegmentMemory memory
            ? memory.segment.asSlice(tensor.address() - memory.segment.address(), tensor.byteSize())
            : MemorySegment.ofBuffer(tensor.asByteBuffer());
    return tensor.isWritable() ? bytes : bytes.asReadOnly();
  }
}
