package dev.tensorarena.ffm;

import dev.tensorarena.Fuzzing;
import dev.tensorarena.LibraryLog;
import dev.tensorarena.MaliceThread;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Random programs with segments, arenas and tensors whose own code does whatever comes to its mind
 * wherever it is called; see {@link Fuzzing} for how long and from which seed.
 */
class SegmentMaliceTest {
  @Test
  @Tag("reliability")
  void codeInTheMiddleOfACallBreaksNoPromise() throws Exception {
    run("SEGMENTS", 1);
  }

  @Test
  @Tag("reliability")
  void handlesInTheHandsOfManyThreadsBreakNoPromise() throws Exception {
    run("SEGMENTS ALL AT ONCE", 3);
  }

  private static void run(String kind, int threads) throws Exception {
    SegmentMalice.Ends ends = new SegmentMalice.Ends();
    LibraryLog.during(
        () ->
            Fuzzing.runMalice(
                SegmentMaliceTest.class,
                2,
                kind,
                seed -> new SegmentMalice(seed, threads, ends).run()),
        told -> MaliceThread.strike());
    ends.await();
  }
}
