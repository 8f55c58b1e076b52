package dev.tensorarena;

/**
 * Native code of the program's, which pins chunks for itself and gives them back whenever it likes,
 * on any thread. A C thread reads what it holds before it lets go.
 */
final class MaliceNatives {
  private MaliceNatives() {}

  /** A pin of native code's. */
  static final class NativePin extends Malice.Pin {
    /** The C thread; 0 if there is none. */
    private long reader;

    /** The chunk, if Java was told; else 0. */
    private long chunk;

    @Override
    boolean holds() {
      return reader != 0;
    }

    @Override
    public String toString() {
      return "native pin of " + Malice.nameOf(cells);
    }
  }

  /** Has a first pin taken and given back: an edge has no room to link these functions. */
  static void load() {
    try (ExecutionContext ctx = ExecutionContext.open();
        TensorPin pin = TensorPin.of(ctx.zeros(DType.INT64, 1))) {
      long at = NativeClient.counting(ctx.nativeHandle(), 0, 2);
      NativeClient.sumAndRelease(NativeClient.retain(ctx.nativeHandle(), at, 2));
      NativeClient.sumAndRelease(NativeClient.retainChunk(pin.nativeHandle(), at, 0));
    }
  }

  /** Has native code pin what Java pins at this moment. */
  static void retain(MaliceTensors actor, Malice.Pin from) {
    if (from == null || !from.holds() || from.real == null || from.bytes == 0) {
      return;
    }
    NativePin pin = new NativePin();
    pin.cells = from.cells;
    pin.frozen = from.frozen;
    pin.address = from.address;
    pin.bytes = from.bytes;
    long ints = from.bytes / Integer.BYTES;
    actor.call(
        "retain natively",
        from,
        () -> {
          long chunk = from.real.nativeHandle();
          pin.chunk = chunk;
          pin.reader = NativeClient.retainChunk(chunk, from.address, ints);
        });
    if (pin.reader != 0) {
      actor.pins.add(pin);
    }
  }

  /**
   * Has native code pin a tensor that is alive, by its address, in an arena that was lent. It is
   * refused if the bytes are another arena's, which {@code mutable} has taken over.
   */
  static void pin(MaliceTensors actor, Malice.Holding h, Malice.Context ctx) {
    if (h.isShared()
        || h.at != null
        || h.length() == 0
        || !ctx.isLent
        || h.life.real.context != ctx.real) {
      return;
    }
    NativePin pin = new NativePin();
    pin.cells = h.cells;
    pin.address = h.real.start();
    pin.bytes = h.real.byteCount();
    actor.call(
        "pin natively",
        h,
        () -> {
          long arena = ctx.real.nativeHandle();
          if (h.isAlive()) {
            pin.reader = NativeClient.retain(arena, pin.address, pin.bytes / Integer.BYTES);
          }
        });
    if (pin.reader != 0) {
      actor.pins.add(pin);
    }
  }

  /** Has native code read what it holds, and let go. */
  static void release(MaliceTensors actor, NativePin pin) {
    long[] expected = pin.expected();
    long[] sum = new long[1];
    Throwable thrown =
        actor.call("release natively", pin, () -> sum[0] = NativeClient.sumAndRelease(pin.reader));
    if (thrown != null) {
      return; // the stack ended before native code was called
    }
    pin.reader = 0;
    actor.pins.remove(pin);
    if (expected != null && pin.cells.foreign == null && sum[0] != sumOf(expected)) {
      actor.violated(
          String.format(
              "native code reads a sum of %d at 0x%x, not %d",
              sum[0], pin.address, sumOf(expected)));
    }
  }

  private static long sumOf(long[] bits) {
    long sum = 0;
    for (long each : bits) {
      sum += (int) each + (each >> 32);
    }
    return sum;
  }

  /** Whether native code holds something in a chunk of which a tensor may be written now. */
  static boolean hold(Malice.Pin pin, long chunk) {
    return pin instanceof NativePin natives && natives.holds() && natives.chunk == chunk;
  }
}
