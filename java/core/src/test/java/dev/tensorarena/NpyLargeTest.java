package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tensors past 2 GiB; but for the big-endian one, only some pages of them are touched. */
class NpyLargeTest {
  private static final long GIB = 1L << 30;
  private static final long SIZE = 5 * GIB + 10;

  /** A disk that looks at the first and the last byte of what it is given, and at nothing else. */
  private static final class Skimming extends BytesChannel {
    final List<Integer> sizes = new ArrayList<>();
    final List<Byte> ends = new ArrayList<>();

    Skimming() {
      super(new byte[0]);
    }

    @Override
    public int read(ByteBuffer into) {
      int part = sizes.size();
      into.put(0, (byte) (10 + part)).put(into.limit() - 1, (byte) (20 + part));
      return consume(into);
    }

    @Override
    public int write(ByteBuffer from) {
      ends.add(from.get(0));
      ends.add(from.get(from.limit() - 1));
      return consume(from);
    }

    private int consume(ByteBuffer part) {
      sizes.add(part.remaining());
      part.position(part.limit());
      return part.limit();
    }
  }

  @Test
  void contiguousBytesGoThroughWindowsOfOneGiB() throws IOException {
    int gib = (int) GIB;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.empty(DType.INT8, SIZE);
      Skimming in = new Skimming();
      NpyData.read(new NpyInput(in, "a.npy"), tensor, ByteOrder.LITTLE_ENDIAN);
      assertEquals(List.of(gib, gib, gib, gib, gib, 10), in.sizes);
      for (int part = 0; part < 6; part++) {
        assertEquals(10 + part, tensor.select(0, part * GIB).getByteAt(0));
        long last = Math.min((part + 1) * GIB, SIZE) - 1;
        assertEquals(20 + part, tensor.select(0, last).getByteAt(0));
      }
      Skimming out = new Skimming();
      NpyData.write(out, new byte[] {1, 2, 3}, tensor);
      assertEquals(List.of(3, gib, gib, gib, gib, gib, 10), out.sizes);
      List<Byte> expected = new ArrayList<>();
      for (int value : new int[] {1, 3, 10, 20, 11, 21, 12, 22, 13, 23, 14, 24, 15, 25}) {
        expected.add((byte) value);
      }
      assertEquals(expected, out.ends);
    }
  }

  /** A disk of big-endian longs: each part that is read begins and ends with its place. */
  private static final class Places extends BytesChannel {
    final List<Long> starts = new ArrayList<>();
    private long place;

    Places() {
      super(new byte[0]);
    }

    @Override
    public int read(ByteBuffer into) {
      int size = into.remaining();
      starts.add(place);
      ByteBuffer longs = into.duplicate(); // big-endian, as every new buffer is
      longs.putLong(0, place).putLong(size - 8, ~(place + size - 8));
      into.position(size);
      place += size;
      return size;
    }
  }

  @Test
  void bigEndianElementsAreConvertedInAllWindows() throws IOException {
    long size = 2 * GIB + 24;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.empty(DType.INT64, size / 8);
      Places in = new Places();
      NpyData.read(new NpyInput(in, "a.npy"), tensor, ByteOrder.BIG_ENDIAN);
      assertEquals(2 * GIB, in.starts.get(in.starts.size() - 1));
      for (int part = 0; part < in.starts.size(); part++) {
        long first = in.starts.get(part);
        long last = (part + 1 < in.starts.size() ? in.starts.get(part + 1) : size) - 8;
        assertEquals(first, tensor.select(0, first / 8).getLongAt(0));
        assertEquals(~last, tensor.select(0, last / 8).getLongAt(0));
      }
    }
  }

  @Test
  void stridedElementsMayLieInSeveralWindows(@TempDir Path folder) throws IOException {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = ctx.empty(DType.FLOAT32, 3, GIB / 4 + 1);
      Tensor column = tensor.slice(1, GIB / 4 - 1, GIB / 4 + 1);
      assertFalse(column.isContiguous());
      for (int row = 0; row < 3; row++) {
        tensor.select(0, row).setFloat(row + 0.25f, GIB / 4 - 1);
        tensor.select(0, row).setFloat(row + 0.5f, GIB / 4);
      }
      Path path = folder.resolve("a.npy");
      Npy.write(column, path);
      assertArrayEquals(
          new float[] {0.25f, 0.5f, 1.25f, 1.5f, 2.25f, 2.5f}, Npy.read(ctx, path).toFloatArray());
    }
  }
}
