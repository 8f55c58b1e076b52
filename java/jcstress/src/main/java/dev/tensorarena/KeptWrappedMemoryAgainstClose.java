package dev.tensorarena;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.nio.ByteBuffer;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/** A result over wrapped memory outlives its scope while another thread lets its share go. */
@JCStressTest
@Description("closeKeeping() of wrapped memory, and a copy of its handle, against the last close()")
@Outcome(id = "0, 1, 0", expect = ACCEPTABLE, desc = "Held by the result, and released once.")
@Outcome(expect = FORBIDDEN, desc = "Released under a holder, twice or never, or a chunk lost.")
@State
public class KeptWrappedMemoryAgainstClose extends HandedOver {
  private final ByteBuffer bytes = ByteBuffer.allocateDirect(8).put(0, (byte) 7);
  private volatile int released;

  @Actor
  public void own(III_Result r) {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Scope scope = ctx.scope();
      Tensor tensor = ctx.wrap(bytes, DType.INT8, Shape.of(8), () -> released++);
      scope.track(() -> put(tensor.share())); // before, and the result were a copy
      Tensor kept = scope.closeKeeping(tensor);
      r.r1 += kept.getByteAt(0) == 7 ? 0 : 1;
      r.r1 += released;
    }
  }

  @Actor
  public void other(III_Result r) {
    SharedTensor handle = take();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      handle.copy(ctx);
      handle.close();
    }
  }

  @Arbiter
  public void end(III_Result r) {
    r.r2 = released;
    r.r3 = Chunks.leaked();
  }
}
