package dev.tensorarena.interop;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the recipe for streams rests on, and streams that give less than was asked for. */
class StreamsTest {
  private static final int SIZE = 100_000; // several of the channel's pieces

  @TempDir Path folder;

  private static byte[] random(int size) {
    byte[] bytes = new byte[size];
    new Random(42).nextBytes(bytes);
    return bytes;
  }

  /** Gives at most so many bytes at a time, and never says that there are more. */
  private static InputStream inPieces(byte[] bytes, int most) {
    return new ByteArrayInputStream(bytes) {
      @Override
      public synchronized int read(byte[] to, int offset, int length) {
        return super.read(to, offset, Math.min(most, length));
      }

      @Override
      public synchronized int available() {
        return 0;
      }
    };
  }

  @Test
  void aStreamInPiecesOfAnySizeIsReadToTheLastByte() throws IOException {
    byte[] bytes = random(SIZE);
    for (int most : new int[] {1, 7, 8191, 8192, 8193, SIZE}) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor x = ctx.empty(DType.INT8, SIZE);
        JdkExamplesTest.fill(x, inPieces(bytes, most));
        assertArrayEquals(bytes, x.toByteArray());
      }
    }
  }

  /** Which is why the recipe has a loop. */
  @Test
  void oneReadOfAChannelIsNotAllOfIt() throws IOException {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = ctx.empty(DType.INT8, SIZE);
      InputStream stream = inPieces(random(SIZE), 7);
      assertEquals(7, Channels.newChannel(stream).read(x.asByteBuffer()));
    }
  }

  @Test
  void aStreamThatEndsTooEarlySaysHowMuchIsMissing() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = ctx.zeros(DType.INT8, 10);
      String missing =
          assertThrows(
                  EOFException.class,
                  () -> JdkExamplesTest.fill(x, inPieces(new byte[] {1, 2, 3}, 2)))
              .getMessage();
      assertEquals("7 bytes are missing", missing);
      assertEquals(3, x.getByteAt(2));
    }
  }

  @Test
  void whatFollowsStaysInTheStream() throws IOException {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      InputStream stream = new ByteArrayInputStream(new byte[] {1, 2, 3, 4, 5});
      Tensor first = ctx.empty(DType.INT8, 2);
      Tensor second = ctx.empty(DType.INT8, 2);
      JdkExamplesTest.fill(first, stream);
      JdkExamplesTest.fill(second, stream);
      assertArrayEquals(new byte[] {1, 2}, first.toByteArray());
      assertArrayEquals(new byte[] {3, 4}, second.toByteArray());
      assertEquals(5, stream.read());
      JdkExamplesTest.fill(ctx.empty(DType.INT8, 0), stream);
    }
  }

  /** Deflated, in a jar of somebody's, so that its stream knows little of what is left. */
  @Test
  void aResourceInAJarIsRead() throws Exception {
    byte[] bytes = random(SIZE);
    Path jar = folder.resolve("weights.jar");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(jar))) {
      zip.putNextEntry(new ZipEntry("weights"));
      zip.write(bytes);
    }
    try (URLClassLoader loader = new URLClassLoader(new URL[] {jar.toUri().toURL()}, null);
        InputStream resource = loader.getResourceAsStream("weights");
        ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = ctx.empty(DType.INT8, SIZE);
      JdkExamplesTest.fill(x, resource);
      assertArrayEquals(bytes, x.toByteArray());
      assertEquals(-1, resource.read());
    }
  }

  @Test
  void aStreamOfAFileIsReadStraightIntoTheTensor() throws IOException {
    byte[] bytes = random(SIZE);
    Path path = Files.write(folder.resolve("rows"), bytes);
    try (FileInputStream stream = new FileInputStream(path.toFile());
        ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = ctx.empty(DType.INT8, SIZE);
      assertTrue(Channels.newChannel(stream) instanceof FileChannel);
      JdkExamplesTest.fill(x, stream);
      assertArrayEquals(bytes, x.toByteArray());
    }
  }

  /** By an exception of one class on JDK 17, and of another one on later ones. */
  @Test
  void aFrozenTensorIsRefused() {
    InputStream stream = new ByteArrayInputStream(new byte[] {1});
    try (ExecutionContext ctx = ExecutionContext.open();
        SharedTensor frozen = ctx.zeros(DType.INT8, 1).share()) {
      assertThrows(RuntimeException.class, () -> JdkExamplesTest.fill(frozen, stream));
      assertEquals(0, frozen.getByteAt(0));
    }
  }

  @Test
  void aTensorThatHasEndedIsRefused() {
    ExecutionContext ctx = ExecutionContext.open();
    Tensor x = ctx.zeros(DType.INT8, 1);
    ctx.close();
    InputStream stream = new ByteArrayInputStream(new byte[] {1});
    assertThrows(IllegalStateException.class, () -> JdkExamplesTest.fill(x, stream));
  }
}
