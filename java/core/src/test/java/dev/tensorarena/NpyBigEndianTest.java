package dev.tensorarena;

import static dev.tensorarena.NpyFixtures.counting;
import static dev.tensorarena.NpyFixtures.dict;
import static dev.tensorarena.NpyFixtures.numpy;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Big-endian elements are converted while they are read. */
@Tag("platform")
class NpyBigEndianTest {
  private ExecutionContext ctx;

  @BeforeEach
  void open() {
    ctx = ExecutionContext.open();
  }

  @AfterEach
  void close() {
    ctx.close();
  }

  /** From a channel that gives a few bytes at a time. */
  private Tensor read(String descr, String fortranOrder, String shape, ByteBuffer data)
      throws IOException {
    byte[] file = numpy(dict(descr, fortranOrder, shape), data.array());
    return Npy.read(ctx, new NpyInput(new BytesChannel(file), "a.npy"));
  }

  private Tensor read(String descr, String shape, ByteBuffer data) throws IOException {
    return read(descr, "False", shape, data);
  }

  @Test
  void halfFloatsKeepTheirBits() throws IOException {
    ByteBuffer data = ByteBuffer.allocate(8).putShort((short) 0x3c00).putShort((short) 0x8000);
    Tensor tensor = read(">f2", "(4,)", data.putShort((short) 0x7e01).putShort((short) 1));
    assertArrayEquals(new float[] {1f, -0f, Float.NaN, 0x1p-24f}, tensor.toFloatArray());
    assertEquals(0x7e01, tensor.asByteBuffer().getShort(4));
  }

  @Test
  void floatsKeepTheirBits() throws IOException {
    ByteBuffer data = ByteBuffer.allocate(12).putInt(0x3f80_0000).putInt(0x7fa1_2345).putInt(1);
    Tensor tensor = read(">f4", "(3,)", data);
    assertEquals(1f, tensor.getFloatAt(0));
    assertEquals(0x7fa1_2345, tensor.asByteBuffer().getInt(4)); // a signalling NaN
    assertEquals(Float.MIN_VALUE, tensor.getFloatAt(2));
  }

  @Test
  void doubles() throws IOException {
    ByteBuffer data = ByteBuffer.allocate(16).putDouble(-Math.PI).putDouble(Double.MAX_VALUE);
    assertArrayEquals(
        new double[] {-Math.PI, Double.MAX_VALUE}, read(">f8", "(2,)", data).toDoubleArray());
  }

  @Test
  void integers() throws IOException {
    ByteBuffer longs = ByteBuffer.allocate(16).putLong(Long.MIN_VALUE + 7).putLong(-2);
    Tensor tensor = read(">i8", "(2,)", longs);
    assertEquals(Long.MIN_VALUE + 7, tensor.getLongAt(0));
    assertEquals(-2, tensor.getLongAt(1));
    ByteBuffer one = ByteBuffer.allocate(4).putInt(0x0102_0304);
    assertEquals(0x0102_0304, read(">i4", "()", one).getIntAt(0));
    assertEquals(
        -258, read(">i2", "()", ByteBuffer.allocate(2).putShort((short) -258)).getShortAt(0));
  }

  @Test
  void noElements() throws IOException {
    assertTrue(read(">i8", "(4, 0)", ByteBuffer.allocate(0)).isEmpty());
  }

  @Test
  void fortranOrder() throws IOException {
    ByteBuffer columns = ByteBuffer.allocate(12);
    for (int value : new int[] {0, 3, 1, 4, 2, 5}) {
      columns.putShort((short) value);
    }
    Tensor tensor = read(">i2", "True", "(2, 3)", columns);
    assertFalse(tensor.isContiguous());
    assertTrue(tensor.isWritable());
    for (int i = 0; i < 6; i++) {
      assertEquals(i, tensor.getShortAt(i));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 1, 12_345})
  void severalBlocks(int more) throws IOException {
    int count = 3 * (64 << 10) / 8 + more;
    ByteBuffer data = ByteBuffer.allocate(8 * count);
    for (int i = 0; i < count; i++) {
      data.putLong(i * 0x1234_5678_9abc_def1L);
    }
    Tensor tensor = read(">i8", "(" + count + ",)", data);
    for (int i = 0; i < count; i++) {
      assertEquals(i * 0x1234_5678_9abc_def1L, tensor.getLongAt(i));
    }
  }

  @Test
  void bytesBesideTheTensorStay() throws IOException {
    Tensor before = ctx.empty(DType.INT8, 64).fill(1);
    Tensor read = read(">i4", "(3,)", ByteBuffer.wrap(counting(12)));
    Tensor after = ctx.empty(DType.INT8, 64).fill(2);
    assertTrue(read(">i4", "(3,)", ByteBuffer.wrap(counting(12))).contentEquals(read));
    for (int i = 0; i < 64; i++) {
      assertEquals(1, before.getByteAt(i));
      assertEquals(2, after.getByteAt(i));
    }
    assertEquals(0x0102_0304, read.getIntAt(0));
  }

  @Test
  void aLargeFileMakesLittleGarbage(@TempDir Path folder) throws IOException {
    int size = 32 << 20;
    byte[] bytes = numpy(dict(">f2", "False", "(" + size / 2 + ",)"), new byte[size]);
    Path file = NpyFixtures.write(folder, "a.npy", bytes);
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long thread = Thread.currentThread().getId();
    long before = threads.getThreadAllocatedBytes(thread);
    Npy.read(ctx, file);
    long garbage = threads.getThreadAllocatedBytes(thread) - before;
    assertTrue(garbage < size / 32, garbage + " bytes");
  }
}
