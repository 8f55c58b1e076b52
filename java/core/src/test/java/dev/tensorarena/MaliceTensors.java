package dev.tensorarena;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/** What an actor does with tensors. */
abstract class MaliceTensors extends MaliceActor {
  private static final int MAX_HOLDINGS = 40;
  private static final int MAX_PINS = 8;
  private static final String[] ALLOCATIONS = {
    "allocSlice", "zeros", "too much", "empty", "empty", "empty", "empty"
  };

  MaliceTensors(MaliceProgram program, int number, long seed) {
    super(program, number, seed);
  }

  // ---- what there is

  final <T> T anyOf(List<T> list) {
    return list.isEmpty() ? null : list.get(random.nextInt(list.size()));
  }

  /** Mostly one of its own, else another actor's, which refuses. */
  final Malice.Context anyContext() {
    return anyOf(random.nextInt(20) == 0 ? program.anySeenBy(this).contexts : contexts);
  }

  final Malice.Holding any() {
    Malice.Holding h = anyOf(random.nextInt(20) == 0 ? program.anySeenBy(this).holdings : holdings);
    return h == null || h.real == null ? null : h;
  }

  /** A place for a tensor to come, so that an error after the call loses none; null if full. */
  final Malice.Holding place() {
    if (holdings.size() >= MAX_HOLDINGS) {
      holdings.removeIf(h -> h.real != null && !h.isAlive() && !h.mustBeAlive());
      if (holdings.size() >= MAX_HOLDINGS) {
        close(anyOf(holdings));
        return null;
      }
    }
    Malice.Holding place = new Malice.Holding();
    holdings.add(place);
    return place;
  }

  /** Notes what a call returned in a place, if it returned anything. */
  final boolean isFilled(Malice.Holding place) {
    if (place.real == null) {
      holdings.remove(place);
      return false;
    }
    if (place.real.scope != null) {
      place.life = lifeOf(place.real.scope);
    }
    return true;
  }

  private Malice.Life lifeOf(Scope scope) {
    for (Malice.Context ctx : contexts) {
      if (ctx.real == scope.context) {
        return ctx.lifeOf(scope);
      }
    }
    if (scope.owner != null) {
      violated("a tensor of a context that this thread does not have");
    }
    return new Malice.Life(scope, true);
  }

  private long[] anyBits(int length) {
    long[] bits = new long[length];
    long first = random.nextLong();
    for (int i = 0; i < length; i++) {
      bits[i] = first + i;
    }
    return bits;
  }

  /** Hardly ever more than a chunk, and never what could be had. */
  private int anyLength() {
    int which = random.nextInt(40);
    return which == 0 ? random.nextInt(9000) : which < 4 ? 0 : 1 + random.nextInt(24);
  }

  // ---- new ones

  final void allocate(Malice.Context ctx) {
    Malice.Holding place = ctx == null ? null : place();
    if (place == null) {
      return;
    }
    long[] bits = anyBits(anyLength());
    place.cells = new Malice.Cells(null, null);
    int way = random.nextInt(20) % 7;
    call(
        ALLOCATIONS[way],
        ctx,
        () -> {
          switch (way) {
            case 0 -> place.real = ctx.real.allocSlice(bits);
            case 1 -> place.real = ctx.real.zeros(DType.INT64, bits.length);
            case 2 -> ctx.real.empty(DType.INT64, 1L << 50, bits.length + 1);
            default -> place.real = ctx.real.empty(DType.INT64, Shape.of(bits.length));
          }
        });
    if (isFilled(place)) {
      checkAlone(place);
      if (way == 0) {
        place.cells.bits = bits;
      } else if (way == 1) {
        place.cells.bits = new long[bits.length];
      } else {
        write(place, bits);
      }
      check(place);
    }
  }

  /** Raw room of the arena, which is wrapped or not. */
  final void allocateRoom(Malice.Context ctx) {
    Malice.Holding place = ctx == null ? null : place();
    if (place == null) {
      return;
    }
    int length = random.nextInt(30);
    place.cells = new Malice.Cells(null, null);
    call(
        "allocate",
        ctx,
        () -> {
          var room = ctx.real.allocate(length * 8L, 8).order(java.nio.ByteOrder.nativeOrder());
          place.real = ctx.real.wrap(room, DType.INT64, Shape.of(length));
        });
    if (isFilled(place)) {
      checkAlone(place);
      write(place, anyBits(length));
    }
  }

  final void wrap(Malice.Context ctx) {
    Malice.Holding place = ctx == null ? null : place();
    if (place == null) {
      return;
    }
    long[] bits = anyBits(random.nextInt(12));
    MaliceMemory memory = new MaliceMemory(bits.length * 8, random.nextInt(4) == 0);
    memory.set(bits);
    program.wrapped(memory);
    place.cells = new Malice.Cells(bits, memory);
    memory.wrapping = true;
    int way = random.nextInt(6);
    call("wrap", ctx, () -> place.real = memory.wrapIn(ctx.real, way));
    memory.wrapping = false;
    if (isFilled(place)) {
      memory.wrapped = true;
      check(place);
    }
  }

