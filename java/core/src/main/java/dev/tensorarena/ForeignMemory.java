package dev.tensorarena;

import java.nio.ByteBuffer;

/**
 * Memory that is not this library's, such as a mapped file or a block of a native library, which
 * {@link ExecutionContext#wrap(ForeignMemory, DType, Shape)} makes a tensor of. It may be larger
 * than a buffer can be, and is accessed through direct buffers over parts of it.
 *
 * <p>An implementation stands for one block that does not move. The tensor keeps this object
 * reachable, and this object must keep the block until it is told that the block is {@linkplain
 * #released released}. If the block can go away earlier, its buffers must refuse access from then
 * on, as those of a {@code java.lang.foreign.MemorySegment} do.
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

  /**
   * Is told that nobody needs the block any longer; does nothing, unless an implementation
   * overrides this. It is called once for each {@code wrap} that returned a tensor, and never
   * before the tensor's scope has ended and the last share, kept result, {@link TensorPin} and
   * checked segment of the bytes has gone; a share that nobody closes holds them for ever.
   *
   * <p>It is called on whichever thread lets go last, with no lock held, and where that is the end
   * of a scope, a reset or a close, once that is complete. It may do anything, and use any context.
   * What it throws is logged; an {@link Error} is passed on to whoever let go, leaves the rest for
   * the next end, and is only logged where {@link Scope#closeKeeping} has a result to return, or
   * where a collection let go.
   *
   * <p>The scopes of a context that nobody can reach, and nobody has closed, never end, so that
   * this is not called for what they hold. Whoever wants to free the block then, too, registers
   * this object with a {@link java.lang.ref.Cleaner}: the tensors keep it reachable.
   *
   * <p>If the block is freed then, raw views and addresses of it must not be used any longer, and a
   * shared handle not by one thread while another one closes it: the memory of arenas stays
   * readable for ever, this does not.
   */
  default void released() {}

  /**
   * Returns memory that is known by its address, such as what a native library has allocated.
   *
   * <p><b>This is unsafe.</b> The caller vouches that the bytes can be read and written, and stay
   * where they are until {@code released} is called. Where they do not, the JVM crashes.
   *
   * <p>The memory may be wrapped any number of times. {@code released} is called once, when the
   * last one of these tensors has gone with all who held its bytes, as {@link #released()} says;
   * never, if it was not wrapped. If raw views were given out, it is called only when the garbage
   * collector has found that nobody can reach them, nor the tensors; so {@code released} must not
   * refer to any of these. Then the memory counts as gone, and can be wrapped no more.
   *
   * @param address where the first byte lies: an absolute address, which need not be aligned
   * @param bytes the size
   * @param released what to run then, on whichever thread lets go last
   * @return the memory
   * @throws IllegalArgumentException if the address is not above 0, the size is negative, or the
   *     end is beyond 2<sup>63</sup> - 1
   */
  static ForeignMemory ofAddress(long address, long bytes, Runnable released) {
    return CountedMemory.Block.at(address, bytes, false, released);
  }

  /**
   * Returns memory that is known by its address and may only be read, as {@link #ofAddress} returns
   * what may be written: tensors over it are frozen.
   *
   * <p><b>This is unsafe</b>, as {@link #ofAddress} is.
   *
   * @param address where the first byte lies: an absolute address, which need not be aligned
   * @param bytes the size
   * @param released what to run then, on whichever thread lets go last
   * @return the memory
   * @throws IllegalArgumentException if the address is not above 0, the size is negative, or the
   *     end is beyond 2<sup>63</sup> - 1
   */
  static ForeignMemory ofReadOnlyAddress(long address, long bytes, Runnable released) {
    return CountedMemory.Block.at(address, bytes, true, released);
  }
}
