package dev.tensorarena;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;

/**
 * A thread of a malicious program: its contexts, tensors and pins, and the way in which it calls
 * the library. The program's own code that the library calls does what the thread that it is called
 * on would do, and throws.
 */
abstract class MaliceActor extends Thread {
  private static final int MAX_DEPTH = 3;

  /** Of which a release asks the stack or the heap for little more. */
  private static final long STACK_BYTES = 512 << 10;

  final MaliceProgram program;
  final Random random;
  final MaliceTrail trail;
  final List<Malice.Context> contexts = new ArrayList<>();
  final List<Malice.Holding> holdings = new ArrayList<>();
  final List<Malice.Pin> pins = new ArrayList<>();
  final List<Malice.Room> rooms = new ArrayList<>();
  final List<MaliceParts.Split> splits = new ArrayList<>();
  final List<MaliceParts.Part> parts = new ArrayList<>();

  /** What an error stopped in the middle of its close: it is closed again at last. */
  final List<AutoCloseable> unfinished = new ArrayList<>();

  /** What to do; null when it is done. */
  private volatile Malice.Body turn;

  private volatile Thread waiting;
  private volatile boolean over;

  /** Calls of the library so far, those from its call-backs included. */
  long operations;

  /** How many call-backs are doing something. */
  private int depth;

  /** How many parts of the program run in which its own code does nothing. */
  private int quiet;

  /** Whether the call runs where the stack or the heap ends. */
  private boolean atAnEdge;

  MaliceActor(MaliceProgram program, int number, long seed) {
    super(null, null, "malice " + program.seed + ", actor " + number, STACK_BYTES);
    setDaemon(true);
    this.program = program;
    this.random = new Random(seed);
    this.trail = new MaliceTrail(getName());
  }

  // ---- turns, handed over without asking for heap, which another actor may have filled

  @Override
  public void run() {
    while (!over) {
      try {
        takeTurn();
      } catch (OutOfMemoryError e) {
        continue; // another actor has filled the heap, and the JVM wanted some between two turns
      }
    }
  }

  private void takeTurn() {
    Malice.Body body = turn;
    if (body == null) {
      LockSupport.park(this);
      return;
    }
    try {
      body.run();
    } catch (Throwable e) {
      program.report(e);
    }
    turn = null;
    LockSupport.unpark(waiting);
  }

  /** Begins a turn on this thread, which has none; its end unparks the caller. */
  final void begin(Malice.Body body) {
    waiting = Thread.currentThread();
    turn = body;
    LockSupport.unpark(this);
  }

  /** Returns whether the turn is not over yet. */
  final boolean hasTurn() {
    return turn != null;
  }

  /** Ends the thread, if it is not in a turn. */
  final void finish() {
    over = true;
    LockSupport.unpark(this);
  }

  /** Takes over what is left of an actor whose thread has ended. */
  final void inherit(MaliceActor ended) {
    holdings.addAll(ended.holdings);
    pins.addAll(ended.pins);
    splits.addAll(ended.splits);
    parts.addAll(ended.parts);
    unfinished.addAll(ended.unfinished);
    operations += ended.operations;
  }

  /** Does one thing. */
  abstract void step();

  // ---- the program's own code, called by the library

  private static MaliceActor current() {
    return Thread.currentThread() instanceof MaliceActor actor ? actor : null;
  }

  /** Called wherever the library calls: does a few things and may throw anything. */
  static void strike() {
    MaliceActor actor = current();
    if (actor != null && actor.quiet == 0) {
      actor.strikeNow();
    }
  }

  private void strikeNow() {
    if (!atAnEdge && depth < MAX_DEPTH && random.nextInt(3) == 0) {
      depth++;
      try {
        for (int steps = 1 + random.nextInt(2); steps > 0; steps--) {
          step();
        }
      } finally {
        depth--;
      }
    }
    if (random.nextInt(16) == 0) {
      MaliceActor.<RuntimeException>throwAny(program.mischief[random.nextInt(5)]);
    }
  }

  @SuppressWarnings("unchecked")
  private static <T extends Throwable> void throwAny(Throwable thrown) throws T {
    throw (T) thrown;
  }

  /** One in 64 times a number from 1 on, else 0; always 0 while the program is quiet. */
  static int lie(int bound) {
    MaliceActor actor = current();
    return actor == null || actor.quiet > 0 || actor.random.nextInt(64) != 0
        ? 0
        : 1 + actor.random.nextInt(bound);
  }

  static void report(String what) {
    MaliceActor actor = current();
    if (actor != null) {
      actor.violated(what);
    } else {
      new Malice.Violation(what).printStackTrace();
    }
  }

  final void violated(String what) {
    program.report(new Malice.Violation(what));
  }

  // ---- calls

  /** Does something in which the program's own code does nothing. */
  final void quietly(Malice.Body body) {
    quiet++;
    try {
      body.run();
    } catch (Throwable e) {
      program.report(e);
    } finally {
      quiet--;
    }
  }

  /** Whether the library waits for code of the program's own, which runs now. */
  final boolean isCalledBack() {
    return depth > 0;
  }

  /** Calls the library, and returns what it threw or null. */
  final Throwable call(String what, Object on, Malice.Body body) {
    operations++;
    Throwable thrown = null;
    boolean edge = quiet == 0 && !atAnEdge && program.edges != null && program.edges.isNext(random);
    MaliceTrail.Call noted = trail.begin(what, on, depth, edge);
    try {
      if (edge) {
        atAnEdge = true;
        program.edges.run(body, random);
      } else {
        body.run();
      }
    } catch (Throwable e) {
      thrown = e;
    }
    if (edge) {
      atAnEdge = false;
    }
    quiet++;
    trail.end(noted, thrown); // prints what was thrown, whose text is the program's own
    quiet--;
    if (thrown != null && !isExpected(thrown)) {
      program.report(thrown);
    }
    return thrown;
  }

