package dev.tensorarena;

import java.util.Arrays;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Tensors that are split, and their parts, which go from actor to actor until one takes them. What
 * an actor wrote in a part is what that has, whatever ended the whole, and nobody else's.
 */
final class MaliceParts {
  private static final int MAX_PARTS = 12;
  private static final int TRIES = 9;

  private MaliceParts() {}

  /** What was split together. */
  static final class Split {
    final TensorParts real;
    final Malice.Holding whole;

    /** Of the whole's cells: what is written later need not be what the parts have. */
    final int writes;

    final Part[] parts;

    Split(TensorParts real, Malice.Holding whole, int writes) {
      this.real = real;
      this.whole = whole;
      this.writes = writes;
      this.parts = new Part[real.count()];
    }
  }

  static final class Part {
    final TensorPart real;
    final Malice.Cells cells;

    /** Its tensor once an actor has it. */
    private Tensor tensor;

    /** What its actor wrote last; null: not known. */
    private long[] bits;

    /** Whether it may be frozen, shared or split itself. */
    private boolean isFrozen;

    private boolean closeAsked;

    Part(TensorPart real, Malice.Cells cells) {
      this.real = real;
      this.cells = cells;
    }

    /** Whether it is open and has some of these bytes. */
    boolean holds(long start, long bytes) {
      return tensor != null
          && tensor.strides == null
          && real.isOpen()
          && Malice.meet(tensor.start(), tensor.byteCount(), start, bytes);
    }

    private int length() {
      return (int) tensor.shape.numElements();
    }

    private boolean isMine(MaliceActor actor) {
      return tensor != null && tensor.scope.owner == actor;
    }

    @Override
    public String toString() {
      return Malice.nameOf(real) + " of " + Malice.nameOf(cells);
    }
  }

  static void step(MaliceSteps actor) {
    boolean others = actor.random.nextInt(20) == 0;
    Part part = actor.anyOf(others ? actor.program.anySeenBy(actor).parts : actor.parts);
    switch (actor.random.nextInt(12)) {
      case 0, 1 -> split(actor, actor.any());
      case 2 -> closeSplit(actor, actor.anyOf(actor.splits));
      case 3 -> hand(actor, part);
      case 4 -> close(actor, part);
      case 5 -> use(actor, part, p -> share(actor, p));
      case 6 -> use(actor, part, p -> splitAgain(actor, p));
      case 7 -> use(actor, part, p -> track(actor, p));
      case 8 -> use(actor, part, p -> copy(actor, p, actor.anyContext()));
      default -> use(actor, part, p -> write(actor, p));
    }
  }

  // ---- splitting

  private static void split(MaliceSteps actor, Malice.Holding h) {
    if (h == null || h.cells.byAddress || h.real.shape.rank() == 0) {
      return;
    }
    int axis = actor.random.nextInt(h.real.shape.rank());
    Tensor whole = h.real;
    TensorParts made = split(actor, whole, axis);
    if (made == null) {
      return;
    }
    if (h.isShared()) {
      actor.violated(h.real + " was split, and is frozen");
    }
    h.cells.bits = null; // from now on others write
    Split split = new Split(made, h, ++h.cells.writes);
    actor.splits.add(split);
    for (int k = 0; k < made.count(); k++) {
      split.parts[k] = add(actor, made.get(k), h.cells);
    }
  }

  /** Returns the parts, or null if that was refused or there are enough. */
  private static TensorParts split(MaliceSteps actor, Tensor whole, int axis) {
    actor.parts.removeIf(part -> !part.real.isOpen());
    if (actor.parts.size() >= MAX_PARTS) {
      close(actor, actor.anyOf(actor.parts));
      return null;
    }
    TensorParts[] made = new TensorParts[1];
    int count = 1 + actor.random.nextInt(3);
    long extent = whole.shape.dim(axis);
    long middle = actor.random.nextInt(9);
    actor.call(
        "split",
        whole.scope,
        actor.random.nextBoolean()
            ? () -> made[0] = whole.split(axis, count)
            : () -> made[0] = whole.splitAt(axis, middle, extent));
    return made[0];
  }

  private static Part add(MaliceSteps actor, TensorPart real, Malice.Cells cells) {
    Part part = new Part(real, cells);
    if (actor.random.nextBoolean() || !actor.program.parts.offer(part)) {
      actor.parts.add(part);
    }
    return part;
  }

  private static void splitAgain(MaliceSteps actor, Part part) {
    boolean before = part.isFrozen;
    part.isFrozen = true;
    TensorParts made = split(actor, part.tensor, 0);
    if (made == null) {
      part.isFrozen = before;
      return;
    }
    part.bits = null;
    for (int k = 0; k < made.count(); k++) {
      add(actor, made.get(k), part.cells);
    }
  }

  private static void closeSplit(MaliceSteps actor, Split split) {
    if (split == null) {
      return;
    }
    Throwable thrown = actor.call("close parts", split.real, split.real::close);
    if (thrown != null) {
      return;
    }
    if (split.real.isOpen() && !actor.isCalledBack() && !actor.program.allAtOnce) {
      actor.violated(split.real + " are open after they were closed");
    }
    actor.splits.remove(split);
    compare(actor, split);
  }

