package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static dev.tensorarena.TestSupport.runOnThread;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Wrapped memory is told once that nobody needs it, when that is so and the context is whole. */
@Tag("platform")
class ReleasedMemoryTest {
  private final ExecutionContext ctx = ExecutionContext.open();
  private final Lent lent = new Lent();

  @AfterEach
  void close() {
    ctx.close();
  }

  /** Two floats that their owner overwrites when he is told, as whoever has them then would. */
  private static final class Lent extends BufferMemory {
    final AtomicInteger times = new AtomicInteger();
    Runnable then = () -> {};

    Lent() {
      super(8);
    }

    @Override
    public void released() {
      bytes.putFloat(0, -1).putFloat(4, -1);
      times.incrementAndGet();
      then.run();
    }

    boolean isReleased() {
      assertTrue(times.get() <= 1, "released twice");
      return times.get() == 1;
    }
  }

  private Tensor wrapped() {
    return ctx.wrap(lent, DType.FLOAT32, Shape.of(2)).fill(3f);
  }

  private static void assertThrees(Tensor tensor) {
    assertArrayEquals(new float[] {3, 3}, tensor.toFloatArray());
  }

  @Test
  void theEndOfTheScopeReleasesIt() {
    for (String how : new String[] {"close", "outer", "reset", "context"}) {
      Lent each = new Lent();
      ExecutionContext own = ExecutionContext.open();
      try {
        Scope outer = own.scope();
        Scope scope = own.scope();
        Tensor tensor = own.wrap(each, DType.FLOAT32, Shape.of(2));
        assertTrue(tensor.isWritable());
        own.empty(DType.INT8, 100_000);
        assertFalse(each.isReleased());
        switch (how) {
          case "close" -> scope.close();
          case "outer" -> outer.close();
          case "reset" -> own.reset();
          default -> own.close();
        }
        assertTrue(each.isReleased(), how);
        assertRefuses(() -> tensor.getFloat(0), "is dead");
      } finally {
        own.close();
      }
      assertTrue(each.isReleased());
    }
  }

  /** The program: with a tracked resource the handle read what was freed. */
  @Test
  void aShareHoldsItPastTheContext() throws Exception {
    SharedTensor handle = wrapped().share();
    SharedTensor second = handle.slice(0, 0, 1).share();
    ctx.close();
    assertFalse(lent.isReleased());
    assertThrees(handle);
    handle.close();
    assertFalse(lent.isReleased());
    assertEquals(3, second.getFloat(0));
    SharedTensor third = second.tryShare();
    runOnThread(
        "last",
        () -> {
          second.close();
          assertFalse(lent.isReleased());
          assertEquals(3, third.getFloat(0));
          third.close();
        });
    assertTrue(lent.isReleased());
    assertNull(second.tryShare());
  }

  @Test
  void aShareThatIsClosedBeforeTheScopeEndsDoesNotReleaseIt() throws Exception {
    Tensor tensor = wrapped();
    tensor.share().close();
    SharedTensor elsewhere = tensor.share();
    runOnThread("elsewhere", elsewhere::close);
    assertFalse(lent.isReleased());
    assertThrees(tensor);
    ctx.reset();
    assertTrue(lent.isReleased());
  }

  @Test
  void aSecondShareOfATrackedHandleHoldsIt() {
    SharedTensor handle = ctx.track(wrapped().share());
    SharedTensor second = handle.share();
    ctx.close();
    assertFalse(handle.isAlive());
    assertThrees(second);
    second.close();
    assertTrue(lent.isReleased());
  }

  @Test
  void whatMutableTakesOverIsHeldByItsNewScope() {
    SharedTensor handle = wrapped().share();
    ctx.reset();
    try (ExecutionContext other = ExecutionContext.open()) {
      Scope scope = other.scope();
      Tensor mine = handle.mutable(other);
      assertSame(lent, mine.memory().foreign(), "the same bytes: nobody else held them");
      mine.setFloat(5, 0);
      SharedTensor again = mine.share();
      scope.close();
      assertFalse(lent.isReleased());
      assertEquals(5, again.getFloat(0));
      Scope last = other.scope();
      Tensor once = again.mutable(other);
      assertEquals(5, once.getFloat(0));
      assertFalse(lent.isReleased());
      lent.then = () -> other.empty(DType.INT8, 1 << 20).fill(1);
      last.close();
      assertTrue(lent.isReleased());
    }
  }

