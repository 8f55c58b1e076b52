package dev.tensorarena.bench;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Tensor;
import dev.tensorarena.blas.Blas;
import java.nio.FloatBuffer;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** What does it cost to compare a query with every vector of an index? A matrix times a vector. */
@State(Scope.Thread)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class Scoring extends AverageTime {
  private static final int WIDTH = 384;

  /** Vectors in the index: 3 MB and 126 MB of them. */
  @Param({"2000", "82000"})
  public int rows;

  private float[] index;
  private float[] query;
  private float[] scores;

  private ExecutionContext context;
  private Tensor indexTensor;
  private Tensor queryTensor;
  private Tensor scoresTensor;
  private FloatBuffer indexBuffer;
  private FloatBuffer queryBuffer;
  private FloatBuffer scoresBuffer;
  private long address;
  private long bytes;

  /** The same numbers in arrays and in tensors. */
  @Setup
  public void fill() {
    Blas.threads(1);
    index = new float[rows * WIDTH];
    query = new float[WIDTH];
    scores = new float[rows];
    for (int i = 0; i < index.length; i++) {
      index[i] = (i % 1000) / 1000f - 0.5f;
    }
    for (int i = 0; i < WIDTH; i++) {
      query[i] = (i % 7) / 7f;
    }
    context = ExecutionContext.open();
    indexTensor = context.empty(DType.FLOAT32, rows, WIDTH).copyFrom(index);
    queryTensor = context.allocSlice(query);
    scoresTensor = context.zeros(DType.FLOAT32, rows);
    indexBuffer = indexTensor.asFloatBuffer();
    queryBuffer = queryTensor.asFloatBuffer();
    scoresBuffer = scoresTensor.asFloatBuffer();
    address = indexTensor.address();
    bytes = indexTensor.byteSize();
  }

  /** Gives the memory back. */
  @TearDown
  public void close() {
    context.close();
  }

  /**
   * The loop that one writes, over heap arrays.
   *
   * @return the scores
   */
  @Benchmark
  public float[] heapArrays() {
    for (int row = 0; row < rows; row++) {
      float sum = 0;
      for (int i = 0; i < WIDTH; i++) {
        sum += index[row * WIDTH + i] * query[i];
      }
      scores[row] = sum;
    }
    return scores;
  }

  /**
   * The same loop over the tensors' buffers.
   *
   * @return the scores
   */
  @Benchmark
  public FloatBuffer floatBuffers() {
    for (int row = 0; row < rows; row++) {
      float sum = 0;
      for (int i = 0; i < WIDTH; i++) {
        sum += indexBuffer.get(row * WIDTH + i) * queryBuffer.get(i);
      }
      scoresBuffer.put(row, sum);
    }
    return scoresBuffer;
  }

  /**
   * OpenBLAS's {@code sgemv} on the tensors, on one thread.
   *
   * @return the scores
   */
  @Benchmark
  public Tensor blas() {
    Blas.gemv(1, indexTensor, queryTensor, 0, scoresTensor);
    return scoresTensor;
  }

  /**
   * As {@link #blas}, by JNA on every JDK.
   *
   * @return the scores
   */
  @Benchmark
  @Fork(
      value = 3,
      jvmArgsAppend = {
        "--enable-native-access=ALL-UNNAMED",
        "-Xms512m",
        "-Xmx512m",
        "-XX:+AlwaysPreTouch",
        BlasCall.BY_JNA
      })
  public Tensor blasByJna() {
    return blas();
  }

  /**
   * How fast the bytes of the index can be read at all: a plain C loop that adds them up, as words.
   *
   * @return the sum
   */
  @Benchmark
  public long sumInC() {
    return NativeLoops.sum(address, bytes);
  }
}
