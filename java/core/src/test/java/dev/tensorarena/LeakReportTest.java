package dev.tensorarena;

import static dev.tensorarena.TestSupport.fork;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** What became unreachable unclosed is reported with its place. Each case has a JVM of its own. */
class LeakReportTest {
  private static void run(String level, Class<?> main) throws Exception {
    fork(List.of("-Dtensorarena.leakDetection=" + level), main).assertSucceeded();
  }

  @Test
  void aLeakedContextIsReportedWithThePlaceThatOpenedItAndReclaimed() throws Exception {
    run("all", LeakedContext.class);
  }

  @Test
  void theMemoryOfAContextThatGaveRawViewsOrAddressesOutIsOnlyReported() throws Exception {
    run("all", ExposedContext.class);
  }

  @Test
  void aLeakedHandleIsReportedWithThePlaceThatSharedIt() throws Exception {
    run("all", LeakedHandle.class);
  }

  @Test
  void aForgottenPartIsReportedWithThePlaceThatSplit() throws Exception {
    run("all", LeakedPart.class);
  }

  @Test
  void whatIsClosedInOrderIsNotReported() throws Exception {
    run("all", Orderly.class);
  }

  @Test
  void aHandleKeepsItsContextUntilItIsDetached() throws Exception {
    run("all", HeldContext.class);
  }

  @Test
  void offReportsNothing() throws Exception {
    run("off", Off.class);
  }

  @Test
  void oneOfTheFirst128IsWatchedByDefaultAndThenFewer() throws Exception {
    fork(List.of(), Sampled.class).assertSucceeded();
    run("sampled", Sampled.class);
  }

  @Test
  void theReportGoesToTheStandardLogOfTheJvm() throws Exception {
    fork(List.of("-Dtensorarena.leakDetection=all"), Unhandled.class)
        .assertSucceeded()
        .assertPrinted("WARNING", "LEAK: ExecutionContext", "LeakReportTest$Leaks.context");
  }

  @Test
  void aLevelThatDoesNotExistIsNamed() throws Exception {
    TestSupport.Outcome outcome =
        fork(List.of("-Dtensorarena.leakDetection=paranoid"), Orderly.class);
    assertTrue(outcome.exit() != 0);
    outcome.assertPrinted("-Dtensorarena.leakDetection=paranoid", "off, sampled, all");
  }

  /** Collects what is reported. Nothing is awaited by time alone: garbage is collected again. */
  static final class Reports extends Handler {
    private static final Logger LOGGER = Logger.getLogger("dev.tensorarena");
    private final BlockingQueue<LogRecord> queue = new LinkedBlockingQueue<>();

    Reports() {
      LOGGER.setUseParentHandlers(false);
      LOGGER.addHandler(this);
    }

    @Override
    public void publish(LogRecord report) {
      queue.add(report);
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}

    LogRecord next() throws InterruptedException {
      for (int i = 0; i < 3000; i++) {
        System.gc();
        LogRecord report = queue.poll(10, TimeUnit.MILLISECONDS);
        if (report != null) {
          return report;
        }
      }
      throw new AssertionError("nothing was reported");
    }

    /** Another leak is found after all that came before it. */
    void assertNoMore() throws InterruptedException {
      List<String> others = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        Leaks.context("sentinel");
        for (LogRecord next = next(); !next.getMessage().contains("sentinel"); next = next()) {
          others.add(next.getMessage());
        }
      }
      assertEquals(List.of(), others);
    }

