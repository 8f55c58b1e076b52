package dev.tensorarena.bench;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.tensorarena.Tensor;
import java.lang.foreign.MemorySegment;
import org.openjdk.jmh.annotations.Benchmark;

/** The rows of {@link ElementAccess} that see the tensors as memory segments. */
public class ElementAccessOn22 extends ElementValues {
  private static final float FACTOR = 2;

  @Override
  void checkRows() {
    checkDoubled(newBySegment().toFloatArray());
    checkDoubled(existingBySegment().toFloatArray());
    y.fill(1f);
    checkAxpy(axpyBySegment().toFloatArray());
    checkSum(sumBySegment());
  }

  @SuppressWarnings("restricted") // the address and the size are the tensor's
  static MemorySegment segment(Tensor tensor) {
    return MemorySegment.ofAddress(tensor.address()).reinterpret(tensor.byteSize());
  }

  private Tensor doubleBySegment(Tensor to) {
    MemorySegment source = segment(x);
    MemorySegment target = segment(to);
    for (int i = 0; i < elements; i++) {
      target.setAtIndex(JAVA_FLOAT, i, FACTOR * source.getAtIndex(JAVA_FLOAT, i));
    }
    return to;
  }

  /**
   * y = 2x, into a new tensor.
   *
   * @return y
   */
  @Benchmark
  public Tensor newBySegment() {
    return doubleBySegment(newResult());
  }

  /**
   * y = 2x, into an existing tensor.
   *
   * @return y
   */
  @Benchmark
  public Tensor existingBySegment() {
    return doubleBySegment(y);
  }

  /**
   * y += 2x.
   *
   * @return y
   */
  @Benchmark
  public Tensor axpyBySegment() {
    MemorySegment source = segment(x);
    MemorySegment target = segment(y);
    for (int i = 0; i < elements; i++) {
      target.setAtIndex(
          JAVA_FLOAT,
          i,
          target.getAtIndex(JAVA_FLOAT, i) + FACTOR * source.getAtIndex(JAVA_FLOAT, i));
    }
    return y;
  }

  /**
   * The sum of x.
   *
   * @return the sum
   */
  @Benchmark
  public float sumBySegment() {
    MemorySegment source = segment(x);
    float sum = 0;
    for (int i = 0; i < elements; i++) {
      sum += source.getAtIndex(JAVA_FLOAT, i);
    }
    return sum;
  }
}
