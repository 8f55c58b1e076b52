package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Wrapped memory that is asked in the middle of a call may have ended what the call works on. */
class ForeignCodeTest {
  private final ExecutionContext ctx = ExecutionContext.open();
  private final Scope scope = ctx.scope();

  @AfterEach
  void close() {
    ctx.close();
  }

  /** Memory that does something when it is next asked whether it is there. */
  private static final class Acting extends BufferMemory {
    private Runnable next;

    /** Four sixes. */
    Acting() {
      super(16);
      bytes.asIntBuffer().put(new int[] {6, 6, 6, 6});
    }

    void doOnce(Runnable action) {
      next = action;
    }

    @Override
    public boolean isAlive() {
      Runnable action = next;
      next = null;
      if (action != null) {
        action.run();
      }
      return true;
    }
  }

  private Tensor wrap(ForeignMemory memory) {
    return ctx.wrap(memory, DType.INT32, Shape.of(4));
  }

  /** Ends the scope, and has its bytes for a new tensor. */
  private Tensor[] endedFor(Acting memory) {
    Tensor[] fresh = new Tensor[1];
    memory.doOnce(
        () -> {
          scope.close();
          fresh[0] = ctx.allocSlice(1, 2, 3, 4);
        });
    return fresh;
  }

  @Test
  void aTargetThatTheSourcesMemoryEndsIsNotWritten() {
    try (ExecutionContext other = ExecutionContext.open()) {
      Acting memory = new Acting();
      Tensor source = other.wrap(memory, DType.INT32, Shape.of(4));
      Tensor target = ctx.allocSlice(0, 0, 0, 0);
      Tensor[] fresh = endedFor(memory);
      assertRefuses(() -> target.copyFrom(source), "is dead: its scope was closed");
      assertArrayEquals(new int[] {1, 2, 3, 4}, fresh[0].toIntArray());
    }
  }

  @Test
  void aTargetThatTheSourcesMemorySharesIsNotWritten() {
    Acting memory = new Acting();
    Tensor source = wrap(memory);
    Tensor target = ctx.allocSlice(1, 2, 3, 4);
    AtomicReference<SharedTensor> shared = new AtomicReference<>();
    memory.doOnce(() -> shared.set(target.share()));
    assertRefuses(() -> target.copyFrom(source), "is frozen");
    try (SharedTensor reader = shared.get()) {
      assertArrayEquals(new int[] {1, 2, 3, 4}, reader.toIntArray());
    }
  }

  @Test
  void aSourceThatTheTargetsMemoryEndsIsNotRead() {
    try (ExecutionContext other = ExecutionContext.open()) {
      Acting memory = new Acting();
      Tensor target = other.wrap(memory, DType.INT32, Shape.of(4));
      Tensor source = ctx.allocSlice(0, 0, 0, 0);
      endedFor(memory);
      assertRefuses(() -> target.copyFrom(source), "is dead: its scope was closed");
      assertArrayEquals(new int[] {6, 6, 6, 6}, target.toIntArray());
    }
  }

  @Test
  void whatTheOthersMemoryEndsIsNotCompared() {
    try (ExecutionContext other = ExecutionContext.open()) {
      Acting memory = new Acting();
      Tensor wrapped = other.wrap(memory, DType.INT32, Shape.of(4));
      Tensor tensor = ctx.allocSlice(1, 2, 3, 5);
      endedFor(memory);
      assertRefuses(() -> tensor.mismatch(wrapped), "is dead: its scope was closed");
    }
  }

  @Test
  void aTensorThatItsOwnMemoryEndsIsNotWritten() {
    Acting memory = new Acting();
    Tensor tensor = wrap(memory);
    memory.doOnce(scope::close);
    assertRefuses(() -> tensor.fill(9), "is dead: its scope was closed");
    assertEquals(6, memory.bytes.getInt(0));
  }

  @Test
  void aResourceIsNotTrackedByAHandleThatItsMemoryEnds() {
    Acting memory = new Acting();
    SharedTensor handle = wrap(memory).share();
    AtomicBoolean closed = new AtomicBoolean();
    memory.doOnce(handle::close);
    assertRefuses(() -> handle.track(() -> closed.set(true)), "its shared handle was released");
    assertFalse(closed.get());
  }

