package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static dev.tensorarena.TestSupport.counting;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** asByteBuffer, asFloatBuffer and so on: no copy, native order, position 0. */
class RawViewTest {
  private static final Set<DType> ALL = Set.of(DType.values());

  private static final Map<Function<Tensor, Buffer>, Set<DType>> VIEWS =
      Map.of(
          Tensor::asByteBuffer, ALL,
          Tensor::asFloatBuffer, Set.of(DType.FLOAT32),
          Tensor::asDoubleBuffer, Set.of(DType.FLOAT64),
          Tensor::asLongBuffer, Set.of(DType.INT64),
          Tensor::asIntBuffer, Set.of(DType.INT32),
          Tensor::asShortBuffer, Set.of(DType.INT16, DType.FLOAT16, DType.BFLOAT16));

  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  private static ByteOrder orderOf(Buffer buffer) {
    return buffer instanceof ByteBuffer
        ? ((ByteBuffer) buffer).order()
        : buffer instanceof FloatBuffer
            ? ((FloatBuffer) buffer).order()
            : buffer instanceof DoubleBuffer
                ? ((DoubleBuffer) buffer).order()
                : buffer instanceof LongBuffer
                    ? ((LongBuffer) buffer).order()
                    : buffer instanceof IntBuffer
                        ? ((IntBuffer) buffer).order()
                        : ((ShortBuffer) buffer).order();
  }

  @Test
  void aRawViewIsDirectNativeAndExactlyTheTensor() {
    VIEWS.forEach(
        (view, dtypes) -> {
          for (DType dtype : dtypes) {
            Tensor tensor = ctx.zeros(dtype, 3, 4);
            for (Tensor part : List.of(tensor, tensor.slice(0, 1, 3), tensor.select(0, 2))) {
              assertDescribed(view.apply(part), part, false);
            }
            SharedTensor shared = tensor.share();
            assertDescribed(view.apply(shared), shared, true);
            shared.close();
          }
        });
  }

  private static void assertDescribed(Buffer buffer, Tensor tensor, boolean readOnly) {
    long elements = buffer instanceof ByteBuffer ? tensor.byteSize() : tensor.size();
    assertEquals(0, buffer.position());
    assertEquals(elements, buffer.limit());
    assertEquals(elements, buffer.capacity());
    assertEquals(ByteOrder.nativeOrder(), orderOf(buffer));
    assertEquals(readOnly, buffer.isReadOnly());
    assertTrue(buffer.isDirect());
    if (buffer instanceof ByteBuffer) {
      assertEquals(tensor.address(), NativeArena.bufferAddress((ByteBuffer) buffer));
    }
  }

  @Test
  void everyOtherTypeIsRefusedWithTheType() {
    VIEWS.forEach(
        (view, dtypes) -> {
          for (DType dtype : DType.values()) {
            if (!dtypes.contains(dtype)) {
              Tensor tensor = ctx.zeros(dtype, 2);
              assertRefuses(
                  IllegalArgumentException.class, () -> view.apply(tensor), dtype.toString());
            }
          }
        });
  }

  @Test
  void aStridedViewRefusesAndNamesContiguous() {
    VIEWS.forEach(
        (view, dtypes) -> {
          for (DType dtype : dtypes) {
            Tensor strided = ctx.zeros(dtype, 2, 3).transpose();
            assertRefuses(() -> view.apply(strided), "strided", "contiguous(ctx)");
            assertEquals(0, view.apply(strided.contiguous(ctx)).position());
          }
        });
  }

  @Test
  void whatIsWrittenOnOneSideIsReadOnTheOther() {
    Tensor floats = ctx.copyOf(Shape.of(2, 3), counting(6));
    FloatBuffer row = floats.select(0, 1).asFloatBuffer();
    assertEquals(3f, row.get(0));
    row.put(2, 9f);
    assertEquals(9f, floats.getFloat(1, 2));
    floats.setFloat(8f, 1, 0);
    assertEquals(8f, row.get(0));
    assertEquals(8f, floats.asByteBuffer().getFloat(12));

    Tensor longs = ctx.zeros(DType.INT64, 2);
    longs.slice(0, 1, 2).asLongBuffer().put(0, 5L);
    assertEquals(5L, longs.getLong(1));
    Tensor ints = ctx.zeros(DType.INT32, 2);
    ints.slice(0, 1, 2).asIntBuffer().put(0, 5);
    assertEquals(5, ints.getInt(1));
    Tensor shorts = ctx.zeros(DType.INT16, 2);
    shorts.slice(0, 1, 2).asShortBuffer().put(0, (short) 5);
    assertEquals(5, shorts.getShort(1));
    Tensor doubles = ctx.zeros(DType.FLOAT64, 2);
    doubles.slice(0, 1, 2).asDoubleBuffer().put(0, 5.0);
    assertEquals(5.0, doubles.getDouble(1));
  }

  @Test
  void aViewCannotReachItsNeighbours() {
    ctx.allocSlice(1f);
    Tensor tensor = ctx.allocSlice(2f, 3f);
    ctx.allocSlice(4f);
    ByteBuffer bytes = tensor.asByteBuffer();
    assertRefuses(IndexOutOfBoundsException.class, () -> bytes.get(8));
    assertRefuses(IllegalArgumentException.class, () -> bytes.limit(9));
    assertEquals(0, bytes.slice().position());
  }

  @Test
  void emptyTensorsHaveEmptyViews() {
    VIEWS.forEach(
        (view, dtypes) -> {
          for (DType dtype : dtypes) {
            assertEquals(0, view.apply(ctx.empty(dtype, 3, 0)).capacity());
          }
        });
  }

  @Test
  void staleViewsCannotCrashTheJvm() {
    List<ByteBuffer> stale = new ArrayList<>();
    for (int size : new int[] {1, 1000, 65_536, 1 << 20, 20 << 20}) {
      try (ExecutionContext other = ExecutionContext.open()) {
        stale.add(other.zeros(DType.INT8, size).asByteBuffer());
        stale.add(other.allocate(size, 64));
        Scope scope = other.scope();
        SharedTensor shared = other.zeros(DType.INT8, size).share();
        stale.add(shared.asByteBuffer());
        scope.close();
        shared.close();
      }
    }
    ChunkPool.trim();
    long sum = 0;
    for (ByteBuffer buffer : stale) {
      for (int i = 0; i < buffer.capacity(); i += 512) {
        sum += buffer.get(i);
        if (!buffer.isReadOnly()) {
          buffer.put(i, (byte) 0);
        }
      }
    }
    assertEquals(0, sum, "given back pages read as zeros");
    ChunkPool.retainedLimit(0);
    ChunkPool.retainedLimit(256 << 20);
    assertFalse(stale.isEmpty());
  }
}