  /** Another tensor over bytes that one knows; those that ended must be refused. */
  final void tensorAt(Malice.Context ctx, Malice.Holding h) {
    if (ctx == null || h == null || h.length() == 0 || h.at != null || h.cells.foreign != null) {
      return;
    }
    Tensor[] made = new Tensor[1];
    call(
        "tensorAt",
        h,
        () -> made[0] = ctx.real.tensorAt(h.real.start(), DType.INT64, h.real.shape));
    if (made[0] != null && !h.isAlive()) {
      for (Malice.Holding other : holdings) {
        if (other.isHandle()
            && other.cells == h.cells
            && other.isAlive()
            && holdings.stream()
                .noneMatch(o -> o.cells == h.cells && !o.isShared() && o.isAlive())) {
          violated("a tensor over ended bytes that " + other.real + " still holds");
        }
      }
    }
  }

  // ---- others of the same bytes

  final void view(Malice.Holding h) {
    Malice.Holding place = h == null || h.real.shape.rank() != 1 ? null : place();
    if (place == null) {
      return;
    }
    int length = h.length();
    int from = random.nextInt(length + 1);
    int to = from + random.nextInt(length - from + 1);
    place.cells = h.cells;
    place.origin = h.origin;
    place.at = new int[to - from];
    Arrays.setAll(place.at, i -> h.place(from + i));
    call("slice", h, () -> place.real = h.real.slice(0, from, to));
    isFilled(place);
  }

  final void share(Malice.Holding h) {
    Malice.Holding place = h == null ? null : place();
    if (place == null) {
      return;
    }
    place.cells = h.cells;
    place.at = h.at;
    boolean trying = random.nextBoolean();
    call(
        trying ? "tryShare" : "share",
        h,
        () -> place.real = trying ? h.real.tryShare() : h.real.share());
    if (isFilled(place)) {
      place.frozen = h.isShared() ? h.origin.frozen : h.cells.bits;
      check(place);
    }
  }

  final void close(Malice.Holding h) {
    if (h != null && h.real instanceof SharedTensor handle) {
      h.closeAsked.incrementAndGet();
      Throwable thrown = call("close", h, handle::close);
      if (thrown != null) {
        unfinished.add(handle); // also if what refused has ended it before
      }
      if (!handle.isClosed()) {
        if (thrown == null && !isCalledBack() && !program.allAtOnce) {
          violated(handle + " is open after it was closed");
        }
        h.closeAsked.decrementAndGet(); // refused
      }
    }
  }

  final void pin(Malice.Holding h) {
    if (h == null || pins.size() >= MAX_PINS || h.at != null) {
      unpin(anyOf(pins));
      return;
    }
    Malice.Pin pin = new Malice.Pin();
    pin.cells = h.cells;
    pin.frozen = h.isShared() ? h.frozen : null;
    pin.address = h.real.start();
    pin.bytes = h.real.byteCount();
    pins.add(pin);
    call("pin", h, () -> pin.real = TensorPin.of(h.real));
    if (pin.real == null) {
      pins.remove(pin);
    }
  }

  final void unpin(Malice.Pin pin) {
    if (pin != null && pin.real != null) {
      pin.closeAsked = true;
      if (call("unpin", pin, pin.real::close) == null) {
        pins.remove(pin);
      }
    }
  }

  /** A copy, or the same bytes made writable. */
  final void mutable(Malice.Holding h, Malice.Context ctx) {
    Malice.Holding place = h == null || ctx == null ? null : place();
    if (place == null) {
      return;
    }
    place.cells = new Malice.Cells(null, null);
    long[] base = h.base();
    boolean consumes = h.isHandle();
    if (consumes) {
      h.closeAsked.incrementAndGet();
    }
    Throwable thrown = call("mutable", h, () -> place.real = h.real.mutable(ctx.real));
    if (consumes && h.isAlive()) {
      h.closeAsked.decrementAndGet();
    } else if (consumes && thrown != null) {
      unfinished.add((SharedTensor) h.real);
    }
    if (place.real == h.real) {
      holdings.remove(place);
    } else if (isFilled(place)) {
      if (isOver(place, h)) {
        adopt(place, h);
      } else {
        checkAlone(place);
        place.cells.bits = copied(place, base, h);
      }
    }
  }

  /** Whether a tensor has the bytes of another; of none, whether they wrap the same memory. */
  static boolean isOver(Malice.Holding place, Malice.Holding h) {
    return place.real.start() == h.real.start()
        && (place.length() > 0 || place.real.window.isForeign());
  }

  /** The tensor lies over the bytes of another, which nobody else may hold then. */
  private void adopt(Malice.Holding place, Malice.Holding h) {
    place.cells = h.cells;
    place.at = h.at;
    for (MaliceActor actor : program.seenBy(this)) {
      for (Malice.Holding other : actor.holdings) {
        if (other.cells == h.cells && other.isHandle() && other.isAlive()) {
          violated(place.real + " may write what " + other.real + " holds");
        }
      }
      for (Malice.Pin pin : actor.pins) {
        if (pin.cells == h.cells && pin.holds()) {
          violated(place.real + " may write what a pin holds");
        }
      }
    }
    if (h.isHandle() && h.at == null && h.frozen != null) {
      h.cells.bits = h.frozen;
    }
    check(place);
  }

