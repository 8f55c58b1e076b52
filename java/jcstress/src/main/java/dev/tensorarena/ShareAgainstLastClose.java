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

/** A cache evicts a handle while another thread takes a share of it. */
@JCStressTest
@Description("tryShare() of the last handle against its close()")
@Outcome(id = "2, 7, 1", expect = ACCEPTABLE, desc = "The share came first and held the bytes.")
@Outcome(id = "0, 0, 1", expect = ACCEPTABLE, desc = "The close came first: no share.")
@Outcome(expect = FORBIDDEN, desc = "A share of freed bytes, or a pin lost or counted out twice.")
@State
public class ShareAgainstLastClose extends EndedContext {
  private SharedTensor share;

  @Actor
  public void share(III_Result r) {
    share = handle.tryShare();
    if (share != null) {
      r.r1 = pins();
      r.r2 = (int) share.getLongAt(0);
    }
  }

  @Actor
  public void close() {
    handle.close();
  }

  @Arbiter
  public void end(III_Result r) {
    if (share != null) {
      share.close();
    }
    r.r3 = end();
  }
}
