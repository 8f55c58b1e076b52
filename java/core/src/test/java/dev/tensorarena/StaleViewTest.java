package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Raw views that are used past the end of their bytes, by many threads, while others allocate and
 * trim. Each program has its own JVM.
 */
@Tag("reliability")
class StaleViewTest {
  private static final int SECONDS = Integer.getInteger("reliability.misuseSeconds", 2);

  @TempDir Path folder;

  private TestSupport.Outcome use(String how) throws Exception {
    TestSupport.Outcome outcome =
        TestSupport.fork(
                List.of(
                    "-XX:ErrorFile=" + folder.resolve("hs_err_%p.log"),
                    "-XX:TieredStopAtLevel=4",
                    "-ea"),
                Misuse.class,
                how,
                Integer.toString(SECONDS))
            .assertSucceeded();
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(List.of(), files.toList());
    }
    System.out.print("StaleViewTest, " + how + ": " + outcome.output());
    return outcome;
  }

  @Test
  void readingAndWritingThemNeverCrashesTheJvm() throws Exception {
    use("write").assertPrinted("0 chunks in use");
  }

  @Test
  void readingThemLeavesLiveTensorsIntact() throws Exception {
    use("read").assertPrinted("0 chunks in use");
  }

  /** Two views of the same bytes, and the first of these while they were alive. */
  private record View(ByteBuffer bytes, FloatBuffer floats, int first) {
    static View of(ByteBuffer bytes, FloatBuffer floats) {
      return new View(bytes, floats, bytes.getInt(0));
    }

    boolean changed() {
      return bytes.getInt(0) != first;
    }
  }

  /** A tensor all of one value. */
  private record Filled(Tensor tensor, float value) {
    static Filled with(float value, Tensor tensor) {
      return new Filled(tensor.fill(value), value);
    }

    void assertIntact() {
      for (float found : tensor.toFloatArray()) {
        assertEquals(value, found, () -> tensor + " was changed");
      }
    }
  }

  static final class Misuse {
    private static final int THREADS = 4;

    private final AtomicReferenceArray<View> stale = new AtomicReferenceArray<>(1024);
    private final LongAdder used = new LongAdder();
    private final LongAdder changed = new LongAdder();
    private final boolean writing;
    private final long end;

    private Misuse(boolean writing, int seconds) {
      this.writing = writing;
      this.end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    }

    public static void main(String[] args) throws Exception {
      Misuse misuse = new Misuse(args[0].equals("write"), Integer.parseInt(args[1]));
      List<FutureTask<Void>> workers = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        Random random = new Random(i);
        FutureTask<Void> worker = new FutureTask<>(() -> misuse.work(random), null);
        workers.add(worker);
        new Thread(worker, "worker " + i).start();
      }
      for (FutureTask<Void> worker : workers) {
        worker.get();
      }
      assertTrue(misuse.changed.sum() > 0, "no view was stale");
      System.out.printf(
          "%,d stale views used, %,d of them over other bytes than once, %d chunks in use%n",
          misuse.used.sum(), misuse.changed.sum(), ChunkPool.stats().inUseChunks());
    }

    private void work(Random random) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Filled live = Filled.with(random.nextFloat(), ctx.empty(DType.FLOAT32, 10_000));
        while (System.nanoTime() < end) {
          endSomeTensors(random);
          if (random.nextInt(20) == 0) {
            ChunkPool.trim();
          }
          for (int i = 0; i < 20; i++) {
            View view = stale.get(random.nextInt(stale.length()));
            if (view != null) {
              misuse(view, random);
            }
          }
          assertIntact(live);
        }
      }
    }

    /** Ends tensors in each of the ways there are, and keeps their views. */
    private void endSomeTensors(Random random) {
      ExecutionContext ctx = ExecutionContext.open();
      Scope scope = ctx.scope();
      views(ctx, random);
      scope.close();
      Filled shared = filled(ctx, random);
      SharedTensor handle = shared.tensor().share();
      keep(handle, random);
      views(ctx, random);
      ctx.reset();
      views(ctx, random);
      ctx.close();
      assertIntact(new Filled(handle, shared.value()));
      handle.close();
    }

    private void views(ExecutionContext ctx, Random random) {
      Filled filled = filled(ctx, random);
      keep(filled.tensor(), random);
      ByteBuffer room = ctx.allocate(4 + random.nextInt(1000), 64);
      keep(View.of(room, room.asFloatBuffer()), random);
      assertIntact(filled);
    }

    private static Filled filled(ExecutionContext ctx, Random random) {
      int length = 1 + random.nextInt(1 << random.nextInt(random.nextInt(10) == 0 ? 19 : 12));
      return Filled.with(random.nextFloat(), ctx.empty(DType.FLOAT32, length));
    }

    private void keep(Tensor tensor, Random random) {
      keep(View.of(tensor.asByteBuffer(), tensor.asFloatBuffer()), random);
    }

    private void keep(View view, Random random) {
      stale.set(random.nextInt(stale.length()), view);
    }

    /** What stale writes hit is the misuser's own harm; without them nothing may be. */
    private void assertIntact(Filled filled) {
      if (!writing) {
        filled.assertIntact();
      }
    }

    private void misuse(View view, Random random) {
      ByteBuffer bytes = view.bytes();
      FloatBuffer floats = view.floats();
      used.increment();
      if (view.changed()) {
        changed.increment();
      }
      byte[] block = new byte[Math.min(bytes.capacity(), 4096)];
      bytes.get(bytes.capacity() - block.length, block);
      new CRC32C().update(bytes.duplicate());
      int at = random.nextInt(floats.capacity());
      float value = floats.get(at);
      if (writing && !bytes.isReadOnly()) {
        floats.put(at, value + 1);
        random.nextBytes(block);
        bytes.put(bytes.capacity() - block.length, block);
        bytes.duplicate().put(bytes.duplicate());
      }
    }
  }
}
