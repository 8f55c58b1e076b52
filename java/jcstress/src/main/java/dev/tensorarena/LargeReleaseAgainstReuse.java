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

/** Large tensors are released, each of which has a chunk of its own, while their scopes end. */
@JCStressTest
@Description("releases of large tensors against the end of a scope, a reset, and allocations again")
@Outcome(id = "14, 2, 0", expect = ACCEPTABLE, desc = "Both released first: the same chunks.")
@Outcome(id = "14, 1, 0", expect = ACCEPTABLE, desc = "One released first.")
@Outcome(id = "14, 0, 0", expect = ACCEPTABLE, desc = "Both still pinned: other chunks.")
@Outcome(
    expect = FORBIDDEN,
    desc = "Bytes written under a reader, or a chunk that never came home.")
@State
public class LargeReleaseAgainstReuse extends HandedOver {
  private static final Shape LARGE = Shape.of(1 << 16);

  private static Tensor allocate(ExecutionContext ctx, long value) {
    Tensor tensor = ctx.empty(DType.INT64, LARGE);
    tensor.setLongAt(0, value);
    return tensor;
  }

  @Actor
  public void own(III_Result r) {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor outer = allocate(ctx, VALUE);
      Scope scope = ctx.scope();
      Tensor inner = allocate(ctx, VALUE);
      SharedTensor handle = inner.share();
      put(handle, outer.share());
      for (int spins = 0; spins < 20 && handle.isAlive(); spins++) {
        Thread.onSpinWait(); // or the other thread were always later
      }
      scope.close();
      r.r2 += allocate(ctx, 9).start() == inner.start() ? 1 : 0;
      ctx.reset();
      long first = allocate(ctx, 9).start();
      long second = allocate(ctx, 9).start();
      r.r2 += first == outer.start() || second == outer.start() ? 1 : 0;
    }
  }

  @Actor
  public void release(III_Result r) {
    r.r1 = readAndClose();
  }

  @Arbiter
  public void end(III_Result r) {
    r.r3 = Chunks.leaked();
  }
}
