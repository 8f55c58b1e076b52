package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A mapped file that somebody cuts short while tensors over it are in use: the JDK makes a fault in
 * its own accesses an error, but not in all that the JIT calls instead of them.
 */
class CutShortTest {
  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(ints = {1, 4})
  void whateverReadsOrWritesAMappedFileThatWasCutShortFailsAndTheProgramGoesOn(int tier)
      throws Exception {
    TestSupport.fork(
            List.of(
                "-Xbatch",
                "-XX:TieredStopAtLevel=" + tier,
                "-XX:-CreateCoredumpOnCrash",
                "-XX:ErrorFile=" + folder.resolve("crash")),
            Program.class,
            folder.toString())
        .assertSucceeded()
        .assertPrinted("all have failed");
  }

  /** Does each operation until it is compiled, and once more when the file is short. */
  static final class Program {
    private static final int BYTES = 16 << 10;
    private static final int ELEMENTS = BYTES / 4;

    static volatile Object made;

    private final RandomAccessFile file;
    private final ExecutionContext ctx;

    private Program(RandomAccessFile file, ExecutionContext ctx) {
      this.file = file;
      this.ctx = ctx;
    }

    public static void main(String[] args) throws Throwable {
      try (RandomAccessFile file = new RandomAccessFile(args[0] + "/mapped", "rw");
          ExecutionContext ctx = ExecutionContext.open()) {
        new Program(file, ctx).run(Path.of(args[0], "written.npy"));
      }
      System.out.println("all have failed");
    }

    private void run(Path written) throws Throwable {
      file.setLength(BYTES);
      ByteBuffer bytes =
          file.getChannel().map(MapMode.READ_WRITE, 0, BYTES).order(ByteOrder.nativeOrder());
      Tensor mapped = ctx.wrap(bytes, DType.FLOAT32, Shape.of(ELEMENTS));
      Tensor columns = mapped.reshape(Shape.of(4, ELEMENTS / 4)).transpose();
      Tensor part = columns.slice(1, 0, 3);
      Tensor zeros = ctx.zeros(DType.FLOAT32, ELEMENTS);
      Tensor rows = ctx.zeros(DType.FLOAT32, ELEMENTS / 4, 4);
      float[] array = new float[ELEMENTS];
      ByteBuffer view = mapped.asByteBuffer();

      failsOnceShort("get", () -> assertEquals(0, mapped.getFloatAt(ELEMENTS - 1)));
      failsOnceShort("set", () -> mapped.setFloatAt(ELEMENTS - 1, 0));
      failsOnceShort("to an array", mapped::toFloatArray);
      failsOnceShort("strided to an array", columns::toFloatArray);
      failsOnceShort("from an array", () -> mapped.copyFrom(array));
      failsOnceShort("strided from an array", () -> columns.copyFrom(array));
      failsOnceShort("fill", () -> mapped.fill(0));
      failsOnceShort("strided fill", () -> columns.fill(0));
      failsOnceShort("copy", () -> inScope(() -> mapped.copy(ctx)));
      failsOnceShort("strided copy", () -> inScope(() -> columns.contiguous(ctx)));
      failsOnceShort("of a buffer", () -> inScope(() -> ctx.allocSlice(view)));
      failsOnceShort("copy to", () -> mapped.copyFrom(zeros));
      failsOnceShort("strided copy to", () -> columns.copyFrom(rows));
      failsOnceShort("compare", () -> assertEquals(-1, mapped.mismatch(zeros)));
      failsOnceShort("compare with", () -> assertEquals(-1, zeros.mismatch(mapped)));
      failsOnceShort("compare itself", () -> assertEquals(-1, mapped.mismatch(mapped)));
      failsOnceShort("strided compare", () -> assertEquals(-1, columns.mismatch(rows)));
      failsOnceShort("raw view", () -> assertEquals(0, view.get(BYTES - 1)));
      failsOnceShort("write", () -> Npy.write(mapped, written));
      failsOnceShort("strided write", () -> Npy.write(part, written));
    }

    private void inScope(Executable operation) throws Throwable {
      Scope scope = ctx.scope();
      try {
        operation.execute();
      } finally {
        scope.close();
      }
    }

    private void failsOnceShort(String name, Executable operation) throws Throwable {
      file.setLength(BYTES);
      int enough = name.endsWith("write") ? 20 : 2_000;
      for (int i = 0; i < enough; i++) {
        operation.execute();
      }
      file.setLength(BYTES / 4);
      boolean failed = hasFailed(operation);
      for (int quiet = 0; quiet < 3; quiet++) {
        try {
          failed |= hasFailed(() -> made = new byte[1]);
        } catch (InternalError e) { // JDK 17 throws it when it is next called for something
          failed = true;
        }
      }
      assertTrue(failed, name);
      file.setLength(0); // what was written is zero again
    }

    private static boolean hasFailed(Executable operation) throws Throwable {
      try {
        operation.execute();
        return false;
      } catch (InternalError | IOException e) {
        return true;
      }
    }
  }
}
