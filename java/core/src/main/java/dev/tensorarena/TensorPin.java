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
public final class TensorPin implements OpenResource {
  private static final VarHandle HELD;

  static {
    try {
      HELD = MethodHandles.lookup().findVarHandle(TensorPin.class, "held", SharedAllocation.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
    rehearse();
  }

  /** Has the JVM link what lets go now, and not where the stack or the heap has ended. */
  private static void rehearse() {
    TensorPin none = null;
    SharedAllocation held = null;
    try {
      boolean ignored = HELD.compareAndSet(none, held, null);
    } catch (NullPointerException e) {
      return; // there is no pin, and all is linked
    }
  }

  /** The bytes of which this is a holder; null once closed. */
  private volatile SharedAllocation held;

  // For messages; the tensor itself would keep its context reachable.
  private final DType dtype;
  private final Shape shape;

  /** Makes a pin that the caller counts. */
  TensorPin(SharedAllocation held, Tensor tensor) {
    this.held = held;
    this.dtype = tensor.dtype;
    this.shape = tensor.shape;
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
    requirePinnable(tensor);
    SharedAllocation held = tensor.allocation();
    TensorPin pin = new TensorPin(held, tensor); // before the count: no pin is lost
    held.requireRoomToHold(); // and none is made that its maker has no stack to close
    if (!tensor.tryHold(held)) {
      throw tensor.releasedMeanwhile();
    }
    return pin;
  }

  /**
   * Refuses a tensor that cannot be held for native code.
   *
   * @param tensor a tensor that native code is to be given
   * @throws IllegalArgumentException if it is not {@linkplain Tensor#isPinnable pinnable}
   */
  public static void requirePinnable(Tensor tensor) {
    if (!tensor.isPinnable()) {
      throw new IllegalArgumentException(
          tensor
              + " wraps memory that somebody else can end at any moment, such as a segment of an"
              + " arena that can be closed: nothing holds it for native code; take copy(ctx)");
    }
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
    SharedAllocation of = held;
    long handle = of == null ? 0 : of.chunk;
    if (handle == 0) {
      throw new IllegalStateException(
          "the pin of a "
              + TensorState.describe(dtype, shape)
              + (of == null
                  ? " was closed, and holds no chunk any longer"
                  : " holds no chunk, because the tensor is empty or wraps memory that is not an"
                      + " arena's; pin copy(ctx) of it"));
    }
    return handle;
  }

  /**
   * Releases the bytes, on any thread. Closing twice does nothing.
   *
   * <p>Where this was the last holder of memory that a user wrapped, its owner is told, on this
   * thread, when the pin is closed. An exception of the owner's is logged, an error is thrown.
   */
  @Override
  public void close() {
    SharedAllocation let = held;
    // No getAndSet: it casts what it returns once it has happened, and where the stack ends in that
    // cast the hold would be nobody's.
    if (let == null || !HELD.compareAndSet(this, let, null)) {
      return; // or another thread closes it
    }
    boolean untold;
    try {
      untold = let.letGo();
    } catch (StackOverflowError e) {
      held = let; // nothing was released, and the next call does it
      throw e;
    }
    if (untold) {
      let.foreign.tell();
    }
  }

  /**
   * Tries the stack for {@link #close()}, which throws where it has ended and is then to be called
   * again. This is for whoever cannot call it again, since it is called by something that happens
   * once, such as the last release of another library's buffer: he tries before that.
   *
   * @throws StackOverflowError if there is no room; nothing has changed then
   */
  public void requireRoomToClose() {
    SharedAllocation let = held;
    if (let != null) {
      let.requireRoomToHold();
    }
  }

  @Override
  public boolean isOpen() {
    return held != null;
  }
}
