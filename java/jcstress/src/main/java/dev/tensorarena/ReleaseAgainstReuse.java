package dev.tensorarena;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.IZI_Result;

/** A scope is rewound and its room written again while another thread reads and lets go. */
@JCStressTest
@Description("a release against the reuse of the bytes by the scope's own arena")
@Outcome(id = "7, true, 0", expect = ACCEPTABLE, desc = "Released first: the same bytes again.")
@Outcome(id = "7, false, 0", expect = ACCEPTABLE, desc = "Still pinned: the floor held.")
@Outcome(
    expect = FORBIDDEN,
    desc = "Bytes written under a reader, or a chunk that never came home.")
@State
public class ReleaseAgainstReuse extends HandedOver {
  @Actor
  public void own(IZI_Result r) {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ctx.allocTemp(0L); // so that the scope begins in a chunk
      Scope scope = ctx.scope();
      Tensor tensor = ctx.allocSlice(VALUE);
      long before = tensor.address();
      put(tensor.share());
      scope.close();
      r.r2 = ctx.allocSlice(9L).address() == before;
    }
  }

  @Actor
  public void release(IZI_Result r) {
    r.r1 = readAndClose();
  }

  @Arbiter
  public void end(IZI_Result r) {
    r.r3 = Chunks.leaked();
  }
}
