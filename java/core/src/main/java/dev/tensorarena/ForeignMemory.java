package dev.tensorarena;

import java.nio.ByteBuffer;

/**
 * Memory that is not this library's, to be wrapped by {@link ExecutionContext#wrap(ForeignMemory,
 * DType, Shape)}: a mapped file, a native library's block. It may be larger than a buffer can be,
 * and is seen through direct buffers over parts of it.
 *
 * <p>Implementations give stretches of one block that does not move; the tensor keeps this object
 * reachable, and this object keeps the block. If the block can go away before, its buffers must
 * refuse access from then on, as those of a {@code java.lang.foreign.MemorySegment} do.
 */
public interface ForeignMemory {
  /**
   * Returns the size of the block, which is always the same.
   *
   * @return bytes
   */
  long byteSize();

  /**
   * Returns a part of the block. Called when a tensor is wrapped, and for views and copies that no
   * earlier part covers; also on other threads, when the tensor was shared.
   *
   * @param offset where the part begins, in bytes from 0
   * @param length its bytes, at most 2<sup>31</sup> - 9; the part ends within the block
   * @return a direct buffer whose position to limit is the part; read-only if nobody may write
   */
  ByteBuffer part(long offset, int length);

  /**
   * Returns whether the block is still there; once false, always false. Asked at every use of a
   * tensor.
   *
   * @return true unless implementations say otherwise
   */
  default boolean isAlive() {
    return true;
  }
}