  /**
   * Its last part is asked for first, as the target lies above the source: nothing is copied yet.
   */
  @Test
  void aTargetThatTheSourcesPartEndsIsNotWritten() {
    long size = (2L << 30) + 64;
    try (ExecutionContext other = ExecutionContext.open()) {
      Tensor mine = ctx.empty(DType.INT8, size);
      Tensor others = other.empty(DType.INT8, size);
      boolean isMineAbove = mine.address() > others.address();
      Tensor below = isMineAbove ? others : mine;
      ExecutionContext sources = isMineAbove ? other : ctx;
      ExecutionContext targets = isMineAbove ? ctx : other;
      targets.reset();
      Scope targetScope = targets.scope();
      Tensor target = targets.empty(DType.INT8, size);
      assertTrue(target.address() > below.address());
      Tensor[] fresh = new Tensor[1];
      ForeignMemory ender =
          new ForeignMemory() {
            @Override
            public long byteSize() {
              return size;
            }

            @Override
            public ByteBuffer part(long offset, int length) {
              if (offset > 0) {
                targetScope.close();
                fresh[0] = targets.empty(DType.INT8, size).slice(0, size - 64, size).fill(7);
              }
              return below.slice(0, offset, offset + length).asByteBuffer();
            }
          };
      Tensor source = sources.wrap(ender, DType.INT8, Shape.of(size));
      assertRefuses(() -> target.copyFrom(source), "is dead: its scope was closed");
      assertArrayEquals(sevens(64), fresh[0].toByteArray());
    }
  }

  private static byte[] sevens(int count) {
    byte[] values = new byte[count];
    Arrays.fill(values, (byte) 7);
    return values;
  }

  /** Larger than a buffer, so that it is asked for parts later on. */
  @Test
  void aTensorThatItsMemorysPartEndsIsNotWrittenToAFile(@TempDir Path folder) {
    long gib = 1L << 30;
    try (ExecutionContext owner = ExecutionContext.open()) {
      Tensor bytes = owner.empty(DType.INT8, 3 * gib);
      Runnable[] next = {() -> {}};
      ForeignMemory memory =
          new ForeignMemory() {
            @Override
            public long byteSize() {
              return 3 * gib;
            }

            @Override
            public ByteBuffer part(long offset, int length) {
              next[0].run();
              return bytes.slice(0, offset, offset + length).asByteBuffer();
            }
          };
      Tensor column = ctx.wrap(memory, DType.INT8, Shape.of(3, gib)).slice(1, gib - 1, gib);
      next[0] = scope::close;
      assertRefuses(
          () -> Npy.write(column, folder.resolve("a.npy")), "is dead: its scope was closed");
    }
  }

  @Test
  void whatTheMemoryOfOneOfSeveralEndsIsNotJoined() {
    try (ExecutionContext other = ExecutionContext.open()) {
      Acting memory = new Acting();
      Tensor wrapped = other.wrap(memory, DType.INT32, Shape.of(4));
      Tensor tensor = ctx.allocSlice(1, 2, 3, 4);
      endedFor(memory);
      assertRefuses(() -> other.concat(0, tensor, wrapped), "is dead: its scope was closed");
      assertEquals(0, other.memoryUsage(), "nothing was allocated");
    }
  }

  /** It is asked before anything is allocated, and again as it is copied. */
  @Test
  void aResultThatTheMemoryOfTheLastOneEndsIsRefused() {
    try (ExecutionContext other = ExecutionContext.open()) {
      Acting memory = new Acting();
      Tensor wrapped = other.wrap(memory, DType.INT32, Shape.of(4));
      Tensor tensor = other.allocSlice(1, 2, 3, 4);
      Tensor[] fresh = new Tensor[1];
      memory.doOnce(
          () -> {
            memory.doOnce(
                () -> {
                  scope.close();
                  fresh[0] = ctx.allocSlice(1, 2, 3, 4);
                });
          });
      assertRefuses(() -> ctx.stack(0, tensor, wrapped), "is dead: its scope was closed");
      assertArrayEquals(new int[] {1, 2, 3, 4}, fresh[0].toIntArray());
    }
  }
}
