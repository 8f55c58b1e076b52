package dev.tensorarena;

import java.lang.invoke.VarHandle;
import java.lang.ref.Reference;

/**
 * The pins of a chunk as the arena's owner counts them, in the chunk's descriptor. Owner's thread
 * only.
 *
 * <pre>
 *   words of 64 bits   0 pins of all others    1 the owner's pins    2 floor    3 base ...
 *
 *   the first          28 bits: native code's among them | 36 bits, signed: all of them, times 2
 * </pre>
 *
 * <p>The arena, which has the chunk, is kept reachable until the words are written: else the chunk
 * could be another's by then.
 *
 * <p>A descriptor is seen through a window over its slab: the arena's own, or another that is known
 * already. To make one could fail, and the end of a scope must not.
 */
final class ChunkPins {
  private static final int PINS_WORD = 0;
  private static final int OWNER_PINS = 1;
  private static final int FLOOR = 2;
  private static final int BASE = 3;

  /** What is left of the first word above its signed part. */
  private static final int NATIVE_BITS = 28;

  /** The size of the words that are read here. */
  private static final int DESCRIPTOR_BYTES = 4 * Long.BYTES;

  /** A floor that only C can see. */
  static final long UNKNOWN = -1;

  private ChunkPins() {}

  private static Window slab(Window arenas, long chunk) {
    return arenas.reaches(chunk, DESCRIPTOR_BYTES) ? arenas : Window.known(chunk, DESCRIPTOR_BYTES);
  }

  /**
   * Returns whether nobody pins the chunk; if so, its floor is set to 0, as C does. Also false if
   * there is no window over its descriptor: then C must decide.
   */
  static boolean none(Arena arena, Window arenas, long chunk) {
    Window slab = slab(arenas, chunk);
    if (slab == null) {
      return false;
    }
    int descriptor = slab.wordOf(chunk);
    long others = slab.longs.get(descriptor + PINS_WORD);
    long mine = slab.longs.get(descriptor + OWNER_PINS);
    if ((others >> 1) + mine != 0) {
      return false;
    }
    // Who released last read the bytes before; what overwrites them comes after.
    VarHandle.acquireFence();
    slab.longs.put(descriptor + FLOOR, 0);
    Reference.reachabilityFence(arena);
    return true;
  }

  /** Returns the address of the chunk's first byte, 0 if there is no window over its descriptor. */
  static long base(Arena arena, Window arenas, long chunk) {
    Window slab = slab(arenas, chunk);
    long base = slab == null ? 0 : slab.longs.get(slab.wordOf(chunk) + BASE);
    Reference.reachabilityFence(arena);
    return base;
  }

  /**
   * Returns whether native code pins the chunk, on any thread; the caller holds bytes of it. Also
   * true if there is no window over its descriptor.
   */
  static boolean areNative(long chunk) {
    Window slab = Window.known(chunk, DESCRIPTOR_BYTES);
    if (slab == null) {
      return true;
    }
    long all = slab.longs.get(slab.wordOf(chunk) + PINS_WORD);
    VarHandle.acquireFence(); // who released last read the bytes before
    return all != all << NATIVE_BITS >> NATIVE_BITS;
  }

  /**
   * Returns the end of the highest bytes that are or were pinned; 0 if nobody pins the chunk, and
   * {@link #UNKNOWN} if there is no window over its descriptor. It becomes 0 when the last pin
   * goes, on whichever thread, and changes in no other way but by the owner's pins.
   */
  static long floor(Arena arena, Window arenas, long chunk) {
    Window slab = slab(arenas, chunk);
    if (slab == null) {
      return UNKNOWN;
    }
    long floor = none(arena, arenas, chunk) ? 0 : slab.longs.get(slab.wordOf(chunk) + FLOOR);
    Reference.reachabilityFence(arena);
    return floor;
  }

  /**
   * Adds a pin of the owner's, and raises the floor to the end of the pinned bytes.
   *
   * @return false, with nothing changed, if there is no window over the descriptor
   */
  static boolean add(Arena arena, Window arenas, long chunk, long end) {
    Window slab = slab(arenas, chunk);
    if (slab == null) {
      return false;
    }
    int descriptor = slab.wordOf(chunk);
    slab.longs.put(descriptor + OWNER_PINS, slab.longs.get(descriptor + OWNER_PINS) + 1);
    if (end > slab.longs.get(descriptor + FLOOR)) {
      slab.longs.put(descriptor + FLOOR, end);
    }
    Reference.reachabilityFence(arena);
    return true;
  }

  /** Removes one of the owner's pins. */
  static void remove(Arena arena, Window arenas, long chunk) {
    Window slab = slab(arenas, chunk);
    if (slab == null) {
      NativeArena.releaseChunk(chunk); // in the other count: their sum is what counts
      return;
    }
    int descriptor = slab.wordOf(chunk);
    slab.longs.put(descriptor + OWNER_PINS, slab.longs.get(descriptor + OWNER_PINS) - 1);
    Reference.reachabilityFence(arena);
  }
}
