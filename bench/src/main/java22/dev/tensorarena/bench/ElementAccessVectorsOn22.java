package dev.tensorarena.bench;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import dev.tensorarena.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Fork;

/** The rows of {@link ElementAccess} that compute with the Vector API, on memory segments. */
@Fork(
    value = 3,
    jvmArgsAppend = {
      "--enable-native-access=ALL-UNNAMED",
      "--add-modules=jdk.incubator.vector",
      "-Xms512m",
      "-Xmx512m",
      "-XX:+AlwaysPreTouch"
    })
public class ElementAccessVectorsOn22 extends ElementValues {
  private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
  private static final ByteOrder ORDER = ByteOrder.nativeOrder();
  private static final float FACTOR = 2;

  @Override
  void checkRows() {
    checkDoubled(newByVectors().toFloatArray());
    checkDoubled(existingByVectors().toFloatArray());
    y.fill(1f);
    checkAxpy(axpyByVectors().toFloatArray());
    checkSum(sumByVectors());
  }

  private static FloatVector load(MemorySegment from, int index) {
    return FloatVector.fromMemorySegment(SPECIES, from, (long) index * Float.BYTES, ORDER);
  }

  private static void store(FloatVector vector, MemorySegment to, int index) {
    vector.intoMemorySegment(to, (long) index * Float.BYTES, ORDER);
  }

  private Tensor doubleByVectors(Tensor to) {
    MemorySegment source = ElementAccessOn22.segment(x);
    MemorySegment target = ElementAccessOn22.segment(to);
    int i = 0;
    for (; i < SPECIES.loopBound(elements); i += SPECIES.length()) {
      store(load(source, i).mul(FACTOR), target, i);
    }
    for (; i < elements; i++) {
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
  public Tensor newByVectors() {
    return doubleByVectors(newResult());
  }

  /**
   * y = 2x, into an existing tensor.
   *
   * @return y
   */
  @Benchmark
  public Tensor existingByVectors() {
    return doubleByVectors(y);
  }

  /**
   * y += 2x.
   *
   * @return y
   */
  @Benchmark
  public Tensor axpyByVectors() {
    MemorySegment source = ElementAccessOn22.segment(x);
    MemorySegment target = ElementAccessOn22.segment(y);
    int i = 0;
    for (; i < SPECIES.loopBound(elements); i += SPECIES.length()) {
      store(load(source, i).mul(FACTOR).add(load(target, i)), target, i);
    }
    for (; i < elements; i++) {
      target.setAtIndex(
          JAVA_FLOAT,
          i,
          target.getAtIndex(JAVA_FLOAT, i) + FACTOR * source.getAtIndex(JAVA_FLOAT, i));
    }
    return y;
  }

  /**
   * The sum of x, in an order of its own.
   *
   * @return the sum
   */
  @Benchmark
  public float sumByVectors() {
    MemorySegment source = ElementAccessOn22.segment(x);
    FloatVector sums = FloatVector.zero(SPECIES);
    int i = 0;
    for (; i < SPECIES.loopBound(elements); i += SPECIES.length()) {
      sums = sums.add(load(source, i));
    }
    float sum = sums.reduceLanes(VectorOperators.ADD);
    for (; i < elements; i++) {
      sum += source.getAtIndex(JAVA_FLOAT, i);
    }
    return sum;
  }
}
