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
 * A scope ends and lets go of one allocation after another, while another thread takes each into a
 * scope of its own as soon as it is alone with it.
 */
@JCStressTest
@Description("the end of a scope with many shared tensors against mutable() of their handles")
@Outcome(id = "0, 0, 0", expect = ACCEPTABLE, desc = "Each was taken over or copied, and ended.")
@Outcome(expect = FORBIDDEN, desc = "A hold that nobody releases, or an end that failed.")
@State
public class ScopeEndAgainstMutable extends HandedOver {
  private static final int TENSORS = 16;

  @Actor
  public void end(III_Result r) {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Scope scope = ctx.scope();
      putShares(ctx, TENSORS);
      scope.close();
    } catch (RuntimeException e) {
      r.r1++;
    }
  }

  @Actor
  public void take(III_Result r) {
    SharedTensor[] shared = takeAll();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      for (int i = 0; i < TENSORS; i++) {
        SharedTensor handle = shared[i];
        // One that is not alone yet would be copied: some are, since nobody can wait for ever.
        for (int spins = 0; spins < 200 && !handle.shared.isSoleHolder(); spins++) {
          Thread.onSpinWait();
        }
        if (handle.mutable(ctx).getLongAt(0) != i) {
          r.r2++;
        }
      }
    } catch (RuntimeException e) {
      r.r2++;
    }
  }

  @Arbiter
  public void leaked(III_Result r) {
    r.r3 = Chunks.leaked();
  }
}
