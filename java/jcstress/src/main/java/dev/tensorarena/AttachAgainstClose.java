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

/** One thread attaches a detached context while another closes it. */
@JCStressTest
@Description("attach() against close() of one DetachedContext")
@Outcome(id = "1, 1, 0", expect = ACCEPTABLE, desc = "It was attached, and closed by that thread.")
@Outcome(id = "0, 1, 0", expect = ACCEPTABLE, desc = "It was closed.")
@Outcome(expect = FORBIDDEN, desc = "Two had it, or it was closed twice, or a chunk was lost.")
@State
public class AttachAgainstClose extends InTransit {
  @Actor
  public void attach(III_Result r) {
    r.r1 = attach();
  }

  @Actor
  public void close() {
    moving.close();
  }

  @Arbiter
  public void end(III_Result r) {
    r.r2 = closed.get();
    r.r3 = Chunks.leaked();
  }
}