    static void assertPlace(LogRecord report, String method) {
      assertEquals("WARNING", report.getLevel().getName());
      String trace = Arrays.toString(report.getThrown().getStackTrace());
      assertTrue(trace.contains("LeakReportTest$Leaks." + method + "("), trace);
      String place = " at " + Leaks.class.getName() + "." + method + "(LeakReportTest.java:";
      assertTrue(report.getMessage().contains(place), report.getMessage());
      assertTrue(report.getThrown().getMessage().contains("by thread \"main\""));
    }
  }

  /** The places of the leaks; each lets go of what it opened when it returns. */
  static final class Leaks {
    private Leaks() {}

    static long context(String name) {
      ExecutionContext ctx = ExecutionContext.builder().name(name).open();
      ctx.zeros(DType.INT8, 100_000);
      return ctx.executionId();
    }

    static void exposedContext(int how) throws Exception {
      ExecutionContext ctx = ExecutionContext.builder().name("exposed").open();
      Tensor tensor = ctx.zeros(DType.INT8, 100_000);
      switch (how) {
        case 0:
          tensor.address();
          break;
        case 1:
          tensor.slice(0, 0, 1).asByteBuffer();
          break;
        case 2:
          ctx.allocate(1, 1);
          break;
        case 3:
          ctx.nativeHandle();
          break;
        case 4:
          tensor.memory();
          break;
        case 5:
          try (SharedTensor shared = tensor.share()) {
            shared.address();
          }
          break;
        default:
          try (SharedTensor shared = tensor.share()) {
            TestSupport.runOnThread("elsewhere", () -> shared.asByteBuffer().get(0));
          }
      }
    }

    static void emptyContext() {
      ExecutionContext.open();
    }

    static void handleOf(ExecutionContext ctx) {
      ctx.allocSlice(1f, 2f).share();
    }

    static void handle() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        ctx.allocSlice(1f, 2f).share();
      }
    }

    static void handles(int count) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor tensor = ctx.allocSlice(1f, 2f);
        for (int i = 0; i < count; i++) {
          tensor.share();
        }
      }
    }

    static void parts(int count) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        TensorParts parts = ctx.zeros(DType.FLOAT32, count + 1, 2).splitAt(0, ends(count + 1));
        parts.get(0).tensor().fill(1f);
        parts.get(0).close();
      }
    }

    private static long[] ends(int count) {
      return LongStream.rangeClosed(1, count).toArray();
    }

    static Tensor tensorOfPart() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        return ctx.zeros(DType.FLOAT32, 3).split(0, 1).get(0).tensor();
      }
    }

    static Tensor viewOfHandle() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        return ctx.allocSlice(1f, 2f).share().slice(0, 1, 2);
      }
    }

    static SharedTensor contextOfHandle() {
      ExecutionContext ctx = ExecutionContext.builder().name("held").open();
      return ctx.allocSlice(1f, 2f).share();
    }
  }

  static final class LeakedContext {
    public static void main(String[] args) throws Exception {
      Reports reports = new Reports();
      long id = Leaks.context("leaky");
      assertEquals(1, ChunkPool.stats().inUseChunks());
      LogRecord report = reports.next();
      String message = report.getMessage();
      assertTrue(message.contains("LEAK: ExecutionContext " + id + " (leaky)"), message);
      assertTrue(message.contains("without close()"), message);
      assertTrue(message.contains("reclaimed"), message);
      Reports.assertPlace(report, "context");
      assertEquals(0, ChunkPool.stats().inUseChunks());
      try (ExecutionContext ctx = ExecutionContext.open()) {
        assertEquals(1f, ctx.allocSlice(1f).getFloat(0), "its record is used again");
      }
    }
  }

  static final class ExposedContext {
    public static void main(String[] args) throws Exception {
      Reports reports = new Reports();
      for (int how = 0; how < 7; how++) {
        Leaks.exposedContext(how);
        LogRecord report = reports.next();
        assertTrue(report.getMessage().contains("(exposed)"), report.getMessage());
        assertTrue(report.getMessage().contains("lost"), report.getMessage());
        Reports.assertPlace(report, "exposedContext");
        assertTrue(ChunkPool.stats().inUseChunks() > how, "way " + how);
      }
    }
  }

  static final class LeakedPart {
    public static void main(String[] args) throws Exception {
      Reports reports = new Reports();
      Leaks.parts(1);
      LogRecord report = reports.next();
      String message = report.getMessage();
      assertTrue(message.contains("LEAK: part 1 of a FLOAT32 tensor of shape [2, 2]"), message);
      assertTrue(message.contains("pinned for ever"), message);
      Reports.assertPlace(report, "parts");
      assertEquals(1, ChunkPool.stats().pinnedChunks());
      reports.assertNoMore();
      Leaks.parts(3);
      for (int i = 0; i < 3; i++) {
        Reports.assertPlace(reports.next(), "parts");
      }
      Tensor tensor = Leaks.tensorOfPart();
      reports.assertNoMore();
      assertEquals(0f, tensor.getFloatAt(2), "its tensor keeps a part");
      tensor = null;
      Reports.assertPlace(reports.next(), "tensorOfPart");
      try (ExecutionContext ctx = ExecutionContext.open();
          TensorParts parts = ctx.zeros(DType.FLOAT32, 3).split(0, 3)) {
        assertEquals(3, parts.count());
      }
      reports.assertNoMore();
    }
  }

  static final class LeakedHandle {
    public static void main(String[] args) throws Exception {
      Reports reports = new Reports();
      Leaks.handle();
      LogRecord report = reports.next();
      String message = report.getMessage();
      assertTrue(message.contains("LEAK: a shared FLOAT32 tensor of shape [2]"), message);
      assertTrue(message.contains("pinned for ever"), message);
      Reports.assertPlace(report, "handle");
      assertEquals(1, ChunkPool.stats().pinnedChunks());
      reports.assertNoMore();
      Leaks.handles(3);
      for (int i = 0; i < 3; i++) {
        Reports.assertPlace(reports.next(), "handles");
      }
      Tensor view = Leaks.viewOfHandle();
      reports.assertNoMore();
      assertEquals(2f, view.getFloat(0), "a view keeps its handle");
      view = null;
      Reports.assertPlace(reports.next(), "viewOfHandle");
    }
  }

  static final class Orderly {
    public static void main(String[] args) throws Exception {
      Reports reports = new Reports();
      SharedTensor last;
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor tensor = ctx.allocSlice(1f);
        tensor.share().close();
        tensor.share().mutable(ctx);
        last = tensor.share();
        SharedTensor elsewhere = tensor.share();
        TestSupport.runOnThread("consumer", elsewhere::close);
      }
      try (ExecutionContext ctx = ExecutionContext.open()) {
        last.mutable(ctx);
      }
      assertEquals(null, last.tryShare());
      last = null;
      reports.assertNoMore();
    }
  }

  static final class HeldContext {
    public static void main(String[] args) throws Exception {
      Reports reports = new Reports();
      SharedTensor shared = Leaks.contextOfHandle();
      reports.assertNoMore();
      assertEquals(1f, shared.getFloat(0));
      shared.close();
      shared = null;
      LogRecord report = reports.next();
      assertTrue(report.getMessage().contains("(held)"), report.getMessage());
    }
  }

  static final class Off {
    public static void main(String[] args) {
      Reports reports = new Reports();
      for (int i = 0; i < 1000; i++) {
        Leaks.context("leaky");
        Leaks.handle();
      }
      for (int i = 0; i < 10; i++) {
        System.gc();
      }
      assertTrue(reports.queue.isEmpty());
      for (Thread thread : Thread.getAllStackTraces().keySet()) {
        assertFalse(thread.getName().startsWith("Cleaner-"), "nothing is watched");
      }
    }
  }

  static final class Sampled {
    public static void main(String[] args) throws Exception {
      Reports reports = new Reports();
      // What leaks in every query, next to some contexts that do not, is found all the same: drawn
      // at random, so in numbers that never stray so far but once in ten billion runs.
      leakContexts(128 * 128, 0);
      assertBetween(
          8, 40, reports); // in the mean 12 until one in 2,048 is watched, and 4 from then
      for (int others = 0; others < 4; others++) {
        leakContexts(128 * 2048, others);
        assertAbout(128, reports);
        try (ExecutionContext ctx = ExecutionContext.open()) {
          for (int i = 0; i < 128 * 128; i++) {
            Leaks.handleOf(ctx);
            openAndClose(others);
          }
        }
        assertAbout(128, reports);
      }
      for (int i = 0; i < 8; i++) {
        Leaks.handles(128);
      }
      assertAbout(8, reports);
    }

    private static void leakContexts(int count, int others) {
      for (int i = 0; i < count; i++) {
        Leaks.emptyContext();
        openAndClose(others);
      }
    }

    private static void openAndClose(int contexts) {
      for (int i = 0; i < contexts; i++) {
        ExecutionContext.open().close();
      }
    }

    private static void assertAbout(int expected, Reports reports) throws InterruptedException {
      assertBetween(expected / 2, 2 * expected, reports);
    }

    /** Counts until collections, one after another, bring no more reports. */
    private static void assertBetween(int least, int most, Reports reports)
        throws InterruptedException {
      int found = 0;
      for (int without = 0; without < 10; ) {
        System.gc();
        boolean more = reports.queue.poll(30, TimeUnit.MILLISECONDS) != null;
        found += (more ? 1 : 0) + reports.queue.drainTo(new ArrayList<>());
        without = more ? 0 : without + 1;
      }
      String message = found + " reports, not " + least + " to " + most;
      assertTrue(found >= least && found <= most, message);
    }
  }

  static final class Unhandled {
    public static void main(String[] args) throws InterruptedException {
      CountDownLatch logged = new CountDownLatch(1);
      PrintStream terminal = System.err;
      // the JVM's own handler writes where this points as it first logs, a record in one piece
      System.setErr(
          new PrintStream(terminal, true) {
            @Override
            public void write(byte[] bytes, int offset, int length) {
              super.write(bytes, offset, length);
              if (new String(bytes, offset, length, StandardCharsets.UTF_8).contains("LEAK: ")) {
                logged.countDown();
              }
            }
          });
      Leaks.context("leaky");
      for (int i = 0; i < 3000 && !logged.await(10, TimeUnit.MILLISECONDS); i++) {
        System.gc();
      }
      terminal.flush();
    }
  }
}
