package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random programs over the steps of {@code docs/model/lifetimes.py}: the owner shares originals,
 * two threads share and close handles, the scope ends at some point. One step at a time, each on
 * the thread that the program says, and after each step the model's invariants:
 *
 * <ul>
 *   <li>held: a live handle shows its bytes, and its chunk is in use
 *   <li>once: the chunk comes home once, so that it is not used by two
 *   <li>freed: when the scope has ended and nobody holds anything, it has come home
 *   <li>valid: no share through a live handle is refused
 * </ul>
 */
@Tag("platform")
class CountProtocolTest {
  private static final ExecutorService OWNER = Executors.newSingleThreadExecutor();
  private static final ExecutorService OTHER = Executors.newSingleThreadExecutor();
  private static final int ALLOCATIONS = 2;

  @AfterAll
  static void shutDown() {
    OWNER.shutdown();
    OTHER.shutdown();
  }

  /** A live handle and the allocation that it is of. */
  private record Held(SharedTensor handle, int allocation) {}

  private final List<Tensor> originals = new ArrayList<>();
  private final List<Held> held = new ArrayList<>();
  private final List<SharedTensor> closed = new ArrayList<>();
  private final long pinnedBefore = ChunkPool.stats().pinnedChunks();
  private final long inUseBefore = ChunkPool.stats().inUseChunks();
  private ExecutionContext ctx;
  private boolean ended;

  static IntStream seeds() {
    return IntStream.range(0, 400);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void everyProgramKeepsWhatIsHeldAndFreesTheRest(int seed) throws Exception {
    Random random = new Random(seed);
    on(OWNER, this::open);
    int steps = 5 + random.nextInt(30);
    for (int i = 0; i < steps; i++) {
      step(random);
      assertInvariants();
    }
    if (!ended) {
      on(OWNER, this::end);
      assertInvariants();
    }
    while (!held.isEmpty()) {
      close(random);
      assertInvariants();
    }
    assertEquals(inUseBefore, ChunkPool.stats().inUseChunks());
  }

  private static <T> T on(ExecutorService thread, Callable<T> step) throws Exception {
    try {
      return thread.submit(step).get();
    } catch (ExecutionException e) {
      throw new AssertionError(e.getCause());
    }
  }

  private static ExecutorService either(Random random) {
    return random.nextBoolean() ? OWNER : OTHER;
  }

  private Object open() {
    ctx = ExecutionContext.open();
    for (int i = 0; i < ALLOCATIONS; i++) {
      originals.add(ctx.empty(DType.INT8, 1000).fill(i + 1));
    }
    return null;
  }

  private Object end() {
    ctx.close();
    ended = true;
    return null;
  }

  private void step(Random random) throws Exception {
    int which = random.nextInt(20);
    if (which == 0 && !ended) {
      on(OWNER, this::end);
    } else if (which < 6 && !ended) {
      int allocation = random.nextInt(ALLOCATIONS);
      held.add(new Held(on(OWNER, originals.get(allocation)::share), allocation));
    } else if (which < 12 && !held.isEmpty()) {
      Held source = held.get(random.nextInt(held.size()));
      SharedTensor handle =
          random.nextBoolean()
              ? on(either(random), source.handle()::share)
              : on(either(random), source.handle()::tryShare);
      assertNotNull(handle, "valid: a live handle can be shared");
      held.add(new Held(handle, source.allocation()));
    } else if (which < 18 && !held.isEmpty()) {
      close(random);
    } else if (!closed.isEmpty()) {
      SharedTensor dead = closed.get(random.nextInt(closed.size()));
      assertNull(on(either(random), dead::tryShare));
      on(either(random), Executors.callable(dead::close));
    }
  }

  private void close(Random random) throws Exception {
    SharedTensor handle = held.remove(random.nextInt(held.size())).handle();
    on(either(random), Executors.callable(handle::close));
    closed.add(handle);
  }

  private void assertInvariants() throws Exception {
    for (Held any : held) {
      assertTrue(any.handle().isAlive());
      assertEquals(any.allocation() + 1, any.handle().getByte(999), "held");
    }
    ChunkPool.Stats now = ChunkPool.stats();
    int needed = !ended || !held.isEmpty() ? 1 : 0;
    assertEquals(inUseBefore + needed, now.inUseChunks(), "held, once and freed");
    assertEquals(pinnedBefore + (ended ? needed : 0), now.pinnedChunks());
    if (ended) {
      // What has come home is handed out again: it must not be what is held.
      try (ExecutionContext next = ExecutionContext.open()) {
        next.empty(DType.INT8, 65_536).fill(-1);
      }
    }
  }

  /** After the end uniqueness is known on every thread, and only then off the owner's. */
  @ParameterizedTest
  @MethodSource("seeds")
  void mutableGivesTheSameBytesExactlyToTheSoleHolder(int seed) throws Exception {
    Random random = new Random(seed);
    on(OWNER, this::open);
    int shares = 1 + random.nextInt(4);
    for (int i = 0; i < shares; i++) {
      Tensor source = i > 0 && random.nextBoolean() ? held.get(0).handle() : originals.get(0);
      held.add(new Held(on(i == 0 || source.scope != null ? OWNER : OTHER, source::share), 0));
    }
    int releases = random.nextInt(shares);
    int endAt = random.nextInt(shares + 1);
    for (int i = 0; i <= releases; i++) {
      if (i == endAt) {
        on(OWNER, this::end);
      }
      if (i < releases) {
        close(random);
      }
    }
    boolean sole = ended && held.size() == 1;
    SharedTensor handle = held.remove(0).handle();
    AtomicInteger value = new AtomicInteger();
    boolean same =
        on(
            OTHER,
            () -> {
              long address = handle.address();
              try (ExecutionContext own = ExecutionContext.open()) {
                Tensor writable = handle.mutable(own);
                value.set(writable.getByte(999));
                writable.fill(9);
                return writable.address() == address;
              }
            });
    assertEquals(sole, same);
    assertEquals(1, value.get());
    assertFalse(handle.isAlive());
    if (!ended) {
      on(OWNER, this::end);
    }
    while (!held.isEmpty()) {
      assertEquals(1, held.get(0).handle().getByte(0));
      close(random);
    }
  }
}
