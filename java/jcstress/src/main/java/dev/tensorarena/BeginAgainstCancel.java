package dev.tensorarena;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.util.concurrent.Future;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

@JCStressTest
@Description("a task of Handoff that begins, against its cancel()")
@Outcome(id = "7, 1, 0", expect = ACCEPTABLE, desc = "It ran, read, and closed the handle.")
@Outcome(id = "0, 1, 0", expect = ACCEPTABLE, desc = "It never ran: cancel() closed the handle.")
@Outcome(expect = FORBIDDEN, desc = "The handle was closed under the function, twice, or never.")
@State
public class BeginAgainstCancel {
  private static final int LOOKS = 20;

  private volatile Future<?> future;
  private Runnable task;
  private SharedTensor keeper;
  private long chunk;
  private int read;

  private Void read(SharedTensor handle) {
    read = -1; // what stays where it is called without a handle, which the future would not tell
    int value = (int) handle.getLongAt(0);
    for (int i = 0; i < LOOKS; i++) { // for some time
      value = handle.isAlive() ? value : -1;
    }
    read = value;
    return null;
  }

  @Actor
  public void begin() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.allocSlice(HandedOver.VALUE);
      chunk = Chunks.of(tensor);
      keeper = tensor.share();
      future = Handoff.submit(handed -> task = handed, tensor.share(), this::read);
    }
    task.run();
  }

  @Actor
  public void cancel() {
    while (future == null) {
      Thread.onSpinWait();
    }
    future.cancel(false);
  }

  @Arbiter
  public void end(III_Result r) {
    r.r1 = read;
    r.r2 = Chunks.pins(chunk);
    keeper.close();
    r.r3 = Chunks.pins(chunk);
  }
}
