package dev.tensorarena;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.IZ_Result;

/** The owner takes its bytes back to write them, while another thread takes a share of a handle. */
@JCStressTest
@Description("tryShare() against the owner's plain close() and mutable() of its original")
@Outcome(id = "0, true", expect = ACCEPTABLE, desc = "Closed first: the same bytes, no share.")
@Outcome(id = "7, false", expect = ACCEPTABLE, desc = "Shared first: a copy was written to.")
@Outcome(id = "0, false", expect = ACCEPTABLE, desc = "Each saw the other and gave way.")
@Outcome(expect = FORBIDDEN, desc = "A share of bytes that were written.")
@State
public class TryShareAgainstOwnersClose extends HandedOver {
  private volatile boolean tried;
  private SharedTensor share;

  @Actor
  public void write(IZ_Result r) {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor original = ctx.allocSlice(VALUE);
      SharedTensor handle = original.share();
      put(handle);
      handle.close();
      Tensor writable = original.mutable(ctx);
      writable.setLongAt(0, 9);
      r.r2 = writable.address() == original.address();
      while (!tried) {
        Thread.onSpinWait();
      }
    }
  }

  @Actor
  public void share() {
    share = take().tryShare();
    tried = true;
  }

  @Arbiter
  public void end(IZ_Result r) {
    if (share != null) {
      r.r1 = (int) share.getLongAt(0);
      share.close();
    }
  }
}
