package dev.tensorarena.jna;

import com.sun.jna.Pointer;
import dev.tensorarena.OpenResource;

/**
 * A pin on bytes of an arena, from {@link JnaArena#pin}: they stay as they are, whatever becomes of
 * the arena, until the pin is closed. Any thread may use it.
 */
public final class ChunkPin implements OpenResource {
  private final PinnedMemory bytes;

  /** A {@code ta_chunk *}; 0 until it is held, and once it was given back. */
  private long chunk;

  /** Holds nothing yet, so that what was pinned is never without an owner. */
  ChunkPin(long address, long size, boolean isWritable) {
    bytes = new PinnedMemory(this, address, size, isWritable);
  }

  private ChunkPin(PinnedMemory of) {
    bytes = new PinnedMemory(this, of.address(), of.size(), of.isWritable());
  }

  /** Returns whether there is something to hold. */
  synchronized boolean hold(long pinned) {
    chunk = pinned;
    return pinned != 0;
  }

  /**
   * Returns the pinned bytes.
   *
   * @return a pointer that refuses access outside of them, and once this pin is closed; in the
   *     arena of a context it refuses to write, since others may hold the same bytes
   */
  public Pointer bytes() {
    return bytes;
  }

  /**
   * Adds a pin on the same bytes, to be closed by itself.
   *
   * @return the other pin
   * @throws IllegalStateException if this one is closed
   */
  public synchronized ChunkPin retain() {
    ChunkPin other = new ChunkPin(bytes);
    long pinned = requireHeld();
    StackRoom.require();
    ArenaLibrary.ta_chunk_retain(pinned);
    other.hold(pinned);
    return other;
  }

  /**
   * Returns the address of the chunk, for functions of C that retain it for themselves while this
   * pin is open.
   *
   * @return a {@code ta_chunk *}, which Java cannot look into
   * @throws IllegalStateException if the pin is closed
   */
  public synchronized Pointer handle() {
    return Pointer.createConstant(requireHeld());
  }

  /** Gives the pin back. Does nothing when called again. */
  @Override
  public synchronized void close() {
    long pinned = chunk;
    if (pinned != 0) {
      StackRoom.require();
      chunk = 0;
      ArenaLibrary.ta_chunk_release(pinned);
    }
  }

  @Override
  public synchronized boolean isOpen() {
    return chunk != 0;
  }

  synchronized long requireHeld() {
    if (chunk == 0) {
      throw new IllegalStateException(this + " is closed");
    }
    return chunk;
  }

  @Override
  public String toString() {
    return "pin of " + bytes.size() + " bytes at 0x" + Long.toHexString(bytes.address());
  }
}