  @Test
  void aCopyIsMadeWhereOthersHoldItAndTheHandleLetsGo() {
    Tensor tensor = wrapped();
    SharedTensor handle = tensor.share();
    try (ExecutionContext other = ExecutionContext.open()) {
      Tensor copy = handle.mutable(other).fill(9);
      assertNull(copy.memory().foreign());
      assertThrees(tensor);
      ctx.reset();
      assertTrue(lent.isReleased());
      assertEquals(9, copy.getFloat(0));
    }
  }

  @Test
  void aPinHoldsIt() {
    Tensor tensor = wrapped();
    TensorPin early = TensorPin.of(tensor);
    SharedTensor handle = tensor.share();
    TensorPin late = TensorPin.of(handle);
    ctx.close();
    handle.close();
    early.close();
    assertFalse(lent.isReleased());
    assertEquals(3, lent.bytes.getFloat(0));
    late.close();
    late.close();
    assertTrue(lent.isReleased());
  }

  @Test
  void aKeptResultHoldsIt() {
    Scope outer = ctx.scope();
    Scope scope = ctx.scope();
    Tensor kept = scope.closeKeeping(wrapped());
    assertFalse(lent.isReleased());
    assertSame(lent, kept.memory().foreign(), "nothing was copied");
    assertThrees(kept.fill(3));
    SharedTensor handle = kept.share();
    ctx.allocSlice(1f);
    outer.close();
    assertThrees(handle);
    handle.close();
    assertTrue(lent.isReleased());
  }

  @Test
  void aPartOfItIsKeptAndHoldsAllOfIt() {
    Scope scope = ctx.scope();
    Tensor kept = scope.closeKeeping(wrapped().slice(0, 1, 2));
    assertFalse(lent.isReleased());
    assertEquals(3, kept.getFloat(0));
    kept.setFloat(4, 0);
    ctx.reset();
    assertTrue(lent.isReleased());
  }

  @Test
  void aKeptResultThatOthersHoldIsACopyOrStaysFrozen() {
    Scope scope = ctx.scope();
    Tensor tensor = wrapped();
    SharedTensor handle = tensor.share();
    Tensor copy = scope.closeKeeping(tensor);
    assertNull(copy.memory().foreign());
    copy.fill(7);
    assertThrees(handle);
    handle.close();
    assertTrue(lent.isReleased());

    Lent other = new Lent();
    Scope next = ctx.scope();
    Tensor result = ctx.wrap(other, DType.FLOAT32, Shape.of(2)).fill(3);
    List<SharedTensor> shares = new ArrayList<>();
    next.track(() -> shares.add(result.share()));
    Tensor kept = next.closeKeeping(result);
    assertFalse(kept.isWritable());
    assertThrees(kept);
    shares.get(0).close();
    assertFalse(other.isReleased());
    ctx.reset();
    assertTrue(other.isReleased());
  }

  /** It may do anything, also to the context that is just done with an end. */
  @Test
  void itIsToldWhenTheContextIsWholeAgain() {
    long before = ctx.memoryUsage();
    lent.then =
        () -> {
          assertEquals(before, ctx.memoryUsage());
          Scope inside = ctx.scope();
          ctx.empty(DType.INT8, 1 << 20).fill(1);
          Lent nested = new Lent();
          ctx.wrap(nested, DType.FLOAT32, Shape.of(2));
          inside.close();
          assertTrue(nested.isReleased());
          ctx.reset();
          ctx.close();
        };
    Scope scope = ctx.scope();
    ctx.empty(DType.INT8, 1000);
    wrapped();
    scope.close();
    assertTrue(lent.isReleased());
    assertRefuses(() -> ctx.empty(DType.INT8, 1), "is closed");
  }

  @Test
  void whatItThrowsIsLoggedAndTheOthersAreToldAllTheSame() {
    List<Lent> all = new ArrayList<>();
    Scope scope = ctx.scope();
    for (int i = 0; i < 5; i++) {
      Lent each = new Lent();
      each.then =
          () -> {
            throw new IllegalStateException("for the log: a test's memory fails");
          };
      ctx.wrap(each, DType.FLOAT32, Shape.of(2));
      all.add(each);
    }
    scope.close();
    assertTrue(all.stream().allMatch(Lent::isReleased));
    SharedTensor handle = ctx.wrap(all.get(0), DType.FLOAT32, Shape.of(2)).share();
    ctx.close();
    handle.close();
    assertEquals(2, all.get(0).times.get(), "once for each time it was wrapped");
  }

