package dev.tensorarena.bench;

import dev.tensorarena.Tensor;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.infra.Blackhole;

/**
 * What does it cost to look at a part of a tensor: at a row through a view that is made for it, at
 * a view through a buffer, at an element by two indices?
 *
 * <p>Rows {@code view…} make a view of each row of a matrix, in a loop, as code for attention does,
 * and read its first element; rows {@code buffer…} do so with a {@code FloatBuffer} of a view that
 * is there already; {@code …Escaping} shows the view to somebody instead, so that it is a real
 * object. Rows {@code elements…} add all elements up in two nested loops, and their operation is
 * one element.
 */
public class Views extends MatrixValues {
  private static final ByteOrder NATIVE = ByteOrder.nativeOrder();

  private float[][] arrays;
  private ByteBuffer direct;
  private FloatBuffer floats;
  private ByteBuf netty;

  private final Tensor[] tensorViews = new Tensor[ROWS];
  private final ByteBuffer[] directViews = new ByteBuffer[ROWS];
  private final ByteBuf[] nettyViews = new ByteBuf[ROWS];

  @Override
  void open() {
    arrays = new float[ROWS][COLUMNS];
    direct = ByteBuffer.allocateDirect(ROWS * ROW_BYTES).order(NATIVE);
    floats = direct.asFloatBuffer().put(0, array);
    netty = Netty.POOLED.directBuffer(ROWS * ROW_BYTES).writerIndex(ROWS * ROW_BYTES);
    netty.nioBuffer().order(NATIVE).asFloatBuffer().put(0, array);
    for (int i = 0; i < ROWS; i++) {
      System.arraycopy(array, i * COLUMNS, arrays[i], 0, COLUMNS);
      tensorViews[i] = tensor.select(0, i);
      directViews[i] = direct.slice(i * ROW_BYTES, ROW_BYTES).order(NATIVE);
      nettyViews[i] = netty.slice(i * ROW_BYTES, ROW_BYTES);
    }
  }

  @Override
  void free() {
    netty.release();
  }

  @Override
  void checkRows() {
    checkFirsts(viewBySelect());
    checkFirsts(viewByArrayIndex());
    checkFirsts(viewByByteBufferSlice());
    checkFirsts(viewByNettySlice());
    checkFirsts(bufferOfTensorView());
    checkFirsts(bufferOfByteBufferSlice());
    checkFirsts(bufferOfNettySlice());
    checkAll(elementsByGetFloat());
    checkAll(elementsByArrayIndex());
    checkAll(elementsByArrayOfArrays());
    checkAll(elementsByFloatBuffer());
    checkAll(elementsByNetty());
  }

  // ---- a view in a loop

  /**
   * Tensors.
   *
   * @return the sum of the first column
   */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public float viewBySelect() {
    float sum = 0;
    for (int i = 0; i < ROWS; i++) {
      sum += tensor.select(0, i).getFloatAt(0);
    }
    return sum;
  }

  /**
   * Tensors that somebody sees.
   *
   * @param somebody who sees them
   */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public void viewBySelectEscaping(Blackhole somebody) {
    for (int i = 0; i < ROWS; i++) {
      somebody.consume(tensor.select(0, i));
    }
  }

  /**
   * A heap array, of which there are no views: the index is computed.
   *
   * @return the sum of the first column
   */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public float viewByArrayIndex() {
    float sum = 0;
    for (int i = 0; i < ROWS; i++) {
      sum += array[i * COLUMNS];
    }
    return sum;
  }

  private ByteBuffer sliceOfByteBuffer(int row) {
    return direct.slice(row * ROW_BYTES, ROW_BYTES).order(NATIVE);
  }

  /**
   * Slices of a direct buffer, in native order.
   *
   * @return the sum of the first column
   */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public float viewByByteBufferSlice() {
    float sum = 0;
    for (int i = 0; i < ROWS; i++) {
      sum += sliceOfByteBuffer(i).getFloat(0);
    }
    return sum;
  }

  /**
   * Slices of a direct buffer that somebody sees.
   *
   * @param somebody who sees them
   */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public void viewByByteBufferSliceEscaping(Blackhole somebody) {
    for (int i = 0; i < ROWS; i++) {
      somebody.consume(sliceOfByteBuffer(i));
    }
  }

  /**
   * Slices of a Netty buffer.
   *
   * @return the sum of the first column
   */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public float viewByNettySlice() {
    float sum = 0;
    for (int i = 0; i < ROWS; i++) {
      sum += netty.slice(i * ROW_BYTES, ROW_BYTES).getFloatLE(0);
    }
    return sum;
  }

