package dev.tensorarena;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A hold on the bytes of a tensor: until it is closed they are not handed out again, even after the
 * end of the tensor's scope and context. Unlike a share, it does not freeze the tensor. It is meant
 * for native code that was given the {@link Tensor#address() address} and may still use it when
 * Java ends the scope, as in a callback.
 *
 * <p>A pin is made on a thread that may use the tensor, and may be closed on any thread. A pin that
 * is never closed keeps its chunk for ever, unless it was made of a tensor over memory that is not
 * an arena's.
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

  /** What is kept: the state of shared bytes, or else the tensor itself; null once closed. */
  private volatile Object held;

  /**
   * The descriptor of the pinned chunk; 0 for shared bytes and for those that are not an arena's.
   */
  private long chunk;

  private TensorPin(Object held) {
    this.held = held;
  }

  /**
   * Pins the bytes of a tensor.
   *
   * @param tensor a tensor that is alive
   * @return the pin, which the caller must close
   * @throws IllegalStateException if the tensor is dead or another thread's
   * @throws IllegalArgumentException if it wraps memory that is not {@linkplain Tensor#isPinnable
   *     pinnable}, such as a segment of an arena that can be closed: nothing can hold it
   */
  public static TensorPin of(Tensor tensor) {
    if (!tensor.isPinnable()) {
      throw new IllegalArgumentException(
          tensor
              + " wraps memory that somebody else can end at any moment, such as a segment of an"
              + " arena that can be closed: nothing holds it for native code; pin copy(ctx)");
    }
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

  /**
   * Returns the chunk of the bytes for native code, a {@code ta_chunk *} of {@code tensorarena.h}.
   * Before this pin is closed, native code may take pins of its own by {@code ta_chunk_retain}, and
   * give them back by {@code ta_chunk_release} whenever and on whichever thread it likes: they keep
   * the bytes after this pin, the handles and the context have gone. While there are any, {@link
   * Tensor#mutable} copies all tensors of the chunk.
   *
   * @return the address of the chunk's descriptor
   * @throws IllegalStateException if this pin was closed, or if its bytes are not an arena's: the
   *     tensor wraps other memory, or is empty; {@code copy(ctx)} of what it wraps is an arena's
   */
  public long nativeHandle() {
    Object of = held;
    long handle = of instanceof SharedAllocation shared ? shared.chunk() : chunk;
    if (of == null || handle == 0) {
      throw new IllegalStateException(
          of == null
              ? "the pin was closed, and holds no chunk any longer"
              : "the bytes lie in no chunk, because the tensor is empty or wraps memory that is not"
                  + " an arena's; pin copy(ctx) of it");
    }
    return handle;
  }

  /** Releases the bytes, on any thread. Closing twice does nothing. */
  @Override
  public void close() {
    Object let = HELD.getAndSet(this, null);
    boolean untold = false;
    try {
      if (let instanceof SharedAllocation shared) {
        untold = shared.letGo();
      } else if (let != null && chunk != 0) {
        NativeArena.releaseChunk(chunk);
      }
    } catch (StackOverflowError e) {
      held = let; // nothing was released, and the next call does it
      throw e;
    }
    if (untold) {
      ((SharedAllocation) let).foreign.tell();
    }
  }

  boolean isOpen() {
    return held != null;
  }
}
