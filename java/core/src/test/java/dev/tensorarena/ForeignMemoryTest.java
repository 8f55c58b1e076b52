package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static dev.tensorarena.TestSupport.counting;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tensors over memory that is not the library's, may be large, and may go away. */
class ForeignMemoryTest {
  private static final long GIB = 1L << 30;

  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  /** A block that another context lends, for it to be larger than any buffer. */
  private static final class Block implements ForeignMemory, AutoCloseable {
    private final ExecutionContext owner = ExecutionContext.open();
    private final Tensor bytes;
    boolean alive = true;
    boolean readOnly;

    Block(long size) {
      bytes = owner.empty(DType.INT8, size);
    }

    @Override
    public long byteSize() {
      return bytes.size();
    }

    @Override
    public ByteBuffer part(long offset, int length) {
      ByteBuffer part = bytes.slice(0, offset, offset + length).asByteBuffer();
      return readOnly ? part.asReadOnlyBuffer() : part;
    }

    @Override
    public boolean isAlive() {
      return alive;
    }

    @Override
    public void close() {
      owner.close();
    }

    @Override
    public String toString() {
      return "a block";
    }
  }

  @Test
  void theTensorIsTheMemory() {
    try (Block block = new Block(24)) {
      Tensor tensor = ctx.wrap(block, DType.FLOAT32, Shape.of(2, 3)).copyFrom(counting(6));
      assertEquals(5f, block.part(20, 4).order(ByteOrder.nativeOrder()).getFloat());
      assertEquals(block.bytes.address(), tensor.address());
      assertEquals(0, ctx.memoryUsage());
      assertSame(block, tensor.select(0, 1).memory().foreign());
      assertNull(tensor.copy(ctx).memory().foreign());
      ByteBuffer buffer = ByteBuffer.allocateDirect(8);
      assertEquals(8, ctx.wrap(buffer, DType.INT8, Shape.of(8)).memory().foreign().byteSize());
    }
  }

  @Test
  void whatDoesNotMatchOrIsNoDirectBufferIsRefused() {
    Class<IllegalArgumentException> bad = IllegalArgumentException.class;
    try (Block block = new Block(24)) {
      assertRefuses(
          bad, () -> ctx.wrap(block, DType.FLOAT32, Shape.of(5)), "20 bytes", "a block", "24");
      block.alive = false;
      assertRefuses(() -> ctx.wrap(block, DType.FLOAT32, Shape.of(6)), "has gone", "a block");
    }
    for (ByteBuffer part :
        new ByteBuffer[] {ByteBuffer.allocate(8), ByteBuffer.allocateDirect(7)}) {
      ForeignMemory wrong =
          new BufferMemory(8) {
            @Override
            public ByteBuffer part(long offset, int length) {
              return part;
            }
          };
      assertRefuses(bad, () -> ctx.wrap(wrong, DType.INT8, Shape.of(8)), "8 bytes at 0");
    }
  }

  /** A block that gives other parts than it is asked for, from the second on. */
  private static final class Liar implements ForeignMemory {
    private final Block block;
    int asked;
    UnaryOperator<ByteBuffer> lie = part -> part;
    long beside;

    Liar(Block block) {
      this.block = block;
    }

    @Override
    public long byteSize() {
      return asked++ == 0 ? block.byteSize() : 1L << 60;
    }

    @Override
    public ByteBuffer part(long offset, int length) {
      return offset == 0
          ? block.part(offset, length)
          : lie.apply(block.part(offset + beside, length));
    }

    @Override
    public String toString() {
      return "a liar";
    }
  }

