package dev.tensorarena.bench;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.infra.Blackhole;

/** The rows of {@link Views} that look at a native segment of a JDK arena. */
public class ViewsOn22 extends MatrixValues {
  private static final ByteOrder NATIVE = ByteOrder.nativeOrder();

  /** An element of the matrix: a segment, the offset of the matrix, a row, a column. */
  private static final VarHandle ELEMENT =
      MemoryLayout.sequenceLayout(ROWS, MemoryLayout.sequenceLayout(COLUMNS, JAVA_FLOAT))
          .varHandle(PathElement.sequenceElement(), PathElement.sequenceElement());

  private Arena arena;
  private MemorySegment matrix;
  private final MemorySegment[] slices = new MemorySegment[ROWS];

  @Override
  void open() {
    arena = Arena.ofConfined();
    matrix = arena.allocateFrom(JAVA_FLOAT, array);
    for (int i = 0; i < ROWS; i++) {
      slices[i] = slice(i);
    }
  }

  @Override
  void free() {
    arena.close();
  }

  @Override
  void checkRows() {
    checkFirsts(viewBySegmentSlice());
    checkFirsts(bufferOfSegmentSlice());
    checkAll(elementsByVarHandle());
  }

  private MemorySegment slice(int row) {
    return matrix.asSlice((long) row * ROW_BYTES, ROW_BYTES);
  }

  /**
   * Slices.
   *
   * @return the sum of the first column
   */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public float viewBySegmentSlice() {
    float sum = 0;
    for (int i = 0; i < ROWS; i++) {
      sum += slice(i).get(JAVA_FLOAT, 0);
    }
    return sum;
  }

  /**
   * Slices that somebody sees.
   *
   * @param somebody who sees them
   */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public void viewBySegmentSliceEscaping(Blackhole somebody) {
    for (int i = 0; i < ROWS; i++) {
      somebody.consume(slice(i));
    }
  }

  private static FloatBuffer bufferOf(MemorySegment slice) {
    return slice.asByteBuffer().order(NATIVE).asFloatBuffer();
  }

  /**
   * A buffer of a slice.
   *
   * @return the sum of the first column
   */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public float bufferOfSegmentSlice() {
    float sum = 0;
    for (MemorySegment slice : slices) {
      sum += bufferOf(slice).get(0);
    }
    return sum;
  }

  /**
   * A buffer of a slice; somebody sees it.
   *
   * @param somebody who sees it
   */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public void bufferOfSegmentSliceEscaping(Blackhole somebody) {
    for (MemorySegment slice : slices) {
      somebody.consume(bufferOf(slice));
    }
  }

  /**
   * Elements by a handle with two indices.
   *
   * @return the sum of all
   */
  @Benchmark
  @OperationsPerInvocation(ROWS * COLUMNS)
  public float elementsByVarHandle() {
    float sum = 0;
    for (int i = 0; i < ROWS; i++) {
      for (int j = 0; j < COLUMNS; j++) {
        sum += (float) ELEMENT.get(matrix, 0L, (long) i, (long) j);
      }
    }
    return sum;
  }
}
