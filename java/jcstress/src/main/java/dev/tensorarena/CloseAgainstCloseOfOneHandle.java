package dev.tensorarena;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

/** Misuse: a handle is one thread's at a time, yet two closing it release it once. */
@JCStressTest
@Description("close() against close() of the same handle, which another handle outlives")
@Outcome(id = "2", expect = ACCEPTABLE, desc = "Released once: the other handle still holds.")
@Outcome(expect = FORBIDDEN, desc = "Released twice: the other handle's bytes are gone.")
@State
public class CloseAgainstCloseOfOneHandle extends EndedContext {
  private final SharedTensor other = handle.share();

  @Actor
  public void one() {
    handle.close();
  }

  @Actor
  public void another() {
    handle.close();
  }

  @Arbiter
  public void end(I_Result r) {
    r.r1 = pins();
    other.close();
    end();
  }
}
