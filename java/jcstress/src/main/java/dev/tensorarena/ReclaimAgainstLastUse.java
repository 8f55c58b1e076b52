package dev.tensorarena;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/**
 * What was forgotten is taken back by two threads, one that looks through the table of records and
 * one that asks the queue as it allocates, while the latter uses contexts for the last time.
 */
@JCStressTest
@Description("a collection, and both ways to take back what it found, against last uses")
@Outcome(id = "0, 0, 0", expect = ACCEPTABLE, desc = "Taken back after the last use, and once.")
@Outcome(expect = FORBIDDEN, desc = "Read when it was another's, or taken back never, or twice.")
@State
public class ReclaimAgainstLastUse {
  private static final int BYTES = 1 << 18;

  private volatile boolean collected;

  private static Tensor forgotten() {
    ExecutionContext ctx = ExecutionContext.builder().zeroOnRelease(true).open();
    return ctx.empty(DType.INT8, BYTES).fill(7);
  }

  /** Reads a tensor that nobody uses afterwards. */
  private static int readLast(Tensor tensor) {
    int wrong = 0;
    for (int i = 0; i < BYTES; i++) {
      wrong += tensor.getByteAt(i) == 7 ? 0 : 1;
    }
    return wrong;
  }

  /** Only the handle is left of the context, which its scope still holds. */
  private static int readShareLast() {
    try (SharedTensor handle = forgotten().share()) {
      return readLast(handle);
    }
  }

  /** Takes long, since what ends is overwritten. */
  private static void resetLast(Tensor tensor) {
    tensor.scope.context.reset();
  }

  @Actor
  public void use(III_Result r) {
    do {
      r.r1 += readLast(forgotten());
      r.r1 += readShareLast();
      resetLast(forgotten());
    } while (!collected);
  }

  private static void takeBack() {
    System.gc();
    Window.takeBackForgotten();
  }

  @Actor
  public void collect() {
    takeBack();
    collected = true;
  }

  @Arbiter
  public void end(III_Result r) {
    takeBack();
    r.r2 = Chunks.leaked();
    r.r3 = (int) ChunkPool.stats().inUseBytes();
  }
}
