package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whoever lent memory is told when nobody holds it, whatever another owner or the stack does. */
class ToldAtLastTest {
  private final Error error = new Error("of an owner");
  private int told;

  private static Tensor wrap(ExecutionContext ctx, Runnable released) {
    return ctx.wrap(ByteBuffer.allocateDirect(4), DType.INT8, Shape.of(4), released);
  }

  /** The first one that is wrapped is told first. */
  private ExecutionContext withAnOwnerThatFails() {
    ExecutionContext ctx = ExecutionContext.open();
    wrap(
        ctx,
        () -> {
          throw error;
        });
    wrap(ctx, () -> told++);
    return ctx;
  }

  @Test
  void anErrorInTheLastEndLeavesTheOthersToTheNextClose() {
    ExecutionContext ctx = withAnOwnerThatFails();
    assertSame(error, assertThrows(Error.class, ctx::close));
    assertEquals(0, told);
    ctx.close();
    assertEquals(1, told);
    ctx.close();
    assertEquals(1, told);
  }

  @Test
  void aContextThatIsTrackedIsClosedAgainUntilAllAreTold() {
    ExecutionContext outer = ExecutionContext.open();
    ExecutionContext tracked = outer.track(ExecutionContext.open());
    StackOverflowError overflow = new StackOverflowError("an owner's");
    wrap(
        tracked,
        () -> {
          throw overflow;
        });
    wrap(tracked, () -> told++);
    assertSame(overflow, assertThrows(StackOverflowError.class, outer::close));
    assertTrue(tracked.isOpen());
    outer.close();
    assertEquals(1, told);
    assertFalse(tracked.isOpen());
    assertFalse(outer.isOpen());
  }

  @Test
  void anErrorInTheLastEndOfAThreadLeavesTheOthersToWhoeverClosesNext() throws Exception {
    ExecutionContext[] ctx = new ExecutionContext[1];
    TestSupport.runOnThread(
        "owner",
        () -> {
          ctx[0] = withAnOwnerThatFails();
          assertThrows(Error.class, ctx[0]::close);
        });
    assertEquals(0, told);
    ctx[0].close();
    assertEquals(1, told);
  }

  private enum Hold {
    HANDLE {
      @Override
      OpenResource of(Tensor tensor) {
        return tensor.share();
      }
    },
    PIN {
      @Override
      OpenResource of(Tensor tensor) {
        return TensorPin.of(tensor);
      }
    };

    abstract OpenResource of(Tensor tensor);
  }

  private OpenResource last(Hold hold, Runnable then) {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Runnable released =
          () -> {
            told++;
            then.run();
          };
      return hold.of(wrap(ctx, released));
    }
  }

  @ParameterizedTest
  @EnumSource
  void anErrorOfTheOwnerIsThrownByWhoeverLetsGoLastWhenAllIsClosed(Hold hold) {
    OpenResource[] last = new OpenResource[1];
    Thread caller = Thread.currentThread();
    last[0] =
        last(
            hold,
            () -> {
              assertSame(caller, Thread.currentThread());
              assertFalse(last[0].isOpen());
              throw error;
            });
    assertSame(error, assertThrows(Error.class, last[0]::close));
    assertFalse(last[0].isOpen());
    last[0].close();
    assertEquals(1, told);
  }

  @ParameterizedTest
  @EnumSource
  void anExceptionOfTheOwnerIsLoggedWhereTheLastOneLetsGo(Hold hold) {
    OpenResource last =
        last(
            hold,
            () -> {
              throw new IllegalStateException("for the log: an owner's");
            });
    last.close();
    assertFalse(last.isOpen());
    assertEquals(1, told);
  }

  @Test
  void anErrorOfTheOwnerDoesNotHideWhatATrackedResourceThrew() {
    SharedTensor handle =
        (SharedTensor)
            last(
                Hold.HANDLE,
                () -> {
                  throw error;
                });
    IllegalStateException failure = new IllegalStateException("a resource's");
    handle.track(
        () -> {
          throw failure;
        });
    assertSame(failure, assertThrows(Throwable.class, handle::close));
    assertSame(error, failure.getSuppressed()[0]);
    handle.close();
    assertEquals(1, told);
  }

  @ParameterizedTest
  @ValueSource(strings = {"-Xint", "-XX:TieredStopAtLevel=1", "-XX:TieredStopAtLevel=4"})
  void whoeverLetsGoAtTheEndOfTheStackTellsTheOwner(String mode) throws Exception {
    TestSupport.fork(List.of(mode), Edge.class).assertSucceeded();
  }

  /** Lets go at the end of a stack: of a handle, of a pin, and by the end of a context. */
  static final class Edge {
    private static int overflows;

    /** Fills the stack, then tries in ever fewer frames until there is room. */
    private static void atTheEdge(AutoCloseable hold, long padding) throws Exception {
      try {
        if (padding % 3 == 0) {
          atTheEdge(hold, padding + 1);
        } else {
          atTheEdgeInAnotherFrame(hold, padding + 1, padding + 2, padding + 3);
        }
      } catch (StackOverflowError e) {
        overflows++;
        hold.close();
      }
    }

    private static void atTheEdgeInAnotherFrame(AutoCloseable hold, long a, long b, long c)
        throws Exception {
      try {
        atTheEdge(hold, a + b + c);
      } catch (StackOverflowError e) {
        overflows++;
        hold.close();
      }
    }

    private static void letGo(AutoCloseable hold) throws InterruptedException {
      Throwable[] thrown = new Throwable[1];
      Thread thread =
          new Thread(
              null,
              () -> {
                try {
                  atTheEdge(hold, 0);
                } catch (Throwable e) {
                  thrown[0] = e;
                }
              },
              "small",
              256 << 10);
      thread.start();
      thread.join();
      assertEquals(null, thrown[0]);
    }

    public static void main(String[] args) throws Exception {
      int[] told = new int[1];
      for (int i = 0; i < 40; i++) {
        ExecutionContext ctx = ExecutionContext.open();
        SharedTensor handle = wrap(ctx, () -> told[0]++).share();
        TensorPin pin = TensorPin.of(wrap(ctx, () -> told[0]++));
        ctx.close();
        letGo(handle);
        letGo(pin);
        ExecutionContext[] orphan = new ExecutionContext[1];
        TestSupport.runOnThread(
            "owner",
            () -> {
              orphan[0] = ExecutionContext.open();
              wrap(orphan[0], () -> told[0]++);
              wrap(orphan[0], () -> told[0]++);
            });
        letGo(orphan[0]);
        assertEquals(4 * (i + 1), told[0]);
      }
      assertTrue(overflows > 300);
    }
  }
}
