package dev.tensorarena.ffm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.DType;
import dev.tensorarena.Scope;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Tensors over foreign segments: no copy, and the segment's lifetime. */
class TensorsTest extends InContext {
  private static final Shape SHAPE = Shape.of(2, 3);

  @Test
  void theTensorIsTheSegment() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment segment = arena.allocateFrom(JAVA_FLOAT, 1, 2, 3, 4, 5, 6);
      Tensor tensor = Tensors.wrap(ctx, segment, DType.FLOAT32, SHAPE);
      assertEquals(segment.address(), tensor.address());
      assertEquals(6f, tensor.getFloat(1, 2));
      tensor.setFloat(7f, 0, 0);
      assertEquals(7f, segment.get(JAVA_FLOAT, 0));
      assertArrayEquals(new float[] {3, 6}, tensor.transpose().select(0, 2).toFloatArray());
      assertEquals(0, ctx.memoryUsage());
    }
  }

  @Test
  void whateverIsDoneOnceTheArenaIsClosedIsRefused() throws Exception {
    Tensor tensor;
    SharedTensor handle;
    try (Arena arena = Arena.ofConfined()) {
      tensor = Tensors.wrap(ctx, arena.allocate(24, 4), DType.FLOAT32, SHAPE);
      handle = tensor.share();
    }
    for (Tensor dead : new Tensor[] {tensor, handle}) {
      assertFalse(dead.isAlive());
      Executable[] uses = {
        () -> dead.getFloat(0, 0),
        dead::address,
        dead::asFloatBuffer,
        dead::toFloatArray,
        dead::transpose,
        dead::share,
        () -> dead.copy(ctx),
        () -> dead.mutable(ctx),
        () -> dead.contentEquals(tensor),
        () -> Segments.of(dead),
        () -> ctx.zeros(DType.FLOAT32, SHAPE).copyFrom(dead)
      };
      for (Executable use : uses) {
        assertRefuses(use, "has gone");
      }
    }
    handle.close();
  }

  @Test
  void rawViewsAndViewsOfAClosedArenaAreRefused() {
    Tensor view;
    java.nio.FloatBuffer raw;
    try (Arena arena = Arena.ofConfined()) {
      Tensor tensor = Tensors.wrap(ctx, arena.allocate(24, 4), DType.FLOAT32, SHAPE);
      view = tensor.select(0, 1);
      raw = tensor.asFloatBuffer();
    }
    assertRefuses(() -> view.getFloat(0), "has gone");
    assertRefuses(() -> raw.get(0), "closed");
  }

  /** Whoever made the buffer of the segment: a view, a share and a part know that it has ended. */
  @Test
  void aBufferOfASegmentEndsWithTheSegmentsArena() throws Exception {
    for (Arena arena : new Arena[] {Arena.ofConfined(), Arena.ofShared()}) {
      ByteBuffer buffer = arena.allocate(24, 4).asByteBuffer().order(ByteOrder.nativeOrder());
      Tensor tensor = ctx.wrap(buffer, DType.FLOAT32, SHAPE).fill(1f);
      SharedTensor handle = tensor.share();
      assertTrue(onThread(handle::isAlive));
      arena.close();
      for (Tensor dead : new Tensor[] {tensor, handle}) {
        assertFalse(dead.isAlive());
        assertNull(dead.tryShare());
        assertRefuses(() -> dead.getFloat(0, 0), "has gone");
        assertRefuses(dead::address, "has gone");
      }
      assertRefuses(() -> ctx.wrap(buffer, DType.FLOAT32, SHAPE), "has gone");
      handle.close();
    }
    ByteBuffer lasting = Arena.ofAuto().allocate(24, 4).asByteBuffer();
    Tensor tensor = ctx.wrap(lasting.order(ByteOrder.nativeOrder()), DType.FLOAT32, SHAPE);
    assertTrue(tensor.fill(1f).isAlive());
  }

  @Test
  void aTensorIsPinnableUnlessItsArenaCanBeClosed() {
    try (Arena confined = Arena.ofConfined();
        Arena shared = Arena.ofShared()) {
      for (Arena arena : new Arena[] {confined, shared, Arena.ofAuto(), Arena.global()}) {
        Tensor tensor = Tensors.wrap(ctx, arena.allocate(24, 4), DType.FLOAT32, SHAPE);
        assertEquals(arena != confined && arena != shared, tensor.isPinnable());
      }
      try (Arena nested = ArenaAllocator.of(ctx)) {
        assertFalse(Tensors.wrap(ctx, nested.allocate(24), DType.FLOAT32, SHAPE).isPinnable());
      }
    }
    assertTrue(ctx.wrap(ByteBuffer.allocateDirect(1), DType.INT8, Shape.of(1)).isPinnable());
    assertTrue(ctx.empty(DType.INT8, 1).isPinnable());
  }

  @Test
  void theTensorEndsWithItsScopeAndTheSegmentDoesNot() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment segment = arena.allocateFrom(JAVA_FLOAT, 1, 2, 3, 4, 5, 6);
      Scope scope = ctx.scope();
      Tensor tensor = Tensors.wrap(ctx, segment, DType.FLOAT32, SHAPE);
      SharedTensor handle = tensor.share();
      scope.close();
      assertRefuses(() -> tensor.getFloat(0, 0), "its scope was closed");
      assertEquals(6f, handle.getFloat(1, 2));
      assertEquals(1f, segment.get(JAVA_FLOAT, 0));
      handle.close();
    }
  }

  @Test
  void aSegmentOfAllThreadsMakesATensorOfAllThreads() throws Exception {
    MemorySegment segment = Arena.ofAuto().allocateFrom(JAVA_FLOAT, 1, 2, 3, 4, 5, 6);
    SharedTensor handle = Tensors.wrap(ctx, segment, DType.FLOAT32, SHAPE).share();
    assertEquals(6f, onThread(() -> handle.getFloat(1, 2)));
    handle.close();
    try (Arena confined = Arena.ofConfined()) {
      MemorySegment mine = confined.allocate(24, 4);
      SharedTensor narrow = Tensors.wrap(ctx, mine, DType.FLOAT32, SHAPE).share();
      assertThrows(WrongThreadException.class, () -> onThread(() -> narrow.getFloat(1, 2)));
      narrow.close();
    }
  }

  @Test
  void anAutomaticSegmentIsKeptByTheTensor() {
    WeakReference<MemorySegment.Scope> reachable;
    SharedTensor handle;
    {
      MemorySegment segment = Arena.ofAuto().allocate(1 << 20);
      reachable = new WeakReference<>(segment.scope());
      handle = Tensors.wrap(ctx, segment, DType.INT8, Shape.of(1 << 20)).fill(5).share();
      segment = null;
    }
    ctx.close();
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    assertEquals(5, handle.getByte((1 << 20) - 1));
    assertTrue(reachable.get() != null);
    handle.close();
    handle = null;
    for (int i = 0; i < 100 && reachable.get() != null; i++) {
      System.gc();
    }
    assertNull(reachable.get(), "and no longer");
  }

  @Test
  void overAReadOnlySegmentTheTensorIsFrozen() {
    MemorySegment segment = Arena.ofAuto().allocate(24).asReadOnly();
    Tensor tensor = Tensors.wrap(ctx, segment, DType.FLOAT32, SHAPE);
    assertFalse(tensor.isWritable());
    assertRefuses(() -> tensor.fill(1), "is frozen");
    assertTrue(Segments.of(tensor).isReadOnly());
    tensor.mutable(ctx).fill(1);
    assertEquals(0, segment.get(JAVA_FLOAT, 0));
  }

  @Test
  void theSegmentNeedNotBeAligned() {
    MemorySegment odd = Arena.ofAuto().allocate(33).asSlice(1, 24);
    Tensor tensor = Tensors.wrap(ctx, odd, DType.FLOAT32, SHAPE);
    tensor.setFloat(2.5f, 1, 2);
    assertArrayEquals(new float[] {0, 0, 0, 0, 0, 2.5f}, tensor.toFloatArray());
    assertEquals(
        2.5f,
        Segments.of(tensor)
            .get(JAVA_FLOAT.withByteAlignment(1).withOrder(ByteOrder.nativeOrder()), 20));
  }

  @Test
  void whatCannotBeWrappedIsRefusedWithTheReason() throws Exception {
    Class<IllegalArgumentException> bad = IllegalArgumentException.class;
    MemorySegment segment = Arena.ofAuto().allocate(20);
    assertRefuses(
        bad, () -> Tensors.wrap(ctx, segment, DType.FLOAT32, SHAPE), "24 bytes", "20", "[2, 3]");
    MemorySegment heap = MemorySegment.ofArray(new float[6]);
    assertRefuses(bad, () -> Tensors.wrap(ctx, heap, DType.FLOAT32, SHAPE), "not a native");
    Arena closed = Arena.ofConfined();
    MemorySegment dead = closed.allocate(24);
    closed.close();
    assertRefuses(() -> Tensors.wrap(ctx, dead, DType.FLOAT32, SHAPE), "has gone");
    try (Arena arena = onThread(Arena::ofShared)) {
      Tensors.wrap(ctx, arena.allocate(24), DType.FLOAT32, SHAPE);
    }
    MemorySegment elsewhere = onThread(() -> Arena.ofConfined().allocate(24));
    assertRefuses(
        WrongThreadException.class,
        () -> Tensors.wrap(ctx, elsewhere, DType.FLOAT32, SHAPE),
        Thread.currentThread().getName());
    assertEquals(0, Tensors.wrap(ctx, segment.asSlice(0, 0), DType.INT8, Shape.of(0)).size());
    assertEquals(20, segment.toArray(JAVA_BYTE).length);
  }
}
