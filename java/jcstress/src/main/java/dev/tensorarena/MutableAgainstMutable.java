package dev.tensorarena;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZI_Result;

/** Misuse: two threads give the bytes of one handle a new life. */
@JCStressTest
@Description("mutable() of the sole handle against mutable() of it")
@Outcome(id = "true, false, 1", expect = ACCEPTABLE, desc = "The first has them.")
@Outcome(id = "false, true, 1", expect = ACCEPTABLE, desc = "The second has them.")
@Outcome(expect = FORBIDDEN, desc = "Both have them, or nobody, or a pin lost or twice out.")
@State
public class MutableAgainstMutable extends EndedContext {
  private boolean write() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      handle.mutable(ctx).setLongAt(0, 9);
      return true;
    } catch (IllegalStateException e) {
      return false;
    }
  }

  @Actor
  public void one(ZZI_Result r) {
    r.r1 = write();
  }

  @Actor
  public void another(ZZI_Result r) {
    r.r2 = write();
  }

  @Arbiter
  public void end(ZZI_Result r) {
    r.r3 = end();
  }
}
