package dev.tensorarena;

import java.nio.ByteBuffer;

/**
 * Memory that is not this library's, such as a mapped file or a block of a native library, which
 * {@link ExecutionContext#wrap(ForeignMemory, DType, Shape)} makes a tensor of. It may be larger
 * than a buffer can be, and is accessed through direct buffers over parts of it.
 *
 * <p>An implementation stands for one block that does not move. The tensor keeps this object
 * reachable, and this object must keep the block. If the block can go away earlier, its buffers
 * must refuse access from then on, as those of a {@code java.lang.foreign.MemorySegment} do.
 */
public interface ForeignMemory {
  /**
   * Returns the size of the block, which never changes. Asked once for each tensor that is made of
   * it.
   *
   * @return bytes
   */
  long byteSize();

  /**
   * Returns a part of the block. This is called when the tensor is made, and later for views and
   * copies that need another part, which may be on other threads if the tensor is shared.
   *
   * @param offset where the part begins, in bytes from 0
   * @param length its bytes, at most 2<sup>31</sup> - 9; the part ends within the block
   * @return a direct buffer, in any byte order, that holds the part from its position to its limit;
   *     read-only if nobody may write, and then every part is. A later part that does not lie at
   *     the first one's address plus the offset is refused with {@link IllegalStateException}
   */
  ByteBuffer part(long offset, int length);

  /**
   * Returns whether the block is still there; once false, always false. This is called at every use
   * of a tensor, so it should be fast.
   *
   * @return true, unless an implementation overrides this
   */
  default boolean isAlive() {
    return true;
  }
}
