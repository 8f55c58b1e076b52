package dev.tensorarena;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/** One thread takes a part while another one closes it, which only one of them can. */
@JCStressTest
@Description("tensor() against close() of one TensorPart")
@Outcome(id = "true, false", expect = ACCEPTABLE, desc = "It was taken, and not closed.")
@Outcome(id = "false, true", expect = ACCEPTABLE, desc = "It was closed, and not taken.")
@Outcome(expect = FORBIDDEN, desc = "It was closed under the thread that has it, or neither.")
@State
public class TakeAgainstCloseOfOnePart {
  private final TensorPart part = part();

  /**
   * Whether it was closed in place of the thread that took it, which had ended: that is allowed.
   */
  private volatile boolean isOrphan;

  /** It has no bytes, so that nothing is lost with what nobody closes. */
  private static TensorPart part() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      return ctx.zeros(DType.INT8, 1, 0).split(0, 1).get(0);
    }
  }

  @Actor
  public void take(ZZ_Result r) {
    try {
      part.tensor().track(() -> isOrphan = true);
      r.r1 = true;
    } catch (IllegalStateException e) {
      r.r1 = false;
    }
  }

  @Actor
  public void close(ZZ_Result r) {
    try {
      part.close();
      r.r2 = !isOrphan;
    } catch (IllegalStateException e) {
      r.r2 = false;
    }
  }
}
