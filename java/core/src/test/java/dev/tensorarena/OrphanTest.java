package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** A context whose thread has ended is closed by whoever has it, and by one thread at a time. */
class OrphanTest {
  /** What a thread that has ended left behind. */
  private static final class Orphan {
    ExecutionContext ctx;
    Tensor inner;
    SharedTensor shared;
    final List<String> closed = new ArrayList<>();

    static Orphan of(AutoCloseable... tracked) throws InterruptedException {
      Orphan orphan = new Orphan();
      orphan.leaveBehind(() -> orphan.open(tracked));
      return orphan;
    }

    void leaveBehind(Runnable opening) throws InterruptedException {
      Thread thread = new Thread(opening, "departed");
      thread.start();
      thread.join();
    }

    private void open(AutoCloseable... tracked) {
      ctx = ExecutionContext.builder().name("orphan").open();
      ctx.track(() -> closed.add("outer, by " + Thread.currentThread().getName()));
      shared = ctx.allocSlice(1f, 2f).share();
      ctx.scope().track(() -> closed.add("inner"));
      inner = ctx.allocSlice(3f).fill(4f);
      for (AutoCloseable resource : tracked) {
        ctx.track(resource);
      }
    }

    void assertEnded() {
      assertFalse(inner.isAlive());
      assertRefuses(ctx::scope, "(orphan)", "is closed");
      ctx.close();
      assertEquals(2f, shared.getFloat(1), "what is shared outlives it");
      assertEquals(1, ChunkPool.stats().pinnedChunks());
      shared.close();
      assertEquals(0, ChunkPool.stats().inUseChunks());
    }
  }

  @Test
  void anyThreadClosesWhatADeadThreadLeftOpen() throws Exception {
    Orphan orphan = Orphan.of();
    TestSupport.runOnThread("closer", orphan.ctx::close);
    assertEquals(List.of("inner", "outer, by closer"), orphan.closed);
    orphan.assertEnded();
  }

  @Test
  void onlyClosingIsLeftOnceTheThreadHasEnded() throws Exception {
    Orphan orphan = Orphan.of();
    assertRefuses(orphan.ctx::scope, "\"departed\"", "has ended", "close()");
    assertRefuses(orphan.inner::asFloatBuffer, "\"departed\"", "has ended");
    orphan.ctx.close();
    orphan.assertEnded();
  }

