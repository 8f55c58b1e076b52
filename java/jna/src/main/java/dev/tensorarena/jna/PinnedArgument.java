package dev.tensorarena.jna;

import com.sun.jna.Function;
import com.sun.jna.Pointer;
import dev.tensorarena.Tensor;
import dev.tensorarena.TensorPin;
import java.lang.ref.Cleaner;

/**
 * The address of a tensor for one call through a library interface. The tensor's bytes are pinned
 * until JNA reads the arguments back, after the call. After a call that throws JNA reads nothing
 * back; then the pin ends when this object is collected.
 */
final class PinnedArgument extends Pointer implements Function.PostCallRead {
  private static final Cleaner FORGOTTEN = Cleaner.create();

  /** Keeps the tensor, and so its context, reachable during the call. */
  private final Tensor tensor;

  private final Cleaner.Cleanable pin;

  private PinnedArgument(long address, Tensor tensor) {
    super(address);
    this.tensor = tensor;
    TensorPin held = TensorPin.of(tensor);
    try {
      this.pin = FORGOTTEN.register(this, held::close);
    } catch (Throwable e) { // the heap has ended, and nobody else would release it
      held.close();
      throw e;
    }
  }

  /** Of a tensor's first element, or of another one. */
  static PinnedArgument of(Tensor tensor, long address) {
    return new PinnedArgument(address, tensor);
  }

  /** Releases the pin: the call is over. */
  @Override
  public void read() {
    pin.clean();
  }

  @Override
  public String toString() {
    return "pinned " + tensor;
  }
}