  @Test
  void theSizeIsAskedOnceAndALaterPartLiesWhereTheFirstOneSays() {
    try (Block block = new Block(5 * GIB)) {
      Liar liar = new Liar(block);
      Tensor tensor = ctx.wrap(liar, DType.INT8, Shape.of(5, GIB));
      assertEquals(1, liar.asked);
      tensor.select(0, 4).setByte((byte) 7, GIB - 1);
      assertEquals(1, liar.asked);
      assertEquals(7, block.bytes.slice(0, 5 * GIB - 1, 5 * GIB).getByte(0));

      liar.lie = part -> part.order(ByteOrder.BIG_ENDIAN); // means nothing
      assertEquals(7, tensor.select(0, 4).getByte(GIB - 1));
      for (UnaryOperator<ByteBuffer> lie :
          List.<UnaryOperator<ByteBuffer>>of(
              part -> part.limit(part.limit() - 1),
              part -> ByteBuffer.allocate(8),
              part -> null,
              ByteBuffer::asReadOnlyBuffer)) {
        liar.lie = lie;
        assertRefuses(() -> tensor.select(0, 4), "a liar", GIB + " bytes at " + 4 * GIB);
      }
      liar.lie = part -> part;
      liar.beside = -1;
      assertRefuses(
          () -> tensor.select(0, 4),
          "must lie at 0x" + Long.toHexString(block.bytes.address() + 4 * GIB),
          "but",
          "at 0x" + Long.toHexString(block.bytes.address() + 4 * GIB - 1));
      liar.beside = 0;
      assertEquals(7, tensor.select(0, 4).getByte(GIB - 1), "and nothing has changed");
    }
  }

  /** It promised to keep its bytes, and a pin's address was read after they were freed. */
  @Test
  void aPinKeepsThePartThatAMemoryDoesNotKeep() {
    AtomicReference<WeakReference<ByteBuffer>> part = new AtomicReference<>();
    ForeignMemory forgetful =
        new ForeignMemory() {
          @Override
          public long byteSize() {
            return 1 << 20;
          }

          @Override
          public ByteBuffer part(long offset, int length) {
            ByteBuffer bytes = ByteBuffer.allocateDirect(length);
            part.set(new WeakReference<>(bytes));
            return bytes;
          }
        };
    TensorPin pin = pinOfFrozen(forgetful);
    ctx.reset();
    for (int i = 0; i < 5; i++) {
      System.gc();
    }
    assertNotNull(part.get().get());
    pin.close();
    pin = null;
    for (int i = 0; i < 100 && part.get().get() != null; i++) {
      System.gc();
    }
    assertNull(part.get().get(), "and no longer");
  }

  private TensorPin pinOfFrozen(ForeignMemory memory) {
    Tensor tensor = ctx.wrap(memory, DType.INT8, Shape.of(1 << 20));
    tensor.share().close(); // or its one writer would keep the tensor
    return TensorPin.of(tensor);
  }

  /** The parts of a memory may have any order: what counts is where they lie. */
  @Test
  void theByteOrderOfAPartMeansNothing() {
    BufferMemory reversed =
        new BufferMemory(8) {
          @Override
          public ByteBuffer part(long offset, int length) {
            return super.part(offset, length).order(ByteOrder.BIG_ENDIAN);
          }
        };
    ctx.wrap(reversed, DType.INT32, Shape.of(2)).fill(5);
    assertEquals(5, reversed.bytes.getInt(4));
  }

  @Test
  void aMemoryThatEndsTheScopeWhileItIsWrappedMakesATensorOfAnOpenOne() {
    Scope scope = ctx.scope();
    ForeignMemory ender =
        new BufferMemory(8) {
          @Override
          public ByteBuffer part(long offset, int length) {
            scope.close();
            return super.part(offset, length);
          }
        };
    Tensor tensor = ctx.wrap(ender, DType.INT8, Shape.of(8));
    assertTrue(tensor.isAlive());
    assertEquals(0, tensor.share().getByte(7));
    ForeignMemory closer =
        new BufferMemory(8) {
          @Override
          public ByteBuffer part(long offset, int length) {
            ctx.close();
            return super.part(offset, length);
          }
        };
    assertRefuses(() -> ctx.wrap(closer, DType.INT8, Shape.of(8)), "is closed");
  }

