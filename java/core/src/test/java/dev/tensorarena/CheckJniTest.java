package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

/** The JVM's own checks of the native code find nothing. */
class CheckJniTest {
  @Test
  void aRepresentativeProgramRunsWithoutAWarning() throws Exception {
    TestSupport.Outcome outcome =
        TestSupport.fork(List.of("-Xcheck:jni", "-ea"), Representative.class).assertSucceeded();
    assertEquals("", outcome.output());
  }

  static final class Representative {
    public static void main(String[] args) throws Exception {
      for (int seed = 0; seed < 20; seed++) {
        Fuzzing.runOne(ModelFuzzTest.class, ModelProgram::run, seed);
      }
      new LargeTensorTest().zeroingAndCopyingPastTheReachOfABufferIsDoneNatively();
      new LargeTensorTest().ofATensorPastTwoGiBPartsAreWithinReach();
      new LimitTest().allContextsAreLimitedToTheChunk();
      new LimitTest().whatTheSystemRefusesIsAnOutOfMemoryErrorWithTheSize();
      new ShareTest().theLastReleaseGivesTheChunkBackOnWhicheverThread();
      new StatsTest().trimGivesTheFreePagesBack();
      new StatsTest().pastTheRetainedLimitPagesGoBackToTheSystem();
    }
  }
}
