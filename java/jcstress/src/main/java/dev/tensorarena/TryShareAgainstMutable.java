package dev.tensorarena;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.IZI_Result;

/** A cache evicts a handle by making its bytes writable while another thread takes a share. */
@JCStressTest
@Description("tryShare() against mutable() of the sole handle, and a write to its result")
@Outcome(id = "0, true, 1", expect = ACCEPTABLE, desc = "Claimed first: the same bytes, no share.")
@Outcome(id = "7, false, 1", expect = ACCEPTABLE, desc = "Shared first: a copy was written to.")
@Outcome(id = "0, false, 1", expect = ACCEPTABLE, desc = "Each saw the other and gave way.")
@Outcome(
    expect = FORBIDDEN,
    desc = "A share of bytes that were written, or a pin lost or twice out.")
@State
public class TryShareAgainstMutable extends EndedContext {
  private SharedTensor share;

  @Actor
  public void share() {
    share = handle.tryShare();
  }

  @Actor
  public void write(IZI_Result r) {
    long before = handle.address();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor writable = handle.mutable(ctx);
      writable.setLongAt(0, 9);
      r.r2 = writable.address() == before;
    }
  }

  @Arbiter
  public void end(IZI_Result r) {
    if (share != null) {
      r.r1 = (int) share.getLongAt(0);
      share.close();
    }
    r.r3 = end();
  }
}
