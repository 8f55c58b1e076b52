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

/** Both threads share and release the same bytes, the owner in its plain field, until it ends. */
@JCStressTest
@Description(
    "the owner's shares, releases and close() against another thread's shares and releases")
@Outcome(id = "7, 7, 0", expect = ACCEPTABLE, desc = "Both read whole, and the chunk came home.")
@Outcome(
    expect = FORBIDDEN,
    desc = "A refused share, bytes gone too early, or a chunk not come home.")
@State
public class BiasedAgainstAtomicCounts extends HandedOver {
  @Actor
  public void own(III_Result r) {
    SharedTensor second;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.allocSlice(VALUE);
      put(tensor.share());
      tensor.share().close();
      second = tensor.share();
    }
    r.r1 = (int) second.getLongAt(0);
    second.close();
  }

  @Actor
  public void other(III_Result r) {
    SharedTensor handle = take();
    SharedTensor another = handle.tryShare();
    handle.close();
    if (another != null) {
      r.r2 = (int) another.getLongAt(0);
      another.close();
    }
  }

  @Arbiter
  public void end(III_Result r) {
    r.r3 = Chunks.leaked();
  }
}
