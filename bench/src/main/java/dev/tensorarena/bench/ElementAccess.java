package dev.tensorarena.bench;

import dev.tensorarena.Tensor;
import dev.tensorarena.blas.Blas;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.openjdk.jmh.annotations.Benchmark;

/**
 * What does it cost to compute on elements: y = 2x into a new result and into an existing one, y =
 * 2y and y += 2x in place, and a sum of x?
 *
 * <p>By the same loop over {@code getFloatAt} and {@code setFloatAt}, over {@code asFloatBuffer()},
 * over blocks that pass through a small heap array, and over heap arrays; and by {@link Blas}. A
 * new heap array is the collector's; a new tensor has its part of a reset.
 */
public class ElementAccess extends ElementValues {
  /** As large as fits the first-level cache beside another one: 4 kB. */
  private static final int BLOCK = 1000;

  /**
   * As many elements as a buffer of a tensor can have. C2 vectorises a loop over one buffer only if
   * it knows that no offset in bytes is too large for an int, which {@code limit()} does not tell
   * it.
   */
  private static final int LARGEST = Integer.MAX_VALUE / Float.BYTES;

  private static final float FACTOR = 2;

  private float[] heapX;
  private float[] heapY;
  private final float[] block = new float[BLOCK];
  private final float[] otherBlock = new float[BLOCK];

  @Override
  void checkRows() {
    Blas.threads(1);
    heapX = values();
    heapY = new float[elements];

    checkDoubled(newByElement().toFloatArray());
    checkDoubled(newByBuffer().toFloatArray());
    checkDoubled(newByBlocks().toFloatArray());
    checkDoubled(newHeapArray());

    checkDoubled(existingByElement().toFloatArray());
    y.fill(0f);
    checkDoubled(existingByBuffer().toFloatArray());
    y.fill(0f);
    checkDoubled(existingByBlocks().toFloatArray());
    y.fill(0f);
    checkDoubled(existingByCopyAndBoundedBuffer().toFloatArray());
    y.fill(0f);
    checkDoubled(existingByCopyAndBlas().toFloatArray());
    checkDoubled(existingHeapArray());

    y.copyFrom(x);
    checkDoubled(inPlaceByBuffer().toFloatArray());
    y.copyFrom(x);
    checkDoubled(inPlaceByBoundedBuffer().toFloatArray());
    y.copyFrom(x);
    checkDoubled(inPlaceByBlas().toFloatArray());
    heapY = values();
    checkDoubled(inPlaceHeapArray());

    y.fill(1f);
    checkAxpy(axpyByElement().toFloatArray());
    y.fill(1f);
    checkAxpy(axpyByBuffer().toFloatArray());
    y.fill(1f);
    checkAxpy(axpyByBlocks().toFloatArray());
    y.fill(1f);
    checkAxpy(axpyByBlas().toFloatArray());
    Arrays.fill(heapY, 1);
    checkAxpy(axpyHeapArray());

    checkSum(sumByElement());
    checkSum(sumByBuffer());
    checkSum(sumByBlocks());
    checkSum(sumHeapArray());
  }

  private Tensor doubleByElement(Tensor to) {
    for (int i = 0; i < elements; i++) {
      to.setFloatAt(i, FACTOR * x.getFloatAt(i));
    }
    return to;
  }

  private Tensor doubleByBuffer(Tensor to) {
    FloatBuffer source = x.asFloatBuffer();
    FloatBuffer target = to.asFloatBuffer();
    for (int i = 0; i < source.limit(); i++) {
      target.put(i, FACTOR * source.get(i));
    }
    return to;
  }

  private Tensor doubleByBlocks(Tensor to) {
    FloatBuffer source = x.asFloatBuffer();
    FloatBuffer target = to.asFloatBuffer();
    float[] values = block;
    for (int i = 0; i < source.limit(); i += values.length) {
      int n = Math.min(values.length, source.limit() - i);
      source.get(i, values, 0, n);
      for (int j = 0; j < n; j++) {
        values[j] *= FACTOR;
      }
      target.put(i, values, 0, n);
    }
    return to;
  }

  private static Tensor doubleInPlace(Tensor of) {
    FloatBuffer values = of.asFloatBuffer();
    int n = Math.min(values.limit(), LARGEST);
    for (int i = 0; i < n; i++) {
      values.put(i, FACTOR * values.get(i));
    }
    return of;
  }

  private float[] doubleHeapArray(float[] to) {
    float[] from = heapX;
    for (int i = 0; i < to.length; i++) {
      to[i] = FACTOR * from[i];
    }
    return to;
  }

  /**
   * y = 2x, into a new tensor, with getters and setters.
   *
   * @return y
   */
  @Benchmark
  public Tensor newByElement() {
    return doubleByElement(newResult());
  }

  /**
   * y = 2x, into a new tensor, over buffers.
   *
   * @return y
   */
  @Benchmark
  public Tensor newByBuffer() {
    return doubleByBuffer(newResult());
  }

  /**
   * y = 2x, into a new tensor, in blocks.
   *
   * @return y
   */
  @Benchmark
  public Tensor newByBlocks() {
    return doubleByBlocks(newResult());
  }

  /**
   * y = 2x, into a new heap array.
   *
   * @return y
   */
  @Benchmark
  public float[] newHeapArray() {
    return doubleHeapArray(new float[elements]);
  }

  /**
   * y = 2x, into an existing tensor, with getters and setters.
   *
   * @return y
   */
  @Benchmark
  public Tensor existingByElement() {
    return doubleByElement(y);
  }

