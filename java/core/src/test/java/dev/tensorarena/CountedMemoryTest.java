package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static dev.tensorarena.TestSupport.runOnThread;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.Reference;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The memory of a buffer, or at an address, that is wrapped with what is to run in the end. */
class CountedMemoryTest {
  private static final ByteBuffer EIGHT = ByteBuffer.allocateDirect(8);

  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  @Test
  void aBufferIsReleasedByWhatWasGivenWithIt() throws Exception {
    AtomicInteger times = new AtomicInteger();
    ByteBuffer direct = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder());
    Tensor tensor = ctx.wrap(direct, DType.FLOAT32, Shape.of(2), times::incrementAndGet).fill(2f);
    ForeignMemory memory = tensor.memory().foreign();
    memory.released(); // nobody else's to call
    SharedTensor handle = tensor.share();
    ctx.reset();
    assertEquals(2, direct.getFloat(4));
    assertEquals(2, handle.getFloat(1));
    Tensor again = ctx.wrap(memory, DType.FLOAT32, Shape.of(2));
    runOnThread("last", handle::close);
    assertEquals(0, times.get());
    assertEquals(2, again.getFloat(1));
    ctx.reset();
    assertEquals(1, times.get());
    assertFalse(memory.isAlive());
    assertRefuses(() -> ctx.wrap(memory, DType.FLOAT32, Shape.of(2)), "has gone");
  }

  @Test
  void memoryAtAnAddressIsReleasedWhenItsLastTensorHasGone() {
    AtomicInteger times = new AtomicInteger();
    ByteBuffer block = ByteBuffer.allocateDirect(24).order(ByteOrder.nativeOrder());
    long address = NativeArena.bufferAddress(block);
    ForeignMemory memory = ForeignMemory.ofAddress(address, 24, times::incrementAndGet);
    memory.released(); // nobody else's to call
    Scope scope = ctx.scope();
    Tensor first = ctx.wrap(memory, DType.FLOAT64, Shape.of(3)).fill(1.5);
    SharedTensor handle = first.share();
    scope.close();
    Tensor second = ctx.wrap(memory, DType.INT8, Shape.of(24));
    assertEquals(address, second.address());
    handle.close();
    assertEquals(0, times.get());
    assertEquals(1.5, block.getDouble(16));
    ctx.reset();
    assertEquals(1, times.get());
    assertRefuses(() -> ctx.wrap(memory, DType.INT8, Shape.of(24)), "has gone", "24 bytes at 0x");
  }

  /** A raw view of it would read what was freed. */
  @Test
  void memoryAtAnAddressIsNotReleasedWhileARawViewCanBeReached() throws Exception {
    AtomicInteger times = new AtomicInteger();
    ByteBuffer block = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder());
    ForeignMemory memory =
        ForeignMemory.ofAddress(NativeArena.bufferAddress(block), 8, times::incrementAndGet);
    FloatBuffer view = rawViewOf(memory);
    FloatBuffer[] views = {view.slice(1, 1), view};
    view = null;
    for (int i = 0; i < views.length; i++) {
      for (int j = 0; j < 5; j++) {
        System.gc();
        Thread.sleep(10);
      }
      assertEquals(0, times.get());
      assertTrue(memory.isAlive());
      assertEquals(2, views[i].get(0));
      views[i] = null;
    }
    awaitRelease(times);
    assertFalse(memory.isAlive());
    Reference.reachabilityFence(block);
  }

  /** The hold of a view is one of the buffer that it is a view of, which may be written. */
  @Test
  void readOnlyMemoryIsHeldByItsRawViewsToo() throws Exception {
    AtomicInteger times = new AtomicInteger();
    ByteBuffer block = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder());
    block.putFloat(4, 2);
    ForeignMemory memory =
        ForeignMemory.ofReadOnlyAddress(
            NativeArena.bufferAddress(block), 8, times::incrementAndGet);
    assertTrue(memory.part(0, 8).isReadOnly());
    FloatBuffer view = readOnlyViewOf(memory);
    assertTrue(view.isReadOnly());
    for (int j = 0; j < 5; j++) {
      System.gc();
      Thread.sleep(10);
    }
    assertEquals(0, times.get());
    assertEquals(2, view.get(1));
    Reference.reachabilityFence(view);
    view = null;
    awaitRelease(times);
    Reference.reachabilityFence(block);
  }

  private FloatBuffer readOnlyViewOf(ForeignMemory memory) {
    Tensor tensor = ctx.wrap(memory, DType.FLOAT32, Shape.of(2));
    assertFalse(tensor.isWritable());
    assertRefuses(() -> tensor.setFloatAt(0, 1), "read-only");
    FloatBuffer view = tensor.asFloatBuffer();
    ctx.reset();
    return view;
  }

  private static void awaitRelease(AtomicInteger times) throws InterruptedException {
    for (int i = 0; i < 500 && times.get() == 0; i++) {
      System.gc();
      Thread.sleep(10);
    }
    assertEquals(1, times.get(), "released once no view can be reached");
  }

  /** It runs on a Cleaner's thread then, where nobody else would say so. */
  @Test
  void anErrorOfTheOwnerIsLoggedWhereTheLastRawViewIsCollected() {
    Error error = new Error("an owner's");
    ByteBuffer block = ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder());
    Runnable released =
        () -> {
          throw error;
        };
    ForeignMemory memory = ForeignMemory.ofAddress(NativeArena.bufferAddress(block), 8, released);
    assertTrue(LibraryLog.tellsOf(error, () -> rawViewOf(memory)));
    Reference.reachabilityFence(block);
  }

  private FloatBuffer rawViewOf(ForeignMemory memory) {
    Tensor tensor = ctx.wrap(memory, DType.FLOAT32, Shape.of(2)).fill(2);
    assertEquals(2, tensor.asByteBuffer().getFloat(4));
    FloatBuffer view = tensor.slice(0, 0, 2).asFloatBuffer();
    ctx.reset();
    return view;
  }

  /** What holds the bytes holds the object, which may be all that keeps them. */
  @Test
  void aPinAndAShareKeepTheMemoryReachable() {
    for (boolean pinned : new boolean[] {true, false}) {
      WeakReference<ByteBuffer> buffer;
      AutoCloseable hold;
      {
        ByteBuffer direct = ByteBuffer.allocateDirect(1 << 20);
        buffer = new WeakReference<>(direct);
        Tensor tensor = ctx.wrap(direct, DType.INT8, Shape.of(1 << 20));
        SharedTensor handle = tensor.share();
        hold = pinned ? TensorPin.of(handle) : handle.share();
        handle.close();
        tensor = null;
        handle = null;
        direct = null;
      }
      ctx.reset();
      for (int i = 0; i < 5; i++) {
        System.gc();
      }
      assertNotNull(buffer.get());
      closed(hold);
      hold = null;
      for (int i = 0; i < 100 && buffer.get() != null; i++) {
        System.gc();
      }
      assertNull(buffer.get(), "and no longer");
    }
  }

  private static void closed(AutoCloseable hold) {
    try {
      hold.close();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  /** Whatever lets go where the stack ends can be asked once more, and has told nobody half. */
  @Test
  void noReleaseIsLostWhereTheStackEnds() throws Exception {
    int[] released = {0};
    int handles = 40;
    List<AutoCloseable> holds = new ArrayList<>();
    for (int i = 0; i < handles; i++) {
      Tensor tensor = ctx.wrap(EIGHT, DType.INT8, Shape.of(8), () -> released[0]++);
      holds.add(i % 2 == 0 ? tensor.share() : TensorPin.of(tensor));
    }
    ctx.reset();
    Thread small =
        new Thread(
            null,
            () -> {
              for (int i = 0; i < handles; i++) {
                closeAtTheEdge(holds.get(i), i % 16);
              }
            },
            "small",
            512 << 10);
    small.start();
    small.join();
    assertEquals(handles, released[0]);
  }

  /**
   * Calls itself until the stack ends, in frames that end elsewhere each time, and closes there.
   */
  private static long closeAtTheEdge(AutoCloseable hold, long size) {
    try {
      return size % 2 == 0 ? closeAtTheEdge(hold, size) : widely(hold, size, size, size, size);
    } catch (StackOverflowError e) {
      closed(hold);
      return 0;
    }
  }

  private static long widely(AutoCloseable hold, long a, long b, long c, long d) {
    return closeAtTheEdge(hold, a == 1 ? 0 : a - 2) + b * c + d;
  }

  /** Owner and others let go in every order, also at once. */
  @Test
  void whoeverLetsGoLastReleasesItOnce() throws Exception {
    int rounds = 20_000;
    BlockingQueue<SharedTensor> queue = new ArrayBlockingQueue<>(64);
    AtomicInteger released = new AtomicInteger();
    ByteBuffer direct = ByteBuffer.allocateDirect(8);
    List<Throwable> failures = new ArrayList<>();
    Thread other =
        new Thread(
            () -> {
              try {
                for (int i = 0; i < rounds; i++) {
                  SharedTensor handle = queue.take();
                  SharedTensor again = i % 3 == 0 ? handle.tryShare() : null;
                  handle.close();
                  if (again != null) {
                    again.getByte(0);
                    again.close();
                  }
                }
              } catch (Throwable e) {
                failures.add(e);
              }
            });
    other.start();
    for (int i = 0; i < rounds; i++) {
      AtomicInteger times = new AtomicInteger();
      Scope scope = ctx.scope();
      Tensor tensor =
          ctx.wrap(
              direct,
              DType.INT8,
              Shape.of(8),
              () -> {
                if (times.incrementAndGet() == 1) {
                  released.incrementAndGet();
                }
              });
      SharedTensor mine = i % 2 == 0 ? tensor.share() : null;
      queue.put(tensor.share());
      if (mine != null) {
        mine.close();
      }
      scope.close();
      assertTrue(times.get() <= 1);
    }
    other.join();
    assertTrue(failures.isEmpty(), failures.toString());
    assertEquals(rounds, released.get());
  }
}
