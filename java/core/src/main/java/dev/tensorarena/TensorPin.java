package dev.tensorarena;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Keeps the bytes of a tensor from being handed out again until it is closed, past the end of the
 * tensor's scope and context, without sharing the tensor and so without freezing it. For native
 * code that was given the {@link Tensor#address() address} and may still use it when Java ends the
 * scope, as in a callback.
 *
 * <p>Made on a thread that may use the tensor; closed on any thread, once or more often. One that
 * is forgotten keeps its chunk for ever.
 */
public final class TensorPin implements AutoCloseable {
  private static final VarHandle HELD;

  static {
    try {
      HELD = MethodHandles.lookup().findVarHandle(TensorPin.class, "held", Object.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** What is kept: the state of shared bytes, else the tensor itself; null once closed. */
  private volatile Object held;

  /** The descriptor of the pinned chunk; 0 for shared bytes, and for those that are no arena's. */
  private long chunk;

  private TensorPin(Object held) {
    this.held = held;
  }

  /**
   * Pins a tensor.
   *
   * @param tensor a tensor that is alive
   * @return the pin; to be closed
   * @throws IllegalStateException if the tensor is dead or another thread's
   */
  public static TensorPin of(Tensor tensor) {
    tensor.use();
    SharedAllocation shared = tensor.origin().shared;
    // The handle before the count, so that running out of heap leaks no pin.
    TensorPin pin = new TensorPin(shared == null ? tensor : shared);
    long bytes = tensor.spannedBytes();
    if (shared != null) {
      if (!shared.tryRetain()) {
        throw new IllegalStateException(tensor + " was released by another thread meanwhile");
      }
    } else if (bytes != 0) {
      pin.chunk = tensor.scope.context.arena().pin(tensor.start(), bytes);
    }
    return pin;
  }

  /** Lets the bytes go. */
  @Override
  public void close() {
    Object let = HELD.getAndSet(this, null);
    if (let instanceof SharedAllocation shared) {
      shared.release();
    } else if (let != null && chunk != 0) {
      NativeArena.releaseChunk(chunk);
    }
  }
}