  /** The whole has all that was written in its parts, if those lie one behind the other. */
  private static void compare(MaliceSteps actor, Split split) {
    Malice.Holding h = split.whole;
    if (h.cells.writes != split.writes || !actor.isUsable(h) || h.real.shape.rank() != 1) {
      return;
    }
    long[] actual = actor.read(h);
    int from = 0;
    for (Part part : split.parts) {
      if (part.tensor == null || actual == null) {
        return;
      }
      int to = from + part.length();
      if (part.bits != null) {
        actor.compare(h, part.bits, Arrays.copyOfRange(actual, from, to));
      }
      from = to;
    }
  }

  // ---- parts

  /** Gives a part that nobody has taken to another actor, and gets one. */
  private static void hand(MaliceSteps actor, Part part) {
    if (part != null && part.tensor == null && actor.parts.remove(part)) {
      if (!actor.program.parts.offer(part)) {
        actor.parts.add(part);
      }
    }
    Part got = actor.program.parts.poll();
    if (got != null) {
      actor.parts.add(got);
    }
  }

  private static void use(MaliceSteps actor, Part part, Consumer<Part> body) {
    if (part == null) {
      return;
    }
    if (part.tensor == null && actor.parts.contains(part)) {
      Throwable thrown = actor.call("tensor", part, () -> part.tensor = part.real.tensor());
      if (thrown instanceof IllegalStateException && !part.closeAsked && part.real.isOpen()) {
        actor.violated(part + " is nobody's, and was not to be had");
      }
    }
    if (part.isMine(actor)) {
      body.accept(part);
      check(actor, part);
    } else if (part.tensor != null && part.real.isOpen() && !actor.program.allAtOnce) {
      Throwable thrown = actor.call("tensor", part, part.real::tensor);
      if (thrown == null && !part.isMine(actor)) {
        actor.violated(part + " is another's, and was had");
      }
    }
  }

  private static void write(MaliceSteps actor, Part part) {
    long[] bits = actor.anyBits(part.length());
    part.bits = null;
    Throwable thrown = actor.call("write", part, () -> part.tensor.copyFrom(bits));
    if (thrown == null) {
      part.bits = bits;
    } else if (thrown instanceof IllegalStateException
        && !part.isFrozen
        && part.isMine(actor)
        && part.cells.foreign == null) {
      actor.violated(part + " cannot be written, and nobody froze it: " + thrown);
    }
  }

  static void check(MaliceActor actor, Part part) {
    boolean gone = part.cells.foreign != null && part.cells.foreign.isGone();
    if (part.isMine(actor) && part.bits != null && !gone) {
      actor.quietly(
          () -> {
            long[] actual = part.tensor.toLongArray();
            if (!Arrays.equals(part.bits, actual)) {
              actor.violated(part + " has not what was written there");
            }
          });
    }
  }

  private static void share(MaliceSteps actor, Part part) {
    Malice.Holding place = actor.place();
    if (place == null) {
      return;
    }
    part.isFrozen = true; // perhaps also where it throws
    place.cells = new Malice.Cells(null, part.cells.foreign);
    place.cells.isForgotten = true; // the whole, whose cells are others, may be alive
    if (part.tensor.strides != null) {
      place.at = IntStream.range(0, part.length()).toArray(); // between them lie others
    }
    actor.call("share", part, () -> place.real = part.tensor.share());
    place.frozen = part.bits; // its guards may have written
    if (actor.isFilled(place)) {
      actor.check(place);
    }
  }

  private static void copy(MaliceSteps actor, Part part, Malice.Context ctx) {
    Malice.Holding place = ctx == null ? null : actor.place();
    if (place == null) {
      return;
    }
    place.cells = new Malice.Cells(null, null);
    actor.call("copy", part, () -> place.real = part.tensor.copy(ctx.real));
    if (actor.isFilled(place)) {
      actor.checkAlone(place);
      place.cells.bits = actor.read(place);
    }
  }

  private static void track(MaliceSteps actor, Part part) {
    if (actor.random.nextBoolean()) {
      MaliceCode.Resource resource = new MaliceCode.Resource();
      if (actor.call("track", part, () -> part.tensor.track(resource)) == null) {
        actor.program.tracked(resource);
      }
      return;
    }
    MaliceCode.Refusing[] made = new MaliceCode.Refusing[1];
    Function<Tensor, MaliceCode.FirstGuard> maker = MaliceCode::firstGuard;
    actor.call(
        "guard", part, () -> made[0] = part.tensor.guard(MaliceCode.FirstGuard.class, maker));
    if (made[0] != null) {
      actor.program.guarded(made[0]);
    }
  }

  // ---- the ends

  private static void close(MaliceSteps actor, Part part) {
    if (part == null) {
      return;
    }
    boolean before = part.closeAsked;
    part.closeAsked = true;
    Throwable thrown = actor.call("close", part, part.real::close);
    if (!part.real.isOpen()) {
      actor.parts.remove(part);
    } else if (thrown != null) {
      part.closeAsked = before;
    } else if (!actor.isCalledBack() && !actor.program.allAtOnce) {
      actor.violated(part + " is open after it was closed");
    }
  }

  /** Closes all that an actor has; whoever took another's has it in his own list. */
  static void closeAll(MaliceSteps actor) {
    for (Part left = actor.program.parts.poll(); left != null; left = actor.program.parts.poll()) {
      actor.parts.add(left);
    }
    for (Part part : actor.parts.toArray(Part[]::new)) {
      for (int tries = 0; part.real.isOpen() && tries < TRIES; tries++) {
        close(actor, part);
      }
      if (part.real.isOpen()) {
        actor.violated(part + " cannot be closed");
      }
    }
  }
}