  /**
   * Slices of a Netty buffer that somebody sees.
   *
   * @param somebody who sees them
   */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public void viewByNettySliceEscaping(Blackhole somebody) {
    for (int i = 0; i < ROWS; i++) {
      somebody.consume(netty.slice(i * ROW_BYTES, ROW_BYTES));
    }
  }

  // ---- a buffer of a view

  /**
   * Of a tensor that is a view.
   *
   * @return the sum of the first column
   */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public float bufferOfTensorView() {
    float sum = 0;
    for (Tensor view : tensorViews) {
      sum += view.asFloatBuffer().get(0);
    }
    return sum;
  }

  /**
   * Of a tensor that is a view; somebody sees it.
   *
   * @param somebody who sees it
   */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public void bufferOfTensorViewEscaping(Blackhole somebody) {
    for (Tensor view : tensorViews) {
      somebody.consume(view.asFloatBuffer());
    }
  }

  /**
   * Of a slice of a direct buffer.
   *
   * @return the sum of the first column
   */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public float bufferOfByteBufferSlice() {
    float sum = 0;
    for (ByteBuffer view : directViews) {
      sum += view.asFloatBuffer().get(0);
    }
    return sum;
  }

  /**
   * Of a slice of a direct buffer; somebody sees it.
   *
   * @param somebody who sees it
   */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public void bufferOfByteBufferSliceEscaping(Blackhole somebody) {
    for (ByteBuffer view : directViews) {
      somebody.consume(view.asFloatBuffer());
    }
  }

  private static FloatBuffer bufferOf(ByteBuf view) {
    return view.nioBuffer().order(NATIVE).asFloatBuffer();
  }

  /**
   * Of a slice of a Netty buffer.
   *
   * @return the sum of the first column
   */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public float bufferOfNettySlice() {
    float sum = 0;
    for (ByteBuf view : nettyViews) {
      sum += bufferOf(view).get(0);
    }
    return sum;
  }

  /**
   * Of a slice of a Netty buffer; somebody sees it.
   *
   * @param somebody who sees it
   */
  @Benchmark
  @OperationsPerInvocation(ROWS)
  public void bufferOfNettySliceEscaping(Blackhole somebody) {
    for (ByteBuf view : nettyViews) {
      somebody.consume(bufferOf(view));
    }
  }

  // ---- elements by two indices

  /**
   * A tensor's.
   *
   * @return the sum of all
   */
  @Benchmark
  @OperationsPerInvocation(ROWS * COLUMNS)
  public float elementsByGetFloat() {
    float sum = 0;
    for (int i = 0; i < ROWS; i++) {
      for (int j = 0; j < COLUMNS; j++) {
        sum += tensor.getFloat(i, j);
      }
    }
    return sum;
  }

  /**
   * A heap array's, whose index is computed.
   *
   * @return the sum of all
   */
  @Benchmark
  @OperationsPerInvocation(ROWS * COLUMNS)
  public float elementsByArrayIndex() {
    float sum = 0;
    for (int i = 0; i < ROWS; i++) {
      for (int j = 0; j < COLUMNS; j++) {
        sum += array[i * COLUMNS + j];
      }
    }
    return sum;
  }

  /**
   * Those of an array of arrays.
   *
   * @return the sum of all
   */
  @Benchmark
  @OperationsPerInvocation(ROWS * COLUMNS)
  public float elementsByArrayOfArrays() {
    float sum = 0;
    for (int i = 0; i < ROWS; i++) {
      for (int j = 0; j < COLUMNS; j++) {
        sum += arrays[i][j];
      }
    }
    return sum;
  }

  /**
   * A direct buffer's, whose index is computed.
   *
   * @return the sum of all
   */
  @Benchmark
  @OperationsPerInvocation(ROWS * COLUMNS)
  public float elementsByFloatBuffer() {
    float sum = 0;
    for (int i = 0; i < ROWS; i++) {
      for (int j = 0; j < COLUMNS; j++) {
        sum += floats.get(i * COLUMNS + j);
      }
    }
    return sum;
  }

  /**
   * A Netty buffer's, whose index is computed.
   *
   * @return the sum of all
   */
  @Benchmark
  @OperationsPerInvocation(ROWS * COLUMNS)
  public float elementsByNetty() {
    float sum = 0;
    for (int i = 0; i < ROWS; i++) {
      for (int j = 0; j < COLUMNS; j++) {
        sum += netty.getFloatLE(i * ROW_BYTES + j * Float.BYTES);
      }
    }
    return sum;
  }
}
