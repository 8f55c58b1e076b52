package dev.tensorarena.ffm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.ForeignMemory;
import dev.tensorarena.Scope;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import dev.tensorarena.TensorPin;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Wrapped memory that is unmapped when it is released: whatever reads it too late crashes the JVM.
 * Random programs of three threads, which hand handles and pins on; each page must be unmapped
 * once. As long as {@code -Dreliability.fuzzSeconds}.
 */
class UnmappedMemoryTest {
  private static final long SECONDS = Long.getLong("reliability.fuzzSeconds", 2);
  private static final long BYTES = 8192;
  private static final Shape SHAPE = Shape.of(32, 64);

  private static final MethodHandle MMAP =
      function("mmap", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
  private static final MethodHandle MUNMAP = function("munmap", JAVA_INT, JAVA_LONG, JAVA_LONG);

  private final AtomicLong mapped = new AtomicLong();
  private final AtomicLong unmapped = new AtomicLong();
  private final BlockingQueue<AutoCloseable> handedOn = new LinkedBlockingQueue<>(200);

  private static MethodHandle function(String name, MemoryLayout result, MemoryLayout... of) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().find(name).orElseThrow(), FunctionDescriptor.of(result, of));
  }

  private long map() {
    try {
      int readAndWrite = 3;
      int privateAndAnonymous = 0x22;
      long at = (long) MMAP.invokeExact(0L, BYTES, readAndWrite, privateAndAnonymous, -1, 0L);
      mapped.incrementAndGet();
      return at;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private void unmap(long at) {
    try {
      assertEquals(0, (int) MUNMAP.invokeExact(at, BYTES));
      unmapped.incrementAndGet();
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  @Test
  @Tag("reliability")
  void memoryThatIsUnmappedWhenItIsReleasedIsNeverReadAndUnmappedOnce() throws Exception {
    long end = System.nanoTime() + SECONDS * 1_000_000_000;
    AtomicReference<Throwable> failure = new AtomicReference<>();
    List<Thread> threads = new ArrayList<>();
    for (int seed = 0; seed < 3; seed++) {
      Random random = new Random(seed);
      Thread thread =
          new Thread(
              () -> {
                try {
                  new Programs(random).run(end);
                } catch (Throwable e) {
                  failure.set(e);
                }
              });
      thread.start();
      threads.add(thread);
    }
    for (Thread thread : threads) {
      thread.join();
    }
    closeAll(new ArrayList<>(handedOn));
    handedOn.clear(); // a handle that is closed still refers to the buffer of raw views
    assertNull(failure.get(), () -> String.valueOf(failure.get()));
    for (int i = 0; i < 500 && unmapped.get() != mapped.get(); i++) {
      System.gc(); // raw views and segments of closed handles hold it until nobody can reach them
      Thread.sleep(10);
    }
    assertEquals(mapped.get(), unmapped.get());
    assertTrue(mapped.get() > 100);
  }

  private static void closeAll(List<AutoCloseable> holds) throws Exception {
    for (AutoCloseable hold : holds) {
      hold.close();
    }
    holds.clear();
  }

  /** Those of one thread. */
  private final class Programs {
    private final Random random;

    /** Shared handles and pins, which outlive contexts. */
    private final List<AutoCloseable> holds = new ArrayList<>();

    private final List<ByteBuffer> rawViews = new ArrayList<>();
    private final List<MemorySegment> segments = new ArrayList<>();
    private final List<Tensor> tensors = new ArrayList<>();
    private final List<Scope> scopes = new ArrayList<>();

    Programs(Random random) {
      this.random = random;
    }

    void run(long end) throws Exception {
      while (System.nanoTime() < end) {
        try (ExecutionContext ctx = ExecutionContext.open()) {
          for (int i = 0; i < 60; i++) {
            try {
              step(ctx);
            } catch (IllegalStateException | IllegalArgumentException e) {
              continue; // of what is dead, another thread's or copied nowhere: a refusal is right
            }
          }
        }
        readSegments();
        segments.clear();
        tensors.clear();
        scopes.clear();
        if (holds.size() > 100) {
          closeAll(holds);
        }
      }
      closeAll(holds);
      rawViews.clear(); // what releases the memory refers to this object
    }

    private <T> T any(List<T> list) {
      return list.isEmpty() ? null : list.get(random.nextInt(list.size()));
    }

    private void step(ExecutionContext ctx) throws Exception {
      Tensor tensor = any(tensors);
      AutoCloseable hold = any(holds);
      SharedTensor handle = hold instanceof SharedTensor shared ? shared : null;
      switch (random.nextInt(18)) {
        case 0, 1 -> tensors.add(wrapAddress(ctx));
        case 2 -> tensors.add(wrapBuffer(ctx));
        case 3 -> scopes.add(ctx.scope());
        case 4 -> close(any(scopes));
        case 5 -> keep(tensor);
        case 6 -> readSegments();
        case 7 -> readRawViews();
        case 8 -> close(hold);
        case 9 -> handOn(hold);
        case 10 -> take();
        default -> {
          if (tensor != null) {
            use(ctx, tensor);
          }
          if (handle != null) {
            use(ctx, handle);
          }
        }
      }
    }

    private Tensor wrapAddress(ExecutionContext ctx) {
      long at = map();
      ForeignMemory memory = ForeignMemory.ofAddress(at, BYTES, () -> unmap(at));
      return ctx.wrap(memory, DType.INT32, SHAPE);
    }

    private Tensor wrapBuffer(ExecutionContext ctx) {
      long at = map();
      ByteBuffer buffer = MemorySegment.ofAddress(at).reinterpret(BYTES).asByteBuffer();
      return ctx.wrap(buffer.order(ByteOrder.nativeOrder()), DType.INT32, SHAPE, () -> unmap(at));
    }

    private void close(AutoCloseable closed) throws Exception {
      if (closed != null) {
        holds.remove(closed);
        scopes.remove(closed);
        closed.close();
      }
    }

    private void keep(Tensor tensor) {
      if (tensor != null && !scopes.isEmpty()) {
        tensors.add(scopes.remove(scopes.size() - 1).closeKeeping(tensor));
      }
    }

    private void handOn(AutoCloseable hold) throws Exception {
      if (hold != null) {
        holds.remove(hold);
        if (!handedOn.offer(hold)) {
          hold.close();
        }
      }
    }

    private void take() {
      AutoCloseable taken = handedOn.poll();
      if (taken != null) {
        holds.add(taken);
      }
    }

    private void use(ExecutionContext ctx, Tensor tensor) {
      switch (random.nextInt(8)) {
        case 0 -> holds.add(tensor.share());
        case 1 -> holds.add(TensorPin.of(tensor));
        case 2 -> segments.add(Segments.of(tensor));
        case 3 -> tensors.add(tensor.slice(0, tensor.shape().dim(0) / 2, tensor.shape().dim(0)));
        case 4 -> addRawView(tensor);
        case 5 -> tensors.add(mutable(ctx, tensor));
        case 6 -> {
          if (random.nextInt(5) == 0) {
            ctx.reset();
          }
        }
        default -> tensor.getIntAt(tensor.size() - 1);
      }
    }

    private Tensor mutable(ExecutionContext ctx, Tensor tensor) {
      Tensor mine = tensor.mutable(ctx);
      holds.remove(tensor); // a handle is closed by that
      mine.setIntAt(0, 7);
      return mine;
    }

    /** Of memory at an address alone: those of a buffer end when it is released. */
    private void addRawView(Tensor tensor) {
      ForeignMemory memory = tensor.memory().foreign();
      if (memory != null && memory.toString().contains("bytes at 0x")) {
        rawViews.add(tensor.asByteBuffer());
      }
    }

    private void readRawViews() {
      rawViews.forEach(view -> view.get(view.capacity() - 1));
      if (rawViews.size() > 20) {
        rawViews.clear();
      }
    }

    private void readSegments() {
      for (MemorySegment segment : segments) {
        if (segment.scope().isAlive()) {
          segment.get(JAVA_BYTE, segment.byteSize() - 1);
        }
      }
    }
  }
}
