package dev.tensorarena;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Description;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZI_Result;

/** Misuse: one thread takes the first raw view of a handle while another closes the handle. */
@JCStressTest
@Description("asByteBuffer() of memory known by its address against the last close() of its handle")
@Outcome(id = "true, 0", expect = ACCEPTABLE, desc = "The view came first, and holds the memory.")
@Outcome(id = "false, 1", expect = ACCEPTABLE, desc = "The close came first: no view.")
@Outcome(expect = FORBIDDEN, desc = "A view of memory that was released, or nobody was told.")
@State
public class FirstRawViewAgainstLastClose {
  private static final ByteBuffer BYTES = ByteBuffer.allocateDirect(8); // stays for ever

  /** No field of this class, to which the memory would refer and so never be let go of. */
  private final AtomicInteger released = new AtomicInteger();

  private final SharedTensor handle;
  private ByteBuffer view;

  public FirstRawViewAgainstLastClose() {
    long address = NativeArena.bufferAddress(BYTES);
    ForeignMemory memory = ForeignMemory.ofAddress(address, 8, released::incrementAndGet);
    try (ExecutionContext ctx = ExecutionContext.open()) {
      handle = ctx.wrap(memory, DType.INT8, Shape.of(8)).share();
    }
  }

  @Actor
  public void view(ZI_Result r) {
    try {
      view = handle.asByteBuffer();
      r.r1 = true;
    } catch (IllegalStateException e) {
      r.r1 = false;
    }
  }

  @Actor
  public void close() {
    handle.close();
  }

  @Arbiter
  public void end(ZI_Result r) {
    r.r2 = released.get();
    view = null; // not before
  }
}
