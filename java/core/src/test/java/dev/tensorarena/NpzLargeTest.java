package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Archives where the numbers of zip are too small. */
class NpzLargeTest {
  private static final long SIZE = (4L << 30) + 100_000;

  /** A disk that keeps what is not zero. */
  private static final class Sparse extends OutputStream {
    private static final byte[] ZEROS = new byte[64 << 10];
    private final TreeMap<Long, byte[]> pieces = new TreeMap<>();
    private long size;

    @Override
    public void write(int b) {
      throw new AssertionError("byte by byte");
    }

    @Override
    public void write(byte[] bytes, int start, int count) {
      byte[] piece = java.util.Arrays.copyOfRange(bytes, start, start + count);
      if (!java.util.Arrays.equals(piece, 0, count, ZEROS, 0, count)) {
        pieces.put(size, piece);
      }
      size += count;
    }
  }

  /** The same to be read, into memory that is zero. */
  private static final class Channel extends BytesChannel {
    private final Sparse disk;

    Channel(Sparse disk) {
      super(new byte[0], disk.size, null);
      this.disk = disk;
    }

    @Override
    public int read(ByteBuffer into, long position) {
      int start = into.position();
      int count = into.remaining();
      Long first = disk.pieces.floorKey(position);
      disk.pieces
          .subMap(first == null ? 0 : first, position + count)
          .forEach(
              (at, piece) -> {
                long from = Math.max(at, position);
                long to = Math.min(at + piece.length, position + count);
                if (from < to) {
                  into.put(
                      start + (int) (from - position), piece, (int) (from - at), (int) (to - from));
                }
              });
      into.position(start + count);
      return count;
    }
  }

  @Test
  @Tag("reliability")
  void anArrayPastFourGiBAndOneBehindIt() throws IOException {
    Sparse disk = new Sparse();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor large = ctx.empty(DType.INT8, SIZE); // which the system gives as zeros
      large.slice(0, SIZE - 3, SIZE - 2).fill(5);
      Map<String, Tensor> arrays = new LinkedHashMap<>();
      arrays.put("large", large);
      arrays.put("behind", ctx.allocSlice(1, 2, 3));
      List<NpzOutput> members =
          arrays.entrySet().stream()
              .map(each -> NpzOutput.of(each.getKey(), each.getValue()))
              .toList();
      NpzOutput.write(members, disk, "a.npz");
    }
    assertTrue(disk.size > SIZE);
    ChunkPool.trim();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ZipInput file = new ZipInput(new Channel(disk), "a.npz");
      Map<String, Tensor> arrays = Npz.read(ctx, file);
      assertEquals(SIZE, arrays.get("large").size());
      assertEquals(5, arrays.get("large").slice(0, SIZE - 3, SIZE).getByteAt(0));
      assertEquals(0, arrays.get("large").slice(0, SIZE - 3, SIZE).getByteAt(1));
      assertEquals(3, arrays.get("behind").getIntAt(2));
    }
  }

  @Test
  @Tag("reliability")
  void moreArraysThanSixteenBitsCount(@TempDir Path folder) throws IOException {
    Path path = folder.resolve("a.npz");
    Map<String, Tensor> arrays = new LinkedHashMap<>();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      for (int i = 0; i < 65_537; i++) {
        arrays.put("x" + i, ctx.allocTemp(i));
      }
      Npz.write(path, arrays);
      Map<String, Tensor> read = Npz.read(ctx, path);
      assertEquals(List.copyOf(arrays.keySet()), List.copyOf(read.keySet()));
      assertEquals(65_536, read.get("x65536").getIntAt(0));
    }
    try (ZipFile zip = new ZipFile(path.toFile())) {
      assertEquals(65_537, zip.size());
    }
  }
}
