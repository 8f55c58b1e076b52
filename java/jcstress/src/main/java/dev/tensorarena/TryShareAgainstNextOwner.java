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

/**
 * A thread gives its context away and takes a share of a handle that it made; the next owner closes
 * that handle by a plain store, and takes the bytes back to write them.
 */
@JCStressTest
@Description("tryShare() on the thread that a context left against the next owner's mutable()")
@Outcome(id = "0, true", expect = ACCEPTABLE, desc = "Closed first: the same bytes, no share.")
@Outcome(id = "7, false", expect = ACCEPTABLE, desc = "Shared first: a copy was written to.")
@Outcome(id = "0, false", expect = ACCEPTABLE, desc = "Each saw the other and gave way.")
@Outcome(expect = FORBIDDEN, desc = "A share of bytes that were written.")
@State
public class TryShareAgainstNextOwner extends Moving {
  private volatile boolean tried;
  private SharedTensor share;

  @Actor
  public void share() {
    ExecutionContext ctx = ExecutionContext.open();
    original = ctx.allocSlice(VALUE);
    common = original.share();
    put(ctx.detach());
    share = common.tryShare();
    tried = true;
  }

  @Actor
  public void write(IZ_Result r) {
    try (ExecutionContext ctx = take().attach()) {
      common.close();
      Tensor writable = original.mutable(ctx);
      writable.setLongAt(0, 9);
      r.r2 = writable.address() == original.address();
      while (!tried) {
        Thread.onSpinWait();
      }
    }
  }

  @Arbiter
  public void end(IZ_Result r) {
    if (share != null) {
      r.r1 = (int) share.getLongAt(0);
      share.close();
    }
  }
}
