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

/** Another thread tracks something by handles of the owner's while the owner closes them. */
@JCStressTest
@Description("track() against the owner's close() of many handles, and the end of their scope")
@Outcome(id = "0, 0, 0", expect = ACCEPTABLE, desc = "Each closed once, or refused.")
@Outcome(expect = FORBIDDEN, desc = "Never closed, twice, or although it was refused.")
@State
public class TrackAgainstClose extends HandedOver {
  private static final int HANDLES = 16;

  private final Tracked[] tracked = new Tracked[HANDLES];

  private static final class Tracked implements AutoCloseable {
    boolean taken;
    volatile int closed;

    @Override
    public void close() {
      closed++; // by one thread, or it is twice and some round will see it
    }
  }

  @Actor
  public void own() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      for (SharedTensor handle : putShares(ctx, HANDLES)) {
        handle.close();
      }
    }
  }

  @Actor
  public void other() {
    SharedTensor[] shared = takeAll();
    for (int i = HANDLES; --i >= 0; ) {
      Tracked each = new Tracked();
      tracked[i] = each;
      try {
        shared[i].track(each);
        each.taken = true;
      } catch (IllegalStateException e) {
        each.taken = false;
      }
    }
  }

  @Arbiter
  public void end(III_Result r) {
    for (Tracked each : tracked) {
      r.r1 += each.taken && each.closed == 0 ? 1 : 0;
      r.r2 += each.closed > 1 || !each.taken && each.closed != 0 ? 1 : 0;
    }
    r.r3 = Chunks.leaked();
  }
}