  /**
   * y = 2x, into an existing tensor, over buffers.
   *
   * @return y
   */
  @Benchmark
  public Tensor existingByBuffer() {
    return doubleByBuffer(y);
  }

  /**
   * y = 2x, into an existing tensor, in blocks.
   *
   * @return y
   */
  @Benchmark
  public Tensor existingByBlocks() {
    return doubleByBlocks(y);
  }

  /**
   * y = 2x, into an existing tensor: x is copied there, and then y doubled in place over its
   * buffer.
   *
   * @return y
   */
  @Benchmark
  public Tensor existingByCopyAndBoundedBuffer() {
    return doubleInPlace(y.copyFrom(x));
  }

  /**
   * y = 2x, into an existing tensor: x is copied there, and then y doubled in place by BLAS.
   *
   * @return y
   */
  @Benchmark
  public Tensor existingByCopyAndBlas() {
    y.copyFrom(x);
    Blas.scal(FACTOR, y);
    return y;
  }

  /**
   * y = 2x, into an existing heap array.
   *
   * @return y
   */
  @Benchmark
  public float[] existingHeapArray() {
    return doubleHeapArray(heapY);
  }

  /**
   * y = 2y, over one buffer, up to its limit. Here and in the other rows in place, the elements
   * grow to infinity, with which the processor computes as fast.
   *
   * @return y
   */
  @Benchmark
  public Tensor inPlaceByBuffer() {
    FloatBuffer values = y.asFloatBuffer();
    for (int i = 0; i < values.limit(); i++) {
      values.put(i, FACTOR * values.get(i));
    }
    return y;
  }

  /**
   * y = 2y, over one buffer, up to its limit and no further than any tensor's.
   *
   * @return y
   */
  @Benchmark
  public Tensor inPlaceByBoundedBuffer() {
    return doubleInPlace(y);
  }

  /**
   * y = 2y, by BLAS's {@code scal}.
   *
   * @return y
   */
  @Benchmark
  public Tensor inPlaceByBlas() {
    Blas.scal(FACTOR, y);
    return y;
  }

  /**
   * y = 2y, over a heap array.
   *
   * @return y
   */
  @Benchmark
  public float[] inPlaceHeapArray() {
    float[] values = heapY;
    for (int i = 0; i < values.length; i++) {
      values[i] *= FACTOR;
    }
    return values;
  }

  /**
   * y += 2x, with getters and setters.
   *
   * @return y
   */
  @Benchmark
  public Tensor axpyByElement() {
    for (int i = 0; i < elements; i++) {
      y.setFloatAt(i, y.getFloatAt(i) + FACTOR * x.getFloatAt(i));
    }
    return y;
  }

  /**
   * y += 2x, over buffers.
   *
   * @return y
   */
  @Benchmark
  public Tensor axpyByBuffer() {
    FloatBuffer source = x.asFloatBuffer();
    FloatBuffer target = y.asFloatBuffer();
    for (int i = 0; i < source.limit(); i++) {
      target.put(i, target.get(i) + FACTOR * source.get(i));
    }
    return y;
  }

  /**
   * y += 2x, in blocks.
   *
   * @return y
   */
  @Benchmark
  public Tensor axpyByBlocks() {
    FloatBuffer source = x.asFloatBuffer();
    FloatBuffer target = y.asFloatBuffer();
    float[] xs = block;
    float[] ys = otherBlock;
    for (int i = 0; i < source.limit(); i += xs.length) {
      int n = Math.min(xs.length, source.limit() - i);
      source.get(i, xs, 0, n);
      target.get(i, ys, 0, n);
      for (int j = 0; j < n; j++) {
        ys[j] += FACTOR * xs[j];
      }
      target.put(i, ys, 0, n);
    }
    return y;
  }

  /**
   * y += 2x, by BLAS's {@code axpy}.
   *
   * @return y
   */
  @Benchmark
  public Tensor axpyByBlas() {
    Blas.axpy(FACTOR, x, y);
    return y;
  }

  /**
   * y += 2x, over heap arrays.
   *
   * @return y
   */
  @Benchmark
  public float[] axpyHeapArray() {
    float[] from = heapX;
    float[] to = heapY;
    for (int i = 0; i < to.length; i++) {
      to[i] += FACTOR * from[i];
    }
    return to;
  }

  /**
   * The sum of x, with getters.
   *
   * @return the sum
   */
  @Benchmark
  public float sumByElement() {
    float sum = 0;
    for (int i = 0; i < elements; i++) {
      sum += x.getFloatAt(i);
    }
    return sum;
  }

  /**
   * The sum of x, over a buffer.
   *
   * @return the sum
   */
  @Benchmark
  public float sumByBuffer() {
    FloatBuffer source = x.asFloatBuffer();
    float sum = 0;
    for (int i = 0; i < source.limit(); i++) {
      sum += source.get(i);
    }
    return sum;
  }

  /**
   * The sum of x, in blocks.
   *
   * @return the sum
   */
  @Benchmark
  public float sumByBlocks() {
    FloatBuffer source = x.asFloatBuffer();
    float sum = 0;
    float[] values = block;
    for (int i = 0; i < source.limit(); i += values.length) {
      int n = Math.min(values.length, source.limit() - i);
      source.get(i, values, 0, n);
      for (int j = 0; j < n; j++) {
        sum += values[j];
      }
    }
    return sum;
  }

  /**
   * The sum of x, over a heap array.
   *
   * @return the sum
   */
  @Benchmark
  public float sumHeapArray() {
    float sum = 0;
    for (float value : heapX) {
      sum += value;
    }
    return sum;
  }
}
