package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The system refuses memory, or the JVM a buffer over it, at every single point where it is asked:
 * once at the nth request, and from the nth on, for every n until a run is refused nothing.
 */
class RefusedMemoryTest {
  @Test
  @Tag("reliability")
  void everyRequestIsRefusedOnceAndForGood() throws Exception {
    String library = System.getProperty("tensorarena.faults");
    TestSupport.Outcome outcome =
        TestSupport.fork(
            List.of("-Xmx512m", "-Dtensorarena.leakDetection=off"), EveryRequest.class, library);
    outcome.assertSucceeded().assertPrinted("once", "for good");
    System.out.print(outcome.output());
  }

  @Test
  void theReleasedLibraryCannotBeAskedToRefuse() throws Exception {
    assertThrows(UnsatisfiedLinkError.class, NativeFaults::requests);
    String resource =
        "/natives/" + NativeLibrary.platform() + "/" + System.mapLibraryName("tensorarena");
    byte[] released = NativeArena.class.getResourceAsStream(resource).readAllBytes();
    byte[] testing =
        Files.readAllBytes(
            Path.of(
                System.getProperty("tensorarena.faults"), System.mapLibraryName("tensorarena")));
    assertFalse(new String(released, StandardCharsets.ISO_8859_1).contains("NativeFaults"));
    assertTrue(new String(testing, StandardCharsets.ISO_8859_1).contains("NativeFaults"));
  }

  /**
   * Runs the same program for every n, each time on a library of its own that has no memory yet.
   */
  static final class EveryRequest {
    public static void main(String[] args) throws Exception {
      Path library = Path.of(args[0], System.mapLibraryName("tensorarena"));
      for (boolean forGood : new boolean[] {false, true}) {
        long requests = 0;
        long pending = 0;
        for (boolean any = true; any; ) {
          long n = requests + 1;
          long to = forGood ? Long.MAX_VALUE : n;
          boolean[] refused = run(library, n, to, false);
          any = refused[0];
          if (any) {
            requests = n;
          }
          if (refused[1]) { // only buffers are refused in two ways
            run(library, n, to, true);
            pending++;
          }
        }
        assertTrue(requests > 20, "the program asks in many places, or it proves little");
        assertTrue(pending > 2, "and in some of them for a buffer");
        System.out.printf(
            "%d requests, each refused %s; buffers by NULL alone, and %d times pending%n",
            requests, forGood ? "for good" : "once", pending);
      }
    }

    private static boolean[] run(Path library, long from, long to, boolean withException)
        throws Exception {
      Path folder = Files.createTempDirectory("faults");
      Path copy = Files.copy(library, folder.resolve(library.getFileName()));
      System.setProperty("tensorarena.library.path", folder.toString());
      try (FreshLoader loader = new FreshLoader()) {
        return (boolean[])
            loader
                .loadClass(RefusedMemoryProgram.class.getName())
                .getMethod("run", long.class, long.class, boolean.class)
                .invoke(null, from, to, withException);
      } catch (Exception e) {
        throw new AssertionError("refused from request " + from + " to " + to, e);
      } finally {
        Files.delete(copy);
        Files.delete(folder);
      }
    }
  }

  /** The cap of the process is reached by several threads at once, again and again. */
  @Test
  void atTheProcessesCapEveryThreadIsRefusedAndNothingIsLost() throws Exception {
    TestSupport.fork(List.of("-Dtensorarena.maxMemory=4m"), AtTheCap.class).assertSucceeded();
  }

  static final class AtTheCap {
    private static final long CAP = 4 << 20;

    public static void main(String[] args) throws Exception {
      List<Thread> threads = new ArrayList<>();
      List<Throwable> failures = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        int number = i;
        Thread thread = new Thread(() -> allocateUpToTheCap(number));
        thread.setUncaughtExceptionHandler(
            (which, failure) -> {
              synchronized (failures) {
                failures.add(failure);
              }
            });
        thread.start();
        threads.add(thread);
      }
      for (Thread thread : threads) {
        thread.join();
      }
      assertEquals(List.of(), failures);
      assertEquals(0, ChunkPool.stats().inUseChunks());
      assertEquals(0, ChunkPool.openContexts());
      try (ExecutionContext ctx = ExecutionContext.open()) {
        ctx.empty(DType.INT8, CAP); // all of it is there
      }
    }

    private static void allocateUpToTheCap(int number) {
      for (int round = 0; round < 50; round++) {
        int refused = 0;
        try (ExecutionContext ctx = ExecutionContext.open()) {
          List<Tensor> tensors = new ArrayList<>();
          List<SharedTensor> handles = new ArrayList<>();
          while (refused < 3) {
            long before = ctx.memoryUsage();
            try {
              byte value = (byte) (number + tensors.size());
              tensors.add(ctx.empty(DType.INT8, 100_000).fill(value));
              handles.add(tensors.get(tensors.size() - 1).share());
            } catch (MemoryLimitExceededException e) {
              assertEquals(CAP, e.limit());
              assertEquals(before, ctx.memoryUsage());
              refused++;
            }
            assertTrue(ChunkPool.stats().inUseBytes() <= CAP);
          }
          ctx.reset(); // what is shared outlives it
          for (int i = 0; i < handles.size(); i++) {
            SharedTensor handle = handles.get(i);
            assertEquals((byte) (number + i), handle.getByteAt(0));
            assertEquals((byte) (number + i), handle.getByteAt(99_999));
            handle.close();
          }
        }
      }
    }
  }
}
