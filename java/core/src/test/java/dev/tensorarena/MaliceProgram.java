package dev.tensorarena;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * A random program of several threads, by turns or all at once, whose own code does whatever comes
 * to its mind wherever the library calls it. At the end all is closed, and the pool must be as it
 * was.
 */
final class MaliceProgram {
  private static final int ACTORS = 3;
  private static final int COLLECTIONS = 200;
  private static final int TURNS = 60;
  private static final int STEPS = 60;

  /** Many short waits, since a machine that sleeps meanwhile is no thread that hangs. */
  private static final int WAITS_FOR_A_TURN = 3000;

  private static final long WAIT_NANOS = 100_000_000;

  /** As it is at the start of a process. */
  static final long RETAINED_LIMIT = 256 << 20;

  final long seed;
  final boolean allAtOnce;

  /** Where some calls run; null: nowhere but where they are. */
  final MaliceEdges edges;

  final MaliceShelf shelf = new MaliceShelf();
  final MaliceBudgets budgets = new MaliceBudgets();
  final MaliceHandOffs handOffs = new MaliceHandOffs();

  /** Contexts on their way from one actor to another. */
  final Queue<MaliceMoves.Moving> moving = new ArrayBlockingQueue<>(4);

  /** Pins on their way from one actor to another, if they do not take turns. */
  final Queue<Malice.Pin> handedOn = new ArrayBlockingQueue<>(8);

  /** Parts of tensors that nobody has taken. */
  final Queue<MaliceParts.Part> parts = new ArrayBlockingQueue<>(8);

  /** What the program's own code throws; made before, so that to throw it asks for nothing. */
  final Throwable[] mischief = {
    new Malice.Mischief("mischief"),
    new StackOverflowError("made up"),
    new OutOfMemoryError("made up"),
    new Exception("mischief that is checked"),
    new Error("mischief")
  };

  private final List<MaliceSteps> actors = new ArrayList<>();
  private final List<MaliceMemory> memories = Collections.synchronizedList(new ArrayList<>());
  private final List<MaliceCode.Resource> resources =
      Collections.synchronizedList(new ArrayList<>());
  private final List<MaliceCode.Refusing> guards = Collections.synchronizedList(new ArrayList<>());
  private final AtomicReference<Throwable> failure = new AtomicReference<>();

  private MaliceProgram(long seed, boolean allAtOnce, MaliceEdges edges) {
    this.seed = seed;
    this.allAtOnce = allAtOnce;
    this.edges = edges;
    for (int i = 0; i < ACTORS; i++) {
      actors.add(new MaliceSteps(this, i, seed * ACTORS + i));
    }
  }

  /** Runs a program; returns how many operations it had. */
  static long run(long seed, boolean allAtOnce, MaliceEdges edges) throws Throwable {
    ChunkPool.Stats pool = ChunkPool.stats();
    long contexts = ChunkPool.openContexts();
    MaliceProgram program = new MaliceProgram(seed, allAtOnce, edges);
    List<MaliceSteps> all = List.copyOf(program.actors);
    all.forEach(Thread::start);
    try {
      program.runTurns();
      program.closeAll();
      program.throwFailure();
      program.checkAllEnded();
      ChunkPool.Stats now = whenCollected(pool);
      program.checkSame("contexts", contexts, ChunkPool.openContexts());
      program.checkSame("chunks in use", pool.inUseChunks(), now.inUseChunks());
      program.checkSame("pinned chunks", pool.pinnedChunks(), now.pinnedChunks());
      program.budgets.close();
      program.throwFailure();
    } catch (Throwable e) {
      all.forEach(actor -> actor.trail.print(System.out));
      throw e;
    } finally {
      all.forEach(MaliceActor::finish); // who hangs is left behind
    }
    return program.actors.stream().mapToLong(actor -> actor.operations).sum();
  }

  /** What was handed off and a guard kept open is closed by the collector. */
  private static ChunkPool.Stats whenCollected(ChunkPool.Stats before) throws InterruptedException {
    ChunkPool.Stats now = ChunkPool.stats();
    for (int i = 0; i < COLLECTIONS && now.inUseChunks() != before.inUseChunks(); i++) {
      System.gc();
      Thread.sleep(10);
      now = ChunkPool.stats();
    }
    return now;
  }