  private boolean isExpected(Throwable thrown) {
    if (isMischief(thrown)) {
      return true;
    }
    // Not only at the edge: what a resource has thrown is thrown when all is closed.
    if (program.edges != null
        && (thrown instanceof StackOverflowError || thrown instanceof OutOfMemoryError)) {
      return true;
    }
    if (thrown instanceof OutOfMemoryError
        && String.valueOf(thrown.getMessage()).startsWith("the system refused memory")) {
      return true;
    }
    return thrown instanceof IllegalStateException
        || thrown instanceof IllegalArgumentException
        || thrown instanceof IndexOutOfBoundsException
        || thrown instanceof MemoryLimitExceededException;
  }

  final boolean isMischief(Throwable thrown) {
    for (Throwable mischief : program.mischief) {
      if (thrown == mischief) {
        return true;
      }
    }
    return false;
  }

  /**
   * Calls what ends scopes of a context, from one on or all of them, and looks whether they ended.
   */
  final Throwable end(String what, Malice.Context ctx, Scope outermost, Malice.Body body) {
    for (Malice.Life life : ctx.lives) {
      life.endAsked |= isWithin(life.real, outermost);
    }
    ctx.ending++;
    ctx.ends++;
    Throwable thrown = call(what, outermost, body);
    ctx.ending--;
    if (ctx.ending == 0) {
      if (thrown == null && outermost.owner != null && !outermost.isAdopted()) {
        violated("a scope is open after it was closed");
      }
      ctx.lives.removeIf(life -> life.real.owner == null);
      // What was refused has not ended, and lives until its end is asked for again.
      ctx.lives.forEach(life -> life.endAsked = false);
    }
    return thrown;
  }

  static boolean isWithin(Scope scope, Scope outer) {
    for (Scope next = scope; next != null; next = next.parent) {
      if (next == outer) {
        return true;
      }
    }
    return false;
  }

  // ---- what must be so

  /** Looks at a tensor: whether it may be dead, and what it contains. */
  final void check(Malice.Holding h) {
    if (h.real == null) {
      return;
    }
    if (!h.isAlive()) {
      if (h.mustBeAlive()) {
        violated(h.real + " died, and nobody ended it");
      }
      return;
    }
    if (program.allAtOnce && h.isShared() && !h.mustBeAlive()) {
      return; // it was tracked, perhaps by what another thread closes at this moment
    }
    boolean mine = h.isShared() || h.real.scope.owner == this;
    if (mine && !(h.cells.foreign != null && h.cells.foreign.isGone())) {
      quietly(
          () -> {
            long[] actual;
            try {
              actual = h.real.toLongArray();
            } catch (IllegalStateException e) {
              if (program.allAtOnce && h.isShared() && !h.mustBeAlive()) {
                return; // another thread has closed it since it was asked
              }
              throw e;
            }
            compare(h, h.expected(), actual);
            if (h.isHandle() && h.frozen == null && h.at == null) {
              h.frozen = actual; // from now on nobody writes
            }
          });
    }
  }

  final void compare(Malice.Holding h, long[] expected, long[] actual) {
    for (int i = 0; expected != null && actual != null && i < expected.length; i++) {
      if (expected[i] != actual[i]) {
        violated(
            String.format(
                "%s at 0x%x has 0x%x at %d, not 0x%x",
                h.real, h.real.start(), actual[i], i, expected[i]));
        return;
      }
    }
  }

  /** Looks at the bytes that a pin keeps. */
  final void check(Malice.Pin pin) {
    long[] expected = pin.expected();
    if (!pin.holds() || pin.bytes == 0 || expected == null || pin.cells.foreign != null) {
      return;
    }
    quietly(
        () -> {
          Window window = Window.over(pin.address, pin.bytes);
          int word = window.wordOf(pin.address);
          for (int i = 0; i < pin.bytes / 8; i++) {
            if (window.longs.get(word + i) != expected[i]) {
              violated(
                  String.format(
                      "pinned bytes at 0x%x have 0x%x at %d, not 0x%x",
                      pin.address, window.longs.get(word + i), i, expected[i]));
              return;
            }
          }
        });
  }

  final void checkAll() {
    holdings.forEach(this::check);
    pins.forEach(this::check);
    parts.forEach(part -> MaliceParts.check(this, part));
  }

  /** Checks that new bytes are nobody else's. */
  final void checkAlone(Malice.Holding placed) {
    if (placed.isAlive()) { // else it was ended in the middle of the call that made it
      checkAlone(placed.real, placed.cells, placed.real.start(), placed.real.byteCount());
    }
  }

  final void checkAlone(Object placed, Malice.Cells cells, long start, long bytes) {
    for (MaliceActor actor : program.seenBy(this)) {
      for (Malice.Holding h : actor.holdings) {
        if (h.cells != cells && h.isAlive() && h.overlaps(start, bytes)) {
          violated(placed + " lies over " + h.real + String.format(" at 0x%x", start));
        }
      }
      for (Malice.Pin pin : actor.pins) {
        if (pin.holds() && pin.cells != cells && pin.overlaps(start, bytes)) {
          violated(placed + " lies over pinned bytes" + String.format(" at 0x%x", start));
        }
      }
      for (Malice.Room room : actor.rooms) {
        if (room.isAlive() && room.cells != cells && room.overlaps(start, bytes)) {
          violated(placed + " lies over " + room + String.format(" at 0x%x", start));
        }
      }
      for (MaliceParts.Part part : actor.parts) {
        if (part.cells != cells && part.holds(start, bytes)) {
          violated(placed + " lies over " + part + String.format(" at 0x%x", start));
        }
      }
    }
  }
}
