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
 * A thread gives its context away and goes on to share and close handles, as everybody does then;
 * the next owner shares and closes in its plain field, one of the handles among them, and moves the
 * context once more.
 */
@JCStressTest
@Description("detach() and attach() against releases and tryShare() on the thread that it left")
@Outcome(id = "7, 7, 0", expect = ACCEPTABLE, desc = "Both read whole, and the chunk came home.")
@Outcome(
    expect = FORBIDDEN,
    desc = "A refused share, bytes gone too early, or a chunk not come home.")
@State
public class MoveAgainstRelease extends Moving {
  @Actor
  public void from(III_Result r) {
    r.r1 = giveAwayAndShare();
  }

  @Actor
  public void to(III_Result r) {
    SharedTensor second;
    try (ExecutionContext ctx = take().attach()) {
      second = original.share();
      common.close();
      ctx.detach().attach();
      original.share().close();
    }
    r.r2 = (int) second.getLongAt(0);
    second.close();
  }

  @Arbiter
  public void end(III_Result r) {
    r.r3 = Chunks.leaked();
  }
}
