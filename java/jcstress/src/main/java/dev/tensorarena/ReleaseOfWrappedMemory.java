package dev.tensorarena;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.nio.ByteBuffer;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.IIII_Result;

/** Whoever lets go last tells the owner of wrapped memory, and nobody who holds it is too late. */
@JCStressTest
@Description("the end of a scope over wrapped memory against a pin, tryShare() and mutable()")
@Outcome(id = "0, 0, 1, 0", expect = ACCEPTABLE, desc = "Held by all, and released once.")
@Outcome(expect = FORBIDDEN, desc = "Released under a holder, twice or never, or a chunk lost.")
@State
public class ReleaseOfWrappedMemory extends HandedOver {
  private static final ByteBuffer BYTES = ByteBuffer.allocateDirect(8);

  private final Lent lent = new Lent();

  /** Eight bytes that nobody needs any more once they are released. */
  private static final class Lent implements ForeignMemory {
    volatile int released;

    @Override
    public long byteSize() {
      return BYTES.capacity();
    }

    @Override
    public ByteBuffer part(long offset, int length) {
      return BYTES.slice((int) offset, length);
    }

    @Override
    public void released() {
      released++; // by one thread, or it is twice and some round will see it
    }
  }

  @Actor
  public void own(IIII_Result r) {
    TensorPin pin;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.wrap(lent, DType.INT8, Shape.of(BYTES.capacity()));
      put(tensor.share());
      pin = TensorPin.of(tensor);
      r.r1 = lent.released;
    }
    r.r1 += lent.released;
    pin.close();
  }

  @Actor
  public void other(IIII_Result r) {
    SharedTensor handle = take();
    SharedTensor another = handle.tryShare();
    handle.close();
    r.r2 = lent.released;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      another.mutable(ctx); // the same bytes if the owner has gone, else a copy
      if (!another.isAlive()) {
        return;
      }
    }
    r.r2 = -1;
  }

  @Arbiter
  public void end(IIII_Result r) {
    r.r3 = lent.released;
    r.r4 = Chunks.leaked();
  }
}
