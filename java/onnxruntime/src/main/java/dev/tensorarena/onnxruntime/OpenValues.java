package dev.tensorarena.onnxruntime;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import dev.tensorarena.Guard;
import dev.tensorarena.OpenResource;
import dev.tensorarena.Tensor;
import java.util.ArrayList;

/**
 * The values over the bytes of one lifetime, a scope's or a shared handle's, which tracks this:
 * they are closed before the bytes end. Those that their user has closed are forgotten now and
 * then, so that a handle which lives long, and is an input of run after run, does not collect them.
 */
final class OpenValues implements OpenResource {
  /** Below so many nothing is forgotten. */
  private static final int FEW = 16;

  private final ArrayList<OnnxTensor> values = new ArrayList<>();

  /** How many there are when those are forgotten that are closed. */
  private int limit = FEW;

  /** Whether the lifetime closes this: not before the first value, and no more once it has. */
  private boolean isTracked;

  /** How many threads are closing this; nothing comes in meanwhile, so that they find an end. */
  private int closing;

  /**
   * How a lifetime finds its values again. It ends nothing itself: a context that is detached
   * closes its guards, while what it tracks lives on.
   */
  private static final class Finder extends Guard {
    private final OpenValues found = new OpenValues();

    @Override
    public void close() {}
  }

  private OpenValues() {}

  /** Makes a value over a tensor's bytes, which is closed at the end of the tensor's lifetime. */
  static OnnxTensor over(Tensor tensor, OrtEnvironment environment) throws OrtException {
    return tensor.guard(Finder.class, same -> new Finder()).found.add(tensor, environment);
  }

  /**
   * The value is made last, when there is a place for it: none is made that nobody closes. Whatever
   * asks while the lifetime ends, and after this was closed, has it closed once more, or is
   * refused.
   *
   * @throws IllegalStateException if another thread is closing the values at this moment
   */
  private synchronized OnnxTensor add(Tensor tensor, OrtEnvironment environment)
      throws OrtException {
    if (closing > 0) {
      throw new IllegalStateException(tensor + " is being closed by another thread");
    }
    if (!isTracked) {
      tensor.track(this);
      isTracked = true;
    }
    if (values.size() == limit) {
      values.removeIf(OnnxTensor::isClosed);
      limit = Math.max(FEW, 2 * values.size());
    }
    values.ensureCapacity(values.size() + 1);
    OnnxTensor value =
        OnnxTensor.createTensor(
            environment,
            tensor.asByteBuffer(),
            tensor.shape().toArray(),
            ElementTypes.of(tensor.dtype()));
    values.add(value);
    return value;
  }

  /** Locks this or a value, never both: who has locked a value may be asking for another one. */
  @Override
  public void close() {
    synchronized (this) {
      closing++;
    }
    try {
      for (OnnxTensor last = lastOrDone(); last != null; last = lastOrDone()) {
        closeUnlessClosed(last);
        forget(last);
      }
    } finally {
      synchronized (this) { // and no call, for which the stack may have no room
        closing--;
      }
    }
  }

  /** Returns a value to close; null if there is none, and then this is not tracked any more. */
  private synchronized OnnxTensor lastOrDone() {
    if (values.isEmpty()) {
      isTracked = false;
      return null;
    }
    return values.get(values.size() - 1);
  }

  private synchronized void forget(OnnxTensor closed) {
    int place = values.lastIndexOf(closed);
    if (place >= 0) {
      values.remove(place);
    }
  }

  /** ONNX Runtime warns of a value that is closed twice; its user may just be closing it. */
  private static void closeUnlessClosed(OnnxTensor value) {
    synchronized (value) {
      if (!value.isClosed()) {
        value.close();
      }
    }
  }

  @Override
  public synchronized boolean isOpen() {
    return isTracked;
  }
}
