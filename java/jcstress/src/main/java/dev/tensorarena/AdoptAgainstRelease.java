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
 * A thread gives its context away and goes on to share and close handles, as everybody does then,
 * while another context adopts what is in it, shares and closes in its plain field, one of the
 * handles among them, and ends.
 */
@JCStressTest
@Description("adopt() and the end after it against releases and tryShare() on the child's thread")
@Outcome(id = "7, 7, 0", expect = ACCEPTABLE, desc = "Both read whole, and the chunks came home.")
@Outcome(
    expect = FORBIDDEN,
    desc = "A refused share, bytes gone too early, or a chunk not come home.")
@State
public class AdoptAgainstRelease extends Moving {
  @Actor
  public void child(III_Result r) {
    r.r1 = giveAwayAndShare();
  }

  @Actor
  public void adopter(III_Result r) {
    SharedTensor second;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ctx.allocSlice(1L);
      Scope scope = ctx.scope();
      ctx.adopt(take());
      second = original.share();
      common.close();
      original.share().close();
      scope.close();
      ctx.allocSlice(2L);
    }
    r.r2 = (int) second.getLongAt(0);
    second.close();
  }

  @Arbiter
  public void end(III_Result r) {
    r.r3 = Chunks.leaked();
  }
}
