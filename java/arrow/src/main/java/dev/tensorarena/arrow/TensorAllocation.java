package dev.tensorarena.arrow;

import dev.tensorarena.Tensor;
import dev.tensorarena.TensorMemory;
import dev.tensorarena.TensorPin;
import java.util.function.Function;
import org.apache.arrow.memory.ForeignAllocation;

/** The bytes of a tensor as an allocation of Arrow's, pinned until Arrow needs them no longer. */
final class TensorAllocation extends ForeignAllocation {
  private final TensorPin pin;

  private TensorAllocation(Tensor tensor, TensorMemory memory) {
    super(memory.byteSize(), memory.address());
    pin = TensorPin.of(tensor); // last: what fails before it holds nothing
  }

  /**
   * Has something made over a tensor's bytes, and then freezes the tensor, since Arrow has nothing
   * that is read-only. Where either fails nothing is held, and the tensor is as it was.
   *
   * @param maker what it returns holds the bytes; it is closed where the tensor cannot be frozen
   */
  static <T extends AutoCloseable> T handOver(
      Tensor tensor, Function<TensorAllocation, ? extends T> maker) {
    if (!tensor.isContiguous()) {
      throw new IllegalArgumentException(
          tensor + " is not contiguous, and Arrow has no strides; pass contiguous(ctx)");
    }
    TensorAllocation bytes = new TensorAllocation(tensor, tensor.memory());
    T made = null;
    try {
      made = maker.apply(bytes);
      tensor.share().close(); // what was shared stays frozen
      return made;
    } catch (Throwable e) {
      bytes.takeBack(made, e);
      throw e;
    }
  }

  /** Arrow may not let go of what it could not make, so the pin is closed in any case. */
  private void takeBack(AutoCloseable made, Throwable refusal) {
    try {
      if (made != null) {
        made.close();
      }
    } catch (Exception e) {
      refusal.addSuppressed(e);
    } finally {
      pin.close();
    }
  }

  /** Arrow calls this for some of the allocations that it refuses, too, and not for others. */
  @Override
  protected void release0() {
    pin.close();
  }
}
