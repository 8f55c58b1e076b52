package dev.tensorarena.jna;

import com.sun.jna.Function;
import com.sun.jna.Pointer;
import dev.tensorarena.Tensor;
import dev.tensorarena.TensorPin;
import java.lang.ref.Cleaner;

/**
 * The address of a tensor for one call through a library interface: its bytes are pinned until JNA
 * reads arguments back after the call. A call that throws is read back by nobody; then the pin goes
 * with this object.
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
    this.pin = FORGOTTEN.register(this, held::close);
  }

  static PinnedArgument of(Tensor tensor) {
    return new PinnedArgument(tensor.address(), tensor);
  }

  /** The call is over. */
  @Override
  public void read() {
    pin.clean();
  }

  @Override
  public String toString() {
    return "pinned " + tensor;
  }
}