  /** What a copy has: what was there before or after, if neither was written meanwhile. */
  final long[] copied(Malice.Holding copy, long[] base, Malice.Holding from) {
    long[] actual = read(copy);
    if (actual != null && base != null && base == from.base()) {
      compare(copy, from.expected(), actual);
    }
    return actual;
  }

  /** The elements of a tensor that is alive, read in quiet; else null. */
  final long[] read(Malice.Holding h) {
    long[][] bits = new long[1][];
    if (h.isAlive()) {
      quietly(() -> bits[0] = h.real.toLongArray());
    }
    return bits[0];
  }

  final void copy(Malice.Holding h, Malice.Context ctx) {
    Malice.Holding place = h == null || ctx == null ? null : place();
    if (place == null) {
      return;
    }
    place.cells = new Malice.Cells(null, null);
    long[] base = h.base();
    call("copy", h, () -> place.real = h.real.copy(ctx.real));
    if (isFilled(place)) {
      checkAlone(place);
      place.cells.bits = copied(place, base, h);
    }
  }

  // ---- elements

  final void write(Malice.Holding h) {
    if (h == null) {
      return;
    }
    int length = h.length();
    Malice.Holding from = any();
    int way = random.nextInt(4);
    if (way == 0 && length > 0) {
      int i = random.nextInt(length);
      long value = random.nextLong();
      long[] bits = h.expected() == null ? null : h.expected().clone();
      if (bits != null) {
        bits[i] = value;
      }
      write(h, bits, () -> h.real.setLongAt(i, value));
    } else if (way == 1) {
      long value = random.nextLong();
      long[] bits = new long[length];
      Arrays.fill(bits, value);
      write(h, bits, () -> h.real.fill(value));
    } else if (way == 2 && from != null && from.length() == length && from != h) {
      writeFrom(h, from);
    } else {
      write(h, anyBits(length));
    }
  }

  private void writeFrom(Malice.Holding h, Malice.Holding from) {
    long[] base = from.base();
    write(
        h,
        from.expected(),
        () -> {
          try {
            h.real.copyFrom(from.real);
          } finally {
            if (base != from.base()) {
              h.cells.writes++; // the source was written meanwhile, so who knows what was copied
            }
          }
        });
  }

  private void write(Malice.Holding h, long[] bits) {
    write(h, bits, () -> h.real.copyFrom(bits));
  }

  /** Writes, after which all elements are as given, or those that were not reached as before. */
  private void write(Malice.Holding h, long[] bits, Malice.Body body) {
    Malice.Cells cells = h.cells;
    long[] before = cells.bits;
    cells.bits = null; // not known while it is written
    int write = ++cells.writes;
    Throwable thrown = call("write", h, body);
    if (thrown == null && h.isShared()) {
      violated(h.real + " was written, and is frozen");
    }
    boolean alone = cells.writes == write; // nothing that was called meanwhile wrote, too
    long[] all;
    if (!alone || before == null) {
      all = alone && thrown == null && h.at == null ? bits : null;
    } else if (thrown == null) {
      all = bits == null ? null : merged(h, before, bits);
    } else {
      all = h.isAlive() && !h.isShared() ? partly(h, before, bits) : before;
    }
    cells.bits = all;
    check(h);
  }

  private static long[] merged(Malice.Holding h, long[] before, long[] bits) {
    long[] all = before.clone();
    for (int i = 0; i < bits.length; i++) {
      all[h.place(i)] = bits[i];
    }
    return all;
  }

  /** After an error in the middle: each element is as it was or as it was to be. */
  private long[] partly(Malice.Holding h, long[] before, long[] after) {
    long[] now = before.clone();
    if (isUsable(h)) {
      quietly(
          () -> {
            for (int i = 0; i < h.length(); i++) {
              long is = h.real.getLongAt(i);
              if (after != null && is != after[i] && is != before[h.place(i)]) {
                violated(h.real + " has neither what it had nor what was written");
              }
              now[h.place(i)] = is;
            }
          });
    }
    return now;
  }

  final boolean isUsable(Malice.Holding h) {
    return h.isAlive()
        && (h.isShared() || h.real.scope.owner == this)
        && !(h.cells.foreign != null && h.cells.foreign.isGone());
  }

  final void read(Malice.Holding h, Malice.Holding other) {
    if (h == null || other == null) {
      return;
    }
    long[] base = h.base();
    long[][] actual = new long[1][];
    switch (random.nextInt(5)) {
      case 0 -> call("toLongArray", h, () -> actual[0] = h.real.toLongArray());
      case 1 -> call("mismatch", h, () -> h.real.mismatch(other.real));
      case 2 -> call("contentEquals", h, () -> h.real.contentEquals(other.real));
      case 3 -> call("toString", h, () -> Objects.requireNonNull(h.real.toString()));
      default -> call("memory", h, () -> h.real.memory());
    }
    if (actual[0] != null && base == h.base()) {
      compare(h, h.expected(), actual[0]);
    }
  }
}
