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

/** Misuse: the owner closes handles with plain stores, and its scope, while another closes them. */
@JCStressTest
@Description("the owner's close() against another's of the same handles, before and after detach")
@Outcome(id = "1, 0", expect = ACCEPTABLE, desc = "Each was released once: the keeper still holds.")
@Outcome(id = "0, 0", expect = FORBIDDEN, desc = "One was released twice: freed under the keeper.")
@Outcome(expect = FORBIDDEN, desc = "One was released twice, or never.")
@State
public class CloseAgainstOwnersClose extends HandedOver {
  private static final int HANDLES = 64;

  private SharedTensor keeper;
  private long chunk;

  @Actor
  public void owner() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor original = ctx.allocSlice(7L);
      chunk = Chunks.of(original);
      keeper = original.share();
      SharedTensor[] handles = new SharedTensor[HANDLES];
      for (int i = 0; i < HANDLES; i++) {
        handles[i] = original.share();
      }
      put(handles);
      for (int i = 0; i < HANDLES / 2; i++) {
        handles[i].close();
      }
      original.share().close(); // counts what the other has closed
      for (int i = HANDLES / 2; i < HANDLES; i++) {
        handles[i].close();
      }
    }
  }

  @Actor
  public void other() {
    for (SharedTensor handle : takeAll()) {
      handle.close();
    }
  }

  @Arbiter
  public void end(II_Result r) {
    r.r1 = Chunks.pins(chunk);
    keeper.close();
    r.r2 = Chunks.pins(chunk);
  }
}
