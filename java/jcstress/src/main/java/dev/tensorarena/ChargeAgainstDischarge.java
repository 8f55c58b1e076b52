package dev.tensorarena;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZZZ_Result;

/**
 * Two children of a budget take its one chunk and give it back, and look at all figures meanwhile.
 */
@JCStressTest
@Description("charge against discharge: one chunk for two budgets and a reservation")
@Outcome(id = "true, true, true, true", expect = ACCEPTABLE, desc = "One after the other.")
@Outcome(id = "true, false, true, true", expect = ACCEPTABLE, desc = "The second one was refused.")
@Outcome(id = "false, true, true, true", expect = ACCEPTABLE, desc = "The first one was refused.")
@Outcome(
    expect = FORBIDDEN,
    desc = "Both refused, a figure past its limit or below 0, or something left.")
@State
public class ChargeAgainstDischarge {
  private static final long CHUNK = 1 << 16;

  private final MemoryBudget root = MemoryBudget.of("root", CHUNK);
  private final MemoryBudget left = root.child("left", Long.MAX_VALUE);
  private final MemoryBudget right = root.child("right", 3 * CHUNK);
  private volatile boolean isInside = true;

  private boolean took(MemoryBudget budget) {
    try (ExecutionContext ctx = ExecutionContext.builder().budget(budget).open()) {
      ctx.empty(DType.INT8, 1);
      look();
      return true;
    } catch (MemoryLimitExceededException e) {
      return false;
    } finally {
      look();
    }
  }

  private void look() {
    if (!isInside(left) || !isInside(right) || !isInside(root)) {
      isInside = false;
    }
  }

  private static boolean isInside(MemoryBudget budget) {
    long used = budget.used();
    return used >= 0 && used <= CHUNK && budget.peak() <= CHUNK;
  }

  @Actor
  public void left(ZZZZ_Result r) {
    r.r1 = took(left);
  }

  @Actor
  public void right(ZZZZ_Result r) {
    try (MemoryBudget.Reservation reservation = right.reserve(1)) {
      r.r2 = took(right) && reservation.remaining() == CHUNK; // from the reservation, and back
    } catch (MemoryLimitExceededException e) {
      r.r2 = false;
    }
  }

  @Arbiter
  public void end(ZZZZ_Result r) {
    r.r3 = isInside;
    r.r4 = left.used() + right.used() + root.used() == 0;
    left.close();
    right.close();
    root.close();
  }
}
