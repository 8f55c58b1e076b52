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

/** A forgotten context's memory is taken back while another thread lets go of its last share. */
@JCStressTest
@Description("what remains of a forgotten context against the last release in its chunk")
@Outcome(id = "7, 0", expect = ACCEPTABLE, desc = "Read whole, and the chunk came home.")
@Outcome(expect = FORBIDDEN, desc = "Bytes that went too early, or a chunk that never came home.")
@State
public class ReclaimAgainstLastClose extends HandedOver {
  @Actor
  public void own() {
    ExecutionContext ctx = ExecutionContext.open();
    Scope scope = ctx.scope();
    put(ctx.allocSlice(VALUE).share());
    scope.close(); // or the handle, whose scope is open, would keep the context reachable
    ctx.allocSlice(1L).share().close(); // what the context's own scope holds goes with it
    ctx.arena().remains().reclaim(); // as once a collection has found that nobody can reach it
    try (ExecutionContext next = ExecutionContext.open()) {
      next.allocSlice(9L, 9L, 9L);
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
