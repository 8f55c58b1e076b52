package dev.tensorarena;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZI_Result;

/** Misuse: one thread pins a handle for native code while another makes it mutable. */
@JCStressTest
@Description("TensorPin.of() against mutable() of the sole handle")
@Outcome(id = "true, false, 1", expect = ACCEPTABLE, desc = "Pinned first: a copy was written to.")
@Outcome(id = "false, true, 1", expect = ACCEPTABLE, desc = "Claimed first: the pin is refused.")
@Outcome(id = "false, false, 1", expect = ACCEPTABLE, desc = "Each saw the other and gave way.")
@Outcome(expect = FORBIDDEN, desc = "Pinned bytes are written, or a pin lost or twice out.")
@State
public class PinAgainstMutable extends EndedContext {
  private TensorPin pin;

  @Actor
  public void pin(ZZI_Result r) {
    try {
      pin = TensorPin.of(handle);
      r.r1 = true;
    } catch (IllegalStateException e) {
      r.r1 = false;
    }
  }

  @Actor
  public void write(ZZI_Result r) {
    long before = handle.start();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor writable = handle.mutable(ctx);
      writable.setLongAt(0, 9);
      r.r2 = writable.start() == before;
    }
  }

  @Arbiter
  public void end(ZZI_Result r) {
    if (pin != null) {
      pin.close();
    }
    r.r3 = end();
  }
}
