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

/** The bytes are the part's until it is closed, and home afterwards. */
@JCStressTest
@Description("A part is written and closed while the context of the whole ends")
@Outcome(id = "7, 0, 1", expect = ACCEPTABLE, desc = "Its own bytes, nobody else's, and one pin.")
@Outcome(expect = FORBIDDEN, desc = "Another's bytes were written or read, or a pin lost.")
@State
public class PartCloseAgainstOwnersEnd {
  private volatile TensorPart handed;
  private long chunk;
  private SharedTensor keeper;

  @Actor
  public void owner(III_Result r) {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      keeper = ctx.allocSlice(0L).share(); // else the chunk would go home
      Scope scope = ctx.scope();
      Tensor whole = ctx.zeros(DType.INT64, 2);
      chunk = Chunks.of(whole);
      TensorParts parts = whole.split(0, 2);
      handed = parts.get(1);
      parts.get(0).close();
      scope.close();
      Tensor next = ctx.zeros(DType.INT64, 100);
      Thread.onSpinWait();
      for (int i = 0; i < 100; i++) {
        r.r2 += (int) next.getLongAt(i);
      }
    }
  }

  @Actor
  public void worker(III_Result r) {
    TensorPart part;
    while ((part = handed) == null) {
      Thread.onSpinWait();
    }
    try (TensorPart mine = part) {
      Tensor tensor = mine.tensor();
      tensor.setLongAt(0, 7);
      r.r1 = (int) tensor.getLongAt(0);
    }
  }

  @Arbiter
  public void end(III_Result r) {
    r.r3 = Chunks.pins(chunk);
    keeper.close();
  }
}
