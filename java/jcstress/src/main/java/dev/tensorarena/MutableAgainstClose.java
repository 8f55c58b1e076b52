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

/** Misuse: one thread gives a handle's bytes a new life while another closes the handle. */
@JCStressTest
@Description("mutable() of the sole handle against close() of it")
@Outcome(
    id = "2, 1",
    expect = ACCEPTABLE,
    desc = "Claimed first: its bytes are held by the result.")
@Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "Closed first: refused.")
@Outcome(id = "1, 1", expect = FORBIDDEN, desc = "A live tensor over bytes that nobody holds.")
@Outcome(expect = FORBIDDEN, desc = "A pin lost, or twice out.")
@State
public class MutableAgainstClose extends EndedContext {
  @Actor
  public void write(II_Result r) {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor writable = handle.mutable(ctx);
      writable.setLongAt(0, 9);
      r.r1 = pins();
    } catch (IllegalStateException e) {
      r.r1 = 0;
    }
  }

  @Actor
  public void close() {
    handle.close();
  }

  @Arbiter
  public void end(II_Result r) {
    r.r2 = end();
  }
}
