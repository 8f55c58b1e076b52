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

/** The count alone: all holders leave while someone comes. */
@JCStressTest
@Description("SharedAllocation.tryRetain() against the two releases that lead to zero")
@Outcome(
    id = "2, 1",
    expect = ACCEPTABLE,
    desc = "Retained before zero, and pinned until released.")
@Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "Zero came first: no way back.")
@Outcome(expect = FORBIDDEN, desc = "Retained after zero, or a pin lost or counted out twice.")
@State
public class RetainAgainstZero extends EndedContext {
  private final SharedAllocation shared = handle.shared;
  private boolean retained;

  public RetainAgainstZero() {
    shared.tryRetain();
  }

  @Actor
  public void retain(II_Result r) {
    retained = shared.tryRetain();
    if (retained) {
      r.r1 = pins();
    }
  }

  @Actor
  public void release() {
    shared.giveBack();
    shared.giveBack();
  }

  @Arbiter
  public void end(II_Result r) {
    if (retained) {
      shared.giveBack();
    }
    r.r2 = end();
  }
}
