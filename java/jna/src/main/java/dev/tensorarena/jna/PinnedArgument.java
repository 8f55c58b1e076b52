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
  private static final LazyCleaner FORGOTTEN = new LazyCleaner();

  /** Keeps the tensor, and so its context, reachable during the call. */
  private final Tensor tensor;

  private final Pin pin = new Pin();

  private final Cleaner.Cleanable forgotten;

  private PinnedArgument(long address, Tensor tensor) {
    super(address);
    this.tensor = tensor;
    this.forgotten = FORGOTTEN.register(this, pin); // first: what fails later pins nothing yet
    this.pin.held = TensorPin.of(tensor);
  }

  /** What is released when this object is collected at the latest; null for nothing. */
  private static final class Pin implements Runnable {
    volatile TensorPin held;

    @Override
    public void run() {
      if (held != null) {
        held.close();
      }
    }
  }

  /** Of a tensor's first element, or of another one. */
  static PinnedArgument of(Tensor tensor, long address) {
    return new PinnedArgument(address, tensor);
  }

  /** Releases the pin: the call is over. */
  @Override
  public void read() {
    pin.run(); // where the stack ends in it, the collector is left
    forgotten.clean();
  }

  @Override
  public String toString() {
    return "pinned " + tensor;
  }
}