  private void throwFailure() throws Throwable {
    if (failure.get() != null) {
      throw failure.get();
    }
  }

  private void runTurns() {
    for (int turn = 0; turn < TURNS && failure.get() == null; turn++) {
      for (MaliceSteps actor : actors) {
        actor.begin(
            () -> {
              for (int i = 0; i < STEPS && failure.get() == null; i++) {
                actor.step();
              }
              actor.checkAll();
            });
        if (!allAtOnce) {
          await(actor);
        }
      }
      actors.forEach(MaliceProgram::await);
    }
  }

  private void closeAll() throws Exception {
    TestSupport.limitByDefault();
    ChunkPool.retainedLimit(RETAINED_LIMIT);
    MaliceSteps last = actors.get(ACTORS - 1);
    if (seed % 4 == 0 && failure.get() == null) {
      actors.remove(last);
      last.finish();
      last.join();
      MaliceSteps heir = actors.get(0);
      heir.begin(() -> heir.closeContextsOf(last));
      await(heir);
      heir.inherit(last);
    }
    while (!moving.isEmpty()) {
      each(actor -> actor.quietly(() -> MaliceMoves.take(actor)));
    }
    each(MaliceSteps::closeContexts);
    each(actor -> actor.quietly(() -> handOffs.clear(actor)));
    each(MaliceSteps::checkAll);
    each(MaliceSteps::closeHandles);
    each(actor -> actor.quietly(() -> shelf.clear(actor)));
    while (!handedOn.isEmpty()) {
      each(MaliceSteps::takeHandedOn);
    }
    each(MaliceSteps::closeHandles);
    each(MaliceSteps::releaseNatives);
  }

  private void each(Consumer<MaliceSteps> turn) {
    for (MaliceSteps actor : actors) {
      actor.begin(() -> turn.accept(actor));
      await(actor);
    }
  }

  private static void await(MaliceSteps actor) {
    for (int waits = 0; waits < WAITS_FOR_A_TURN && actor.hasTurn(); ) {
      long begun = System.nanoTime();
      LockSupport.parkNanos(WAIT_NANOS);
      if (System.nanoTime() - begun >= WAIT_NANOS) {
        waits++; // else another actor's end has woken this thread
      } else if (Thread.interrupted()) {
        continue; // the mark would have every wait return at once
      }
    }
    if (actor.hasTurn()) {
      AssertionError hangs = new AssertionError(actor.getName() + " does not return");
      hangs.setStackTrace(actor.getStackTrace());
      throw hangs;
    }
  }

  private void checkAllEnded() {
    for (MaliceMemory memory : memories) {
      checkSame("foreign memory's releases", memory.wrapped ? 1 : 0, memory.timesReleased());
    }
    if (edges == null) {
      for (MaliceCode.Resource resource : resources) {
        checkSame("tracked resource's closes", 1, resource.isClosed() ? 1 : 0);
      }
      for (MaliceCode.Refusing guard : guards) {
        checkSame("guard's closes", 1, guard.isClosed() ? 1 : 0);
      }
    }
  }

  private void checkSame(String what, long before, long after) {
    if (before != after) {
      report(new Malice.Violation(what + " at the end: " + after + ", not " + before));
    }
  }

  // ---- for the actors

  /** The actors whose things an actor may look at: all, if they take turns. */
  List<? extends MaliceActor> seenBy(MaliceActor actor) {
    return allAtOnce ? List.of(actor) : actors;
  }

  MaliceActor anySeenBy(MaliceActor actor) {
    return allAtOnce ? actor : actors.get(actor.random.nextInt(ACTORS));
  }

  /** Lets the pool refuse chunks soon, or not. */
  void limitPool(Random random) {
    boolean limited = random.nextInt(3) == 0;
    ChunkPool.memoryLimit(limited ? ChunkPool.stats().inUseBytes() + (1 << 17) : Long.MAX_VALUE);
  }

  void wrapped(MaliceMemory memory) {
    memories.add(memory);
  }

  void tracked(MaliceCode.Resource resource) {
    resources.add(resource);
  }

  void guarded(MaliceCode.Refusing guard) {
    guards.add(guard);
  }

  /** Notes a failure; the first is what the program throws. */
  void report(Throwable failed) {
    failure.compareAndSet(null, failed);
  }
}
