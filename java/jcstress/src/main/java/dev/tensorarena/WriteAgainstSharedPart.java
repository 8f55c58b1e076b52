package dev.tensorarena;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZI_Result;

/** One of two parts is shared: the whole is frozen while they are open, and then for good. */
@JCStressTest
@Description("The whole is written while a part is shared and both are closed")
@Outcome(id = "false, false, 9", expect = ACCEPTABLE, desc = "Refused, and the share is whole.")
@Outcome(expect = FORBIDDEN, desc = "What was shared is written.")
@State
public class WriteAgainstSharedPart {
  private volatile TensorParts handed;
  private volatile SharedTensor shared;

  @Actor
  public void owner(ZZI_Result r) {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor whole = ctx.zeros(DType.INT64, 2);
      TensorParts parts = whole.split(0, 2);
      handed = parts;
      while (parts.isOpen()) {
        r.r1 |= isWritten(whole);
      }
      r.r2 = isWritten(whole);
    }
  }

  private static boolean isWritten(Tensor whole) {
    try {
      whole.setLongAt(1, 1);
      return true;
    } catch (IllegalStateException e) {
      return false;
    }
  }

  @Actor
  public void worker(ZZI_Result r) {
    TensorParts parts;
    while ((parts = handed) == null) {
      Thread.onSpinWait();
    }
    try (TensorPart part = parts.get(1)) {
      Tensor mine = part.tensor();
      mine.setLongAt(0, 9);
      shared = mine.share();
    }
    parts.get(0).close();
  }

  @Arbiter
  public void end(ZZI_Result r) {
    r.r3 = (int) shared.getLongAt(0);
    shared.close();
  }
}
