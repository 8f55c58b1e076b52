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

/** The last release gives a detached chunk to the pool while another context takes one. */
@JCStressTest
@Description("the last release against the reuse of the chunk by another context")
@Outcome(id = "7, true, 0", expect = ACCEPTABLE, desc = "Released first: the chunk came around.")
@Outcome(id = "7, false, 0", expect = ACCEPTABLE, desc = "Still pinned: another chunk.")
@Outcome(
    expect = FORBIDDEN,
    desc = "Bytes written under a reader, or a chunk that never came home.")
@State
public class ReleaseAgainstReuseOfTheChunk extends HandedOver {
  @Actor
  public void own(IZI_Result r) {
    long before;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.allocSlice(VALUE);
      before = tensor.address();
      put(tensor.share());
    }
    try (ExecutionContext next = ExecutionContext.open()) {
      r.r2 = next.allocSlice(9L).address() == before;
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
