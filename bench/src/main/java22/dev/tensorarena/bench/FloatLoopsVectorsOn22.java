package dev.tensorarena.bench;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.tensorarena.ExecutionContext;
import dev.tensorarena.ffm.Segments;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * The same loops with the Vector API over checked segments of tensors and over heap arrays: y += 2x
 * and the dot product of 10,000 f32.
 */
@State(Scope.Thread)
@Fork(
    value = 3,
    jvmArgsAppend = {
      "--enable-native-access=ALL-UNNAMED",
      "--add-modules=jdk.incubator.vector",
      "-Xms512m",
      "-Xmx512m",
      "-XX:+AlwaysPreTouch"
    })
public class FloatLoopsVectorsOn22 extends AverageTime {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final int ELEMENTS = 10_000;
  private static final int BOUND = SPECIES.loopBound(ELEMENTS);
  private static final float FACTOR = 2;

  private ExecutionContext context;
  private MemorySegment x;
  private MemorySegment y;
  private float[] heapX;
  private float[] heapY;

  /** Fills all alike and checks the rows against each other. */
  @Setup
  public void fill() {
    heapX = new float[ELEMENTS];
    heapY = new float[ELEMENTS];
    for (int i = 0; i < ELEMENTS; i++) {
      heapX[i] = i % 7;
      heapY[i] = i % 5;
    }
    context = ExecutionContext.open();
    x = Segments.of(context.allocSlice(heapX));
    y = Segments.of(context.allocSlice(heapY));
    if (dotOfSegments() != dotOfArrays()
        || MemorySegment.ofArray(axpyOfArrays()).mismatch(axpyOfSegments()) != -1) {
      throw new AssertionError("segments and arrays differ");
    }
  }

  /** Gives the tensors back. */
  @TearDown
  public void close() {
    context.close();
  }

  /**
   * y += 2x.
   *
   * @return y
   */
  @Benchmark
  public MemorySegment axpyOfSegments() {
    MemorySegment source = x;
    MemorySegment target = y;
    int i = 0;
    for (; i < BOUND; i += SPECIES.length()) {
      long at = (long) i * Float.BYTES;
      FloatVector.fromMemorySegment(SPECIES, source, at, ORDER)
          .mul(FACTOR)
          .add(FloatVector.fromMemorySegment(SPECIES, target, at, ORDER))
          .intoMemorySegment(target, at, ORDER);
    }
    for (; i < ELEMENTS; i++) {
      float sum = target.getAtIndex(JAVA_FLOAT, i) + FACTOR * source.getAtIndex(JAVA_FLOAT, i);
      target.setAtIndex(JAVA_FLOAT, i, sum);
    }
    return target;
  }

  /**
   * y += 2x.
   *
   * @return y
   */
  @Benchmark
  public float[] axpyOfArrays() {
    float[] source = heapX;
    float[] target = heapY;
    int i = 0;
    for (; i < BOUND; i += SPECIES.length()) {
      FloatVector.fromArray(SPECIES, source, i)
          .mul(FACTOR)
          .add(FloatVector.fromArray(SPECIES, target, i))
          .intoArray(target, i);
    }
    for (; i < ELEMENTS; i++) {
      target[i] += FACTOR * source[i];
    }
    return target;
  }

  /**
   * The sum of x * y.
   *
   * @return the sum, of each lane first
   */
  @Benchmark
  public float dotOfSegments() {
    MemorySegment left = x;
    MemorySegment right = y;
    FloatVector sums = FloatVector.zero(SPECIES);
    int i = 0;
    for (; i < BOUND; i += SPECIES.length()) {
      long at = (long) i * Float.BYTES;
      sums =
          FloatVector.fromMemorySegment(SPECIES, left, at, ORDER)
              .fma(FloatVector.fromMemorySegment(SPECIES, right, at, ORDER), sums);
    }
    float sum = sums.reduceLanes(VectorOperators.ADD);
    for (; i < ELEMENTS; i++) {
      sum += left.getAtIndex(JAVA_FLOAT, i) * right.getAtIndex(JAVA_FLOAT, i);
    }
    return sum;
  }

  /**
   * The sum of x * y.
   *
   * @return the sum, of each lane first
   */
  @Benchmark
  public float dotOfArrays() {
    float[] left = heapX;
    float[] right = heapY;
    FloatVector sums = FloatVector.zero(SPECIES);
    int i = 0;
    for (; i < BOUND; i += SPECIES.length()) {
      sums =
          FloatVector.fromArray(SPECIES, left, i)
              .fma(FloatVector.fromArray(SPECIES, right, i), sums);
    }
    float sum = sums.reduceLanes(VectorOperators.ADD);
    for (; i < ELEMENTS; i++) {
      sum += left[i] * right[i];
    }
    return sum;
  }
}
