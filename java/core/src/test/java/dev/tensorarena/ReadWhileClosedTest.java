package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What makes something of a handle's bytes holds them while it reads: another thread that closes
 * the handle meanwhile does not end them under it.
 */
class ReadWhileClosedTest {
  private static final long VALUE = 5;
  private static final int ROUNDS = 40;
  private static final Shape SHAPE = Shape.of(512, 1024);

  @TempDir static Path folder;

  /** Each returns whether it has read nothing but {@link #VALUE}. */
  private enum Way {
    MUTABLE {
      @Override
      boolean reads(SharedTensor handle, ExecutionContext ctx) {
        return isWhole(handle.mutable(ctx));
      }
    },
    COPY {
      @Override
      boolean reads(SharedTensor handle, ExecutionContext ctx) {
        return isWhole(handle.copy(ctx));
      }
    },
    CONTIGUOUS {
      @Override
      boolean reads(SharedTensor handle, ExecutionContext ctx) {
        return isWhole(handle.transpose().contiguous(ctx));
      }
    },
    COPY_FROM {
      @Override
      boolean reads(SharedTensor handle, ExecutionContext ctx) {
        return isWhole(ctx.empty(DType.INT64, SHAPE).copyFrom(handle));
      }
    },
    MISMATCH {
      @Override
      boolean reads(SharedTensor handle, ExecutionContext ctx) {
        return ctx.empty(DType.INT64, SHAPE).fill(VALUE).contentEquals(handle);
      }
    },
    MISMATCH_WITH_ANOTHER {
      @Override
      boolean reads(SharedTensor handle, ExecutionContext ctx) {
        return handle.contentEquals(ctx.empty(DType.INT64, SHAPE).fill(VALUE));
      }
    },
    NPY {
      @Override
      boolean reads(SharedTensor handle, ExecutionContext ctx) throws IOException {
        Path file = folder.resolve("handle.npy");
        Npy.write(handle, file);
        return isWhole(Npy.read(ctx, file));
      }
    };

    abstract boolean reads(SharedTensor handle, ExecutionContext ctx) throws IOException;

    private static boolean isWhole(Tensor tensor) {
      for (long value : tensor.toLongArray()) {
        if (value != VALUE) {
          return false;
        }
      }
      return true;
    }
  }

  /** Memory that its owner writes to as soon as nobody needs it any more. */
  private static final class Lent extends BufferMemory {
    volatile int released;

    Lent() {
      super(Math.toIntExact(DType.INT64.byteSize(SHAPE)));
    }

    void fill(long value) {
      for (int at = 0; at < bytes.capacity(); at += Long.BYTES) {
        bytes.putLong(at, value);
      }
    }

    @Override
    public void released() {
      fill(~VALUE);
      released++;
    }
  }

  @ParameterizedTest
  @EnumSource
  void theBytesStayUntilTheyAreRead(Way way) throws Exception {
    Lent lent = new Lent();
    int[] read = new int[1];
    for (int round = 0; round < ROUNDS; round++) {
      lent.fill(VALUE);
      SharedTensor handle;
      SharedTensor another; // or mutable would copy nothing
      try (ExecutionContext ctx = ExecutionContext.open()) {
        handle = ctx.wrap(lent, DType.INT64, SHAPE).share();
        another = handle.share();
      }
      boolean[] begun = new boolean[1];
      Thread reader =
          new Thread(
              () -> {
                try (ExecutionContext ctx = ExecutionContext.open()) {
                  synchronized (begun) {
                    begun[0] = true;
                    begun.notifyAll();
                  }
                  read[0] += way.reads(handle, ctx) ? 1 : -ROUNDS;
                } catch (IllegalStateException e) {
                  assertTrue(e.getMessage().contains("dead"), e.getMessage()); // closed first
                } catch (IOException e) {
                  throw new AssertionError(e);
                }
              });
      Throwable[] thrown = new Throwable[1];
      reader.setUncaughtExceptionHandler((of, e) -> thrown[0] = e);
      reader.start();
      synchronized (begun) {
        while (!begun[0]) {
          begun.wait();
        }
      }
      for (int spins = 0; spins < round * 600; spins++) { // ever later in what is read
        Thread.onSpinWait();
      }
      another.close();
      handle.close();
      reader.join();
      assertEquals(null, thrown[0]);
      assertTrue(read[0] >= 0, "in round " + round + " it read what came after");
      assertEquals(round + 1, lent.released, "released once");
    }
  }
}
