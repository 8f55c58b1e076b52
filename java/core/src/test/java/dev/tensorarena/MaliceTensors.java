package dev.tensorarena;

import java.util.List;

/** What an actor does with tensors. */
abstract class MaliceTensors extends MaliceElements {
  private static final int MAX_HOLDINGS = 40;
  private static final int MAX_PINS = 12;
  private static final String[] ALLOCATIONS = {
    "allocSlice", "zeros", "too much", "empty", "empty", "empty", "empty"
  };

  MaliceTensors(MaliceProgram program, int number, long seed) {
    super(program, number, seed);
  }

  // ---- what there is

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

  /**
   * Notes what a call returned in a place, if it returned anything, and if the call has not given
   * its context away meanwhile.
   */
  final boolean isFilled(Malice.Holding place) {
    Scope scope = place.real == null ? null : place.real.scope;
    boolean left = scope != null && scope.owner != null && scope.owner != this;
    if (place.real == null || left) {
      if (left) {
        place.cells.isForgotten = true;
      }
      holdings.remove(place);
      return false;
    }
    if (scope != null) {
      place.life = lifeOf(scope);
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
    if (made[0] != null && !h.isAlive() && !h.cells.byAddress && !h.cells.isForgotten) {
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
    if (pin instanceof MaliceNatives.NativePin natives) {
      MaliceNatives.release(this, natives);
    } else if (pin != null && pin.real != null) {
      pin.closeAsked = true;
      if (call("unpin", pin, pin.real::close) == null) {
        pins.remove(pin);
      }
    }
  }

  /** Gives a pin to another actor, and takes one. */
  final void handOn(Malice.Pin pin) {
    if (!program.allAtOnce) {
      if (pin != null && pin.holds() && pins.remove(pin)) {
        program.anySeenBy(this).pins.add(pin);
      }
      return;
    }
    // What is not frozen might be written at this moment.
    if (pin != null && pin.holds() && pin.frozen != null && program.handedOn.offer(pin)) {
      pins.remove(pin);
    }
    takeHandedOn();
  }

  final void takeHandedOn() {
    Malice.Pin taken = program.handedOn.poll();
    if (taken != null) {
      pins.add(taken);
      check(taken);
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
    List<Malice.Pin> pinsBefore = nativePins();
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
        checkNotPinned(place, pinsBefore);
      } else {
        checkAlone(place);
        place.cells.bits = copied(place, base, h);
      }
    }
  }

  private List<Malice.Pin> nativePins() {
    return program.seenBy(this).stream()
        .flatMap(actor -> actor.pins.stream())
        .filter(MaliceNatives.NativePin.class::isInstance)
        .toList();
  }

  /** Native code that pins a chunk does not say which tensor: none of it may be written. */
  private void checkNotPinned(Malice.Holding place, List<Malice.Pin> pinsBefore) {
    if (pinsBefore.isEmpty() || place.length() == 0 || !isUsable(place)) {
      return;
    }
    quietly(
        () -> {
          try (TensorPin pin = TensorPin.of(place.real)) {
            long chunk = place.cells.foreign != null ? 0 : pin.nativeHandle();
            for (Malice.Pin before : pinsBefore) {
              if (chunk != 0 && MaliceNatives.hold(before, chunk)) {
                violated(place.real + " may be written in a chunk that native code pins");
              }
            }
          }
        });
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
      for (MaliceParts.Part part : actor.parts) {
        if (part.holds(place.real.start(), place.real.byteCount())) {
          violated(place.real + " may write what " + part + " has");
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
}
