package dev.tensorarena;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.IIII_Result;

/** One thread adopts a detached context while another attaches it. */
@JCStressTest
@Description("adopt() against attach() of one DetachedContext")
@Outcome(id = "1, 0, 1, 0", expect = ACCEPTABLE, desc = "It was adopted, and ended with the scope.")
@Outcome(id = "0, 1, 1, 0", expect = ACCEPTABLE, desc = "It was attached, and closed there.")
@Outcome(expect = FORBIDDEN, desc = "Two had it, or it was closed twice, or a chunk was lost.")
@State
public class AdoptAgainstAttach extends InTransit {
  @Actor
  public void adopt(IIII_Result r) {
    r.r1 = adopt();
  }

  @Actor
  public void attach(IIII_Result r) {
    r.r2 = attach();
  }

  @Arbiter
  public void end(IIII_Result r) {
    r.r3 = closed.get();
    r.r4 = Chunks.leaked();
  }
}