  @Test
  void onceTheMemoryHasGoneSoHasTheTensor() {
    try (Block block = new Block(8)) {
      Tensor tensor = ctx.wrap(block, DType.FLOAT32, Shape.of(2)).fill(1f);
      Tensor view = tensor.slice(0, 0, 1);
      SharedTensor handle = tensor.share();
      assertTrue(handle.isAlive());
      block.alive = false;
      for (Tensor dead : new Tensor[] {tensor, view, handle}) {
        assertFalse(dead.isAlive());
        assertRefuses(() -> dead.getFloat(0), "has gone", "a block");
        assertRefuses(dead::address, "has gone");
        assertRefuses(dead::share, "has gone");
        assertRefuses(() -> dead.copy(ctx), "has gone");
        assertNull(dead.tryShare());
        assertTrue(dead.toString().contains("dead"));
      }
      handle.close();
    }
  }

  @Test
  void readOnlyMemoryIsFrozen() {
    try (Block block = new Block(8)) {
      block.readOnly = true;
      Tensor tensor = ctx.wrap(block, DType.FLOAT32, Shape.of(2));
      assertRefuses(() -> tensor.fill(1f), "is frozen");
      tensor.mutable(ctx).fill(1f);
    }
  }

  @Test
  void pastTwoGiBPartsAreSeenAsTheyAreNeeded() {
    try (Block block = new Block(5 * GIB)) {
      Tensor tensor = ctx.wrap(block, DType.INT32, Shape.of(5, GIB / 4));
      assertRefuses(() -> tensor.getInt(0, 0), "5368709120 bytes", "dev.tensorarena.ffm");
      assertRefuses(tensor::asByteBuffer, "dev.tensorarena.ffm");
      for (int row = 0; row < 5; row++) {
        tensor.select(0, row).setInt(row + 1, GIB / 4 - 1);
      }
      Tensor flat = tensor.reshape(Shape.of(5 * GIB / 4));
      for (int row = 0; row < 5; row++) {
        long at = (row + 1) * GIB / 4 - 1;
        assertEquals(row + 1, flat.slice(0, at, at + 1).getInt(0));
        long from = Math.max(0, at - GIB / 4 - 7);
        assertEquals(row + 1, flat.slice(0, from, at + 1).getInt(at - from));
        byte[] last = new byte[4];
        block.part(4 * at, 4).get(last);
        assertArrayEquals(new byte[] {(byte) (row + 1), 0, 0, 0}, last);
      }
      SharedTensor handle = tensor.share();
      ctx.reset();
      assertEquals(3, handle.select(0, 2).getInt(GIB / 4 - 1));
      handle.close();
    }
  }

  @Test
  void stridedPartsPastTwoGiBAreWrittenToFiles(@TempDir Path folder) throws Exception {
    try (Block block = new Block(5 * GIB)) {
      Tensor tensor = ctx.wrap(block, DType.INT32, Shape.of(5, GIB / 4));
      Tensor column = tensor.slice(1, GIB / 4 - 1, GIB / 4);
      for (int row = 0; row < 5; row++) {
        tensor.select(0, row).setInt(row + 1, GIB / 4 - 1);
      }
      Npy.write(column, folder.resolve("a.npy"));
      Tensor read = Npy.read(ctx, folder.resolve("a.npy"));
      assertArrayEquals(new int[] {1, 2, 3, 4, 5}, read.toIntArray());
    }
  }

  /** Copies past 2 GiB go part by part; in whichever direction overlapping bytes demand. */
  @Test
  void foreignMemoryIsCopiedPartByPart() {
    long part = 100;
    byte[] values = new byte[1000];
    for (int i = 0; i < values.length; i++) {
      values[i] = (byte) (i * 7);
    }
    for (int shift : new int[] {-300, -1, 0, 1, 50, 300}) {
      ByteBuffer buffer = ByteBuffer.allocateDirect(2000).put(500, values);
      Tensor all = ctx.wrap(buffer, DType.INT8, Shape.of(2000));
      Tensor from = all.slice(0, 500, 1500);
      Tensor to = all.slice(0, 500 + shift, 1500 + shift);
      Bulk.copyForeign(from, to, 1000, part);
      assertArrayEquals(values, to.toByteArray(), "moved by " + shift);
    }
  }
}