  @Test
  void anErrorLeavesTheRestForTheNextEnd() {
    List<Lent> all = new ArrayList<>();
    Scope scope = ctx.scope();
    for (int i = 0; i < 5; i++) {
      Lent each = new Lent();
      ctx.wrap(each, DType.FLOAT32, Shape.of(2));
      all.add(each);
    }
    Runnable fails =
        () -> {
          throw new StackOverflowError("a test's");
        };
    all.forEach(each -> each.then = fails);
    for (int done = 1; done <= 5; done++) {
      Scope next = done == 1 ? scope : ctx.scope();
      assertThrows(StackOverflowError.class, next::close);
      assertEquals(done, all.stream().filter(Lent::isReleased).count());
      assertEquals(3, ctx.allocSlice(1f, 2f, 3f).getFloat(2));
    }
    ctx.scope().close();
  }

  /** The issue is the first one; the others are told at the next end. */
  @Test
  void anErrorOfAnOwnerOfWrappedMemoryLosesNoResult() {
    List<Integer> told = new ArrayList<>();
    Scope scope = ctx.scope();
    for (int i = 0; i < 2; i++) {
      int number = i;
      Runnable released =
          () -> {
            told.add(number);
            throw new Error("for the log: an owner's");
          };
      ctx.wrap(ByteBuffer.allocateDirect(8), DType.INT8, Shape.of(8), released);
    }
    Tensor kept = scope.closeKeeping(ctx.allocSlice(1f, 2f));
    assertEquals(1, told.size());
    assertEquals(8, ctx.memoryUsage());
    assertArrayEquals(new float[] {1, 2}, kept.toFloatArray());
    assertThrows(Error.class, ctx.scope()::close);
    assertEquals(2, told.size());
  }

  @Test
  void whatWrapRefusesIsNotReleased() {
    Class<IllegalArgumentException> bad = IllegalArgumentException.class;
    ByteBuffer direct = ByteBuffer.allocateDirect(8);
    Runnable never = () -> lent.times.incrementAndGet();
    assertRefuses(bad, () -> ctx.wrap(lent, DType.FLOAT32, Shape.of(3)), "12 bytes");
    assertRefuses(bad, () -> ctx.wrap(direct, DType.FLOAT32, Shape.of(2), never), "nativeOrder");
    assertRefuses(bad, () -> ctx.wrap(direct, DType.INT8, Shape.of(7), never), "7 bytes");
    assertRefuses(
        bad,
        () -> ctx.wrap(ByteBuffer.allocate(8), DType.INT8, Shape.of(8), never),
        "not a direct");
    ForeignMemory memory = ForeignMemory.ofAddress(8, 8, never);
    assertRefuses(bad, () -> ctx.wrap(memory, DType.INT8, Shape.of(7)), "8 bytes at 0x8");
    ctx.close();
    assertRefuses(() -> ctx.wrap(lent, DType.FLOAT32, Shape.of(2)), "is closed");
    assertRefuses(() -> ctx.wrap(direct, DType.INT8, Shape.of(8), never), "is closed");
    assertRefuses(() -> ctx.wrap(memory, DType.INT8, Shape.of(8)), "is closed");
    assertEquals(0, lent.times.get());
    assertTrue(memory.isAlive());
    assertRefuses(bad, () -> ForeignMemory.ofAddress(0, 8, never), "8 bytes at address 0x0");
    assertRefuses(bad, () -> ForeignMemory.ofAddress(8, -1, never), "-1 bytes");
    assertRefuses(bad, () -> ForeignMemory.ofAddress(8, Long.MAX_VALUE - 7, never), "bytes");
    assertThrows(NullPointerException.class, () -> ForeignMemory.ofAddress(8, 8, null));
    assertThrows(NullPointerException.class, () -> ctx.wrap(direct, DType.INT8, Shape.of(8), null));
  }

  /** A handler of the log is user code, too. */
  @Test
  void noResultIsLostToALogThatFails() {
    LibraryLog.during(
        () -> {
          for (boolean error : new boolean[] {false, true}) {
            Scope scope = ctx.scope();
            ctx.wrap(
                ByteBuffer.allocateDirect(8),
                DType.INT8,
                Shape.of(8),
                () -> {
                  if (error) {
                    throw new AssertionError("an owner's");
                  }
                  throw new IllegalStateException("an owner's");
                });
            Tensor result = ctx.empty(DType.INT8, 1000).fill(7);
            assertEquals(7, scope.closeKeeping(result).getByte(999));
          }
        },
        told -> {
          throw new IllegalStateException("the log is full");
        });
  }
}
