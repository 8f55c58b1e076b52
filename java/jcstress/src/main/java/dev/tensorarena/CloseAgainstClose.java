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

/** Two threads release the two handles of one allocation. */
@JCStressTest
@Description("close() against close() of two handles of the same bytes")
@Outcome(id = "7, 7, 1", expect = ACCEPTABLE, desc = "Both read, then the last one unpinned once.")
@Outcome(
    expect = FORBIDDEN,
    desc = "Bytes that went too early, or a pin lost or counted out twice.")
@State
public class CloseAgainstClose extends EndedContext {
  private final SharedTensor other = handle.share();

  @Actor
  public void one(III_Result r) {
    r.r1 = (int) handle.getLongAt(0);
    handle.close();
  }

  @Actor
  public void other(III_Result r) {
    r.r2 = (int) other.getLongAt(0);
    other.close();
  }

  @Arbiter
  public void end(III_Result r) {
    r.r3 = end();
  }
}
