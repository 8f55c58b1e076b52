package dev.tensorarena;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/** The owner ends its context, and so the bias of the counts, while another thread lets go. */
@JCStressTest
@Description("the owner's close() of the context against another thread's release")
@Outcome(id = "7, 0", expect = ACCEPTABLE, desc = "Read whole, and the chunk came home.")
@Outcome(expect = FORBIDDEN, desc = "Bytes that went too early, or a chunk that never came home.")
@State
public class ContextCloseAgainstRelease extends HandedOver {
  @Actor
  public void own() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      put(ctx.allocSlice(VALUE).share());
    }
  }

  @Actor
  public void release(II_Result r) {
    r.r1 = readAndClose();
  }

  @Arbiter
  public void end(II_Result r) {
    r.r2 = Chunks.leaked();
  }
}