  @Test
  void aThreadThatLivesKeepsItsContext() throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      TestSupport.runOnThread("stranger", () -> assertRefuses(ctx::close, "\"stranger\""));
      assertEquals(1f, ctx.allocSlice(1f).getFloat(0));
    }
  }

  @Test
  void whatFailsToCloseIsThrownOnceAllHasEnded() throws Exception {
    Thread[] confined = new Thread[1];
    Exception wrongThread = new Exception("confined to the thread that has ended");
    AutoCloseable resource =
        () -> {
          if (Thread.currentThread() != confined[0]) {
            throw wrongThread;
          }
        };
    Orphan orphan = Orphan.of(resource);
    Throwable thrown = assertThrows(IllegalStateException.class, orphan.ctx::close);
    assertSame(wrongThread, thrown.getCause());
    assertEquals(2, orphan.closed.size(), "the others are closed all the same");
    orphan.assertEnded();
  }

  /** A tracked resource holds the end up. */
  @Test
  void oneThatClosesIsTheOwnerUntilItReturns() throws Exception {
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch tried = new CountDownLatch(1);
    List<Float> read = new ArrayList<>();
    Orphan orphan = new Orphan();
    orphan.leaveBehind(
        () ->
            orphan.open(
                () -> {
                  read.add(orphan.inner.getFloat(0));
                  inside.countDown();
                  tried.await();
                }));
    Thread closer = new Thread(orphan.ctx::close, "closer");
    closer.start();
    inside.await();
    assertRefuses(orphan.ctx::close, "\"closer\"");
    assertRefuses(orphan.ctx::reset, "\"closer\"");
    tried.countDown();
    closer.join();
    assertEquals(List.of(4f), read, "the closer may use the tensors that are still alive");
    orphan.assertEnded();
  }

  private static final class Refuser extends Guard {
    static boolean refuses;

    @Override
    public void close() {
      if (refuses) {
        throw new IllegalStateException("not yet");
      }
    }
  }

  @Test
  void whatAGuardRefusesAnotherThreadMayTryAgain() throws Exception {
    for (boolean moved : new boolean[] {false, true}) {
      Orphan orphan = new Orphan();
      orphan.leaveBehind(
          () -> {
            orphan.open();
            if (moved) {
              orphan.ctx.detach().attach();
            }
            orphan.inner.guard(Refuser.class, guarded -> new Refuser());
          });
      Refuser.refuses = true;
      TestSupport.runOnThread("first", () -> assertRefuses(orphan.ctx::close, "not yet"));
      assertRefuses(orphan.ctx::close, "not yet");
      assertRefuses(orphan.inner::asFloatBuffer, "\"departed\"", "has ended");
      Refuser.refuses = false;
      TestSupport.runOnThread("last", orphan.ctx::close); // this thread lives, and has it no more
      orphan.assertEnded();
    }
  }

  /** The error that broke the end off was the one of its thread, which has ended. */
  @Test
  void whoIsNotToldYetIsToldByWhoeverClosesItNext() throws Exception {
    List<String> told = new ArrayList<>();
    ByteBuffer lent = ByteBuffer.allocateDirect(1);
    Runnable failing =
        () -> {
          throw new AssertionError("told");
        };
    Orphan orphan = new Orphan();
    orphan.leaveBehind(
        () -> {
          orphan.ctx = ExecutionContext.open();
          orphan.ctx.wrap(lent, DType.INT8, Shape.of(1), failing);
          orphan.ctx.wrap(lent, DType.INT8, Shape.of(1), () -> told.add("the other one"));
          orphan.ctx.wrap(lent, DType.INT8, Shape.of(1), failing);
          assertThrows(AssertionError.class, orphan.ctx::close);
        });
    assertEquals(List.of(), told);
    assertThrows(AssertionError.class, orphan.ctx::close);
    assertEquals(List.of("the other one"), told);
    assertFalse(orphan.ctx.isOpen());
  }

  @Test
  void ofTwoThatCloseOneDoes() throws Exception {
    for (int round = 0; round < 2000; round++) {
      Orphan orphan = Orphan.of();
      CyclicBarrier start = new CyclicBarrier(2);
      AtomicInteger others = new AtomicInteger();
      Thread[] closers = new Thread[2];
      for (int i = 0; i < closers.length; i++) {
        closers[i] = new Thread(() -> closeAtOnce(orphan.ctx, start, others), "closer " + i);
        closers[i].start();
      }
      for (Thread closer : closers) {
        closer.join();
      }
      assertEquals(0, others.get(), "nothing but a refusal is thrown");
      assertEquals(2, orphan.closed.size(), "each resource is closed once");
      orphan.assertEnded();
    }
  }

  private static void closeAtOnce(ExecutionContext ctx, CyclicBarrier start, AtomicInteger others) {
    try {
      start.await();
      ctx.close();
    } catch (IllegalStateException e) {
      if (!e.getMessage().matches(".*(closer|is dead).*")) { // or it was closed just then
        others.incrementAndGet();
      }
    } catch (Throwable e) {
      others.incrementAndGet();
    }
  }

  @Test
  void aVirtualThreadLeavesAnOrphanToo() throws Exception {
    Orphan orphan = new Orphan();
    TestSupport.startVirtualThread(orphan::open).join();
    TestSupport.startVirtualThread(orphan.ctx::close).join();
    assertTrue(orphan.closed.contains("inner"));
    orphan.assertEnded();
  }
}
