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

  /** Returns the bytes of a contiguous tensor over foreign memory, with that memory's lifetime. */
  static MemorySegment segmentOf(ForeignMemory foreign, Tensor tensor) {
    MemorySegment bytes =
        foreign instanceof SegmentMemory memory
            ? memory.segment.asSlice(tensor.address() - memory.segment.address(), tensor.byteSize())
            : MemorySegment.ofBuffer(tensor.asByteBuffer());
    return tensor.isWritable() ? bytes : bytes.asReadOnly();
  }
}
