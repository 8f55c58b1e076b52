package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static dev.tensorarena.TestSupport.onThread;
import static dev.tensorarena.TestSupport.runOnThread;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What a context contains becomes another one's. */
class AdoptTest extends Adopting {
  // ---- tensors and resources

  @Test
  void tensorsStayWhereTheyAreAndEndWithTheInnermostScope() throws Exception {
    Tensor outer = ctx.allocSlice(1f);
    Scope scope = ctx.scope();
    Tensor before = ctx.allocSlice(2f);
    List<Tensor> adopted = new ArrayList<>();
    DetachedContext moving =
        onThread(
            "worker",
            () -> {
              ExecutionContext child = child();
              for (int i = 0; i < 50; i++) { // several chunks
                adopted.add(child.empty(DType.FLOAT32, 1000).fill((float) i));
              }
              adopted.add(child.empty(DType.FLOAT32, 1 << 20).fill(50f)); // and a large one
              child.scope();
              adopted.add(child.allocSlice(51f));
              return child.detach();
            });
    long address = adopted.get(7).window.address + adopted.get(7).offset;
    ctx.adopt(moving);
    Tensor after = ctx.allocSlice(3f);
    for (int i = 0; i < adopted.size(); i++) {
      assertEquals((float) i, adopted.get(i).getFloatAt(0));
    }
    assertEquals(address, adopted.get(7).address());
    adopted.get(7).fill(70f);
    assertEquals(70f, adopted.get(7).getFloat(999));
    runOnThread("other", () -> assertRefuses(() -> adopted.get(7).getFloat(0), "(query)", "other"));
    scope.close();
    adopted.forEach(each -> assertFalse(each.isAlive()));
    assertRefuses(() -> adopted.get(0).getFloat(0), "(query)", "its scope was closed");
    assertFalse(before.isAlive());
    assertFalse(after.isAlive());
    assertEquals(1f, outer.getFloat(0));
    assertEquals(4, ctx.memoryUsage());
    assertEquals(inUse + 1, ChunkPool.stats().inUseChunks(), "chunks go home");
  }

  @Test
  void whatIsTrackedIsClosedInTheOrderOfOneScope() {
    List<String> closed = new ArrayList<>();
    Scope scope = ctx.scope();
    scope.track(() -> closed.add("first"));
    ExecutionContext child = child();
    Tensor tensor = child.allocSlice(1f);
    tensor.track(() -> closed.add("second"));
    Scope inner = child.scope();
    inner.track(() -> closed.add("third, with " + tensor.getFloat(0)));
    ctx.adopt(child.detach());
    scope.track(() -> closed.add("fourth"));
    inner.track(() -> closed.add("fifth"));
    tensor.track(() -> closed.add("sixth"));
    ctx.track(() -> closed.add("seventh"));
    Scope open = ctx.scope();
    scope.track(() -> closed.add("eighth"));
    open.track(() -> closed.add("of another scope"));
    open.close();
    assertEquals(List.of("of another scope"), closed);
    closed.clear();
    scope.close();
    assertEquals(
        List.of(
            "eighth", "seventh", "sixth", "fifth", "fourth", "third, with 1.0", "second", "first"),
        closed);
  }

  @Test
  void itsScopesAreOneWithIt() {
    Scope scope = ctx.scope();
    ExecutionContext child = child();
    Scope inner = child.scope();
    Tensor tensor = child.allocSlice(1f);
    ctx.adopt(child.detach());
    assertTrue(inner.isOpen());
    inner.close();
    assertTrue(inner.isOpen());
    assertSame(tensor, inner.closeKeeping(tensor));
    assertArrayEquals(new Tensor[] {tensor}, inner.closeKeeping(new Tensor[] {tensor}));
    assertArrayEquals(new Tensor[] {tensor}, inner.closeKeeping(scope, tensor));
    assertEquals(1f, tensor.getFloat(0));
    Scope outermost = scope.parent;
    assertRefuses(
        IllegalArgumentException.class, () -> inner.closeKeeping(outermost, tensor), "(query)");
    Guard guard = scope.guard(Ending.class, Ending::new);
    assertSame(guard, inner.guard(Ending.class, Ending::new));
    assertSame(guard, tensor.guard(Ending.class, Ending::new));
    assertSame(guard, ctx.allocSlice(2f).guard(Ending.class, Ending::new));
    ExecutionContext second = child();
    Tensor next = second.allocSlice(3f);
    ctx.adopt(second.detach());
    assertSame(guard, next.guard(Ending.class, Ending::new));
    long usage = ctx.memoryUsage();
    long pinned = ctx.arenaStats().wastedBytes();
    scope.allocateAddress(100, 1);
    inner.allocateAddress(100, 1);
    assertEquals(usage + 200, ctx.memoryUsage());
    assertFalse(ctx.arena().isPinned(ctx.arena().chunk()), "not for a scope further out");
    Scope inside = ctx.scope();
    Tensor result = ctx.allocSlice(5f);
    long address = scope.allocateAddress(100, 1);
    Tensor kept = inside.closeKeeping(inner, result)[0];
    assertTrue(ctx.tensorAt(address, DType.INT8, Shape.of(100)).isAlive(), "an outer scope's");
    assertEquals(5f, kept.getFloat(0));
    assertEquals(pinned, 0);
    scope.close();
    assertFalse(inner.isOpen());
    assertFalse(kept.isAlive());
    inner.close();
    assertEquals(0, ctx.memoryUsage());
  }

  private static final class Ending extends Guard {
    Ending(Object guarded) {}

    @Override
    public void close() {}
  }

  @Test
  void aGuardOfAnAdoptedScopeRefusesTheEnd() {
    Scope scope = ctx.scope();
    ExecutionContext child = child();
    Tensor tensor = child.allocSlice(1f);
    ctx.adopt(child.detach());
    boolean[] refuses = {true};
    tensor.guard(Refusing.class, any -> new Refusing(refuses));
    assertThrows(IllegalStateException.class, scope::close);
    assertEquals(1f, tensor.getFloat(0));
    refuses[0] = false;
    scope.close();
    assertFalse(tensor.isAlive());
  }

  private static final class Refusing extends Guard {
    private final boolean[] refuses;

    Refusing(boolean[] refuses) {
      this.refuses = refuses;
    }

    @Override
    public void close() {
      if (refuses[0]) {
        throw new IllegalStateException("in use");
      }
    }
  }

  @Test
  void resetAndCloseEndWhatWasAdopted() {
    for (Runnable end : List.<Runnable>of(ctx::reset, ctx::close)) {
      AtomicInteger closed = new AtomicInteger();
      ctx.allocSlice(1f);
      ExecutionContext child = child();
      Tensor tensor = child.allocSlice(2f);
      child.track(closed::incrementAndGet);
      ctx.adopt(child.detach());
      ctx.scope();
      end.run();
      assertFalse(tensor.isAlive());
      assertEquals(1, closed.get());
    }
  }

  // ---- the context

  @Test
  void itsContextIsClosed() throws Exception {
    ExecutionContext child = child();
    long id = child.executionId();
    child.allocSlice(1f);
    DetachedContext moving = child.detach();
    ctx.adopt(moving);
    assertFalse(child.isOpen());
    assertFalse(moving.isOpen());
    assertRefuses(moving::attach, "(child)", "adopted", "already");
    assertRefuses(() -> ctx.adopt(moving), "(child)", "already", "cannot be adopted");
    assertRefuses(child::scope, "(child) is closed");
    assertRefuses(child::detach, "(child) is closed");
    assertRefuses(child::memoryUsage, "(child) is closed");
    runOnThread("other", () -> assertRefuses(child::arenaStats, "(child) is closed"));
    child.close();
    moving.close();
    runOnThread("other", child::close);
    assertEquals(id, child.executionId());
    assertEquals("child", child.name().get());
    assertEquals(4, ctx.memoryUsage());
  }

  @Test
  void theAdopterAnswersForIt() {
    ExecutionContext child = child();
    Tensor pinned = child.allocSlice(1f);
    Tensor frozen = child.allocSlice(2f);
    SharedTensor early = frozen.share();
    Tensor viewed = child.allocSlice(4f);
    ctx.adopt(child.detach());
    assertRefuses(() -> pinned.mutable(child), "closed");
    assertSame(pinned, pinned.mutable(ctx)); // ours
    assertNotSame(frozen, frozen.mutable(ctx)); // shared: a copy
    early.close();
    Tensor again = frozen.mutable(ctx);
    assertEquals(frozen.address(), again.fill(3f).address());
    SharedTensor late = again.share();
    ByteBuffer raw = viewed.asByteBuffer();
    assertTrue(ctx.arena().isExposed());
    TensorPin pin = TensorPin.of(pinned);
    assertEquals(4, ctx.tensorAt(pinned.address(), DType.FLOAT32, Shape.of(1)).byteCount());
    ctx.close();
    assertEquals(3f, late.getFloat(0));
    assertEquals(1, ChunkPool.stats().inUseChunks() - inUse);
    late.close();
    pin.close();
    raw.get(0); // may be anything
  }

  @Test
  void anAddressThatHasLeftTheChildHasLeftTheAdopter() {
    ExecutionContext child = child();
    child.allocSlice(1f).asByteBuffer();
    ExecutionContext other = child();
    other.allocSlice(1f);
    ctx.adopt(other.detach());
    assertFalse(ctx.arena().isExposed());
    ctx.adopt(child.detach());
    assertTrue(ctx.arena().isExposed());
  }

  /** Who can reach a handle can reach the context that counts it, or that would be reclaimed. */
  @Test
  void handlesAndTensorsKeepTheAdopterReachable() {
    List<Object> held = new ArrayList<>();
    WeakReference<ExecutionContext> byHandle = forget(held, true);
    WeakReference<ExecutionContext> byTensor = forget(held, false);
    for (int i = 0; i < 3; i++) {
      System.gc();
      child().close();
    }
    SharedTensor handle = (SharedTensor) held.get(0);
    assertEquals(5f, handle.getFloat(0));
    assertEquals(5f, ((Tensor) held.get(1)).getFloat(0));
    handle.close();
    byHandle.get().close();
    byTensor.get().close();
  }

  private static WeakReference<ExecutionContext> forget(List<Object> held, boolean handle) {
    ExecutionContext adopter = child();
    ExecutionContext child = child();
    Tensor tensor = child.allocSlice(5f);
    held.add(handle ? tensor.share() : tensor);
    adopter.adopt(child.detach());
    return new WeakReference<>(adopter);
  }

  /** An error has kept an end of the child from telling somebody. */
  @Test
  void whoWasNotToldYetIsToldByTheAdopter() {
    ExecutionContext child = child();
    List<String> told = new ArrayList<>();
    for (String each : List.of("one", "two")) {
      child.add(
          new Released() {
            @Override
            void released() {
              told.add(each);
            }
          });
    }
    ctx.adopt(child.detach());
    assertEquals(List.of(), told);
    ctx.scope().close();
    assertEquals(2, told.size());
    assertFalse(child.isOpen());
  }

  @Test
  void anAdopterWithoutMemoryAdoptsOneWithoutMemory() {
    ExecutionContext child = child();
    Scope inner = child.scope();
    ctx.adopt(child.detach());
    assertTrue(inner.isOpen());
    ExecutionContext next = child();
    Tensor tensor = next.allocSlice(1f);
    ctx.adopt(next.detach());
    assertEquals(1f, tensor.getFloat(0));
    assertEquals(4, ctx.memoryUsage());
    ctx.reset();
    assertFalse(inner.isOpen());
    assertEquals(0, ctx.memoryUsage());
    assertEquals(inUse, ChunkPool.stats().inUseChunks());
  }

  @Test
  void adoptersMoveAndAreAdopted() throws Exception {
    List<Tensor> tensors = new ArrayList<>();
    List<Scope> scopes = new ArrayList<>();
    AtomicInteger closed = new AtomicInteger();
    ExecutionContext[] chain = {child(), child(), child()};
    SharedTensor[] shares = new SharedTensor[3];
    for (int i = 0; i < chain.length; i++) {
      tensors.add(chain[i].allocSlice((float) i));
      scopes.add(chain[i].scope());
      shares[i] = tensors.get(i).share();
      chain[i].track(closed::incrementAndGet);
      if (i > 0) {
        chain[i].adopt(chain[i - 1].detach());
      }
    }
    DetachedContext moving = chain[2].detach();
    runOnThread(
        "next",
        () -> {
          ExecutionContext mine = moving.attach();
          for (int i = 0; i < tensors.size(); i++) {
            assertEquals((float) i, tensors.get(i).getFloat(0));
            tensors.get(i).share().close();
            shares[i].close();
            assertTrue(scopes.get(i).isOpen());
            assertEquals(9f, tensors.get(i).mutable(mine).fill(9f).getFloat(0));
          }
          mine.detach().attach().close();
        });
    assertEquals(3, closed.get());
    for (int i = 0; i < tensors.size(); i++) {
      assertFalse(scopes.get(i).isOpen());
      assertRefuses(() -> tensors.get(0).getFloat(0), "was closed");
    }
  }

  // ---- ends that keep results

  @Test
  void closeKeepingKeepsAdoptedTensorsInPlace() {
    for (boolean several : new boolean[] {false, true}) {
      Scope scope = ctx.scope();
      ExecutionContext child = child();
      child.allocSlice(1f);
      Tensor result = child.allocSlice(2f, 3f);
      long address = result.address();
      ctx.adopt(child.detach());
      Tensor own = ctx.allocSlice(4f);
      Tensor[] kept =
          several
              ? scope.closeKeeping(new Tensor[] {own, result})
              : new Tensor[] {null, scope.closeKeeping(result)};
      assertEquals(address, kept[1].address());
      assertEquals(3f, kept[1].fill(3f).getFloat(0));
      assertEquals(several ? 72 : 8, ctx.memoryUsage(), 64);
      assertTrue(!several || kept[0].getFloat(0) == 4f);
      ctx.reset();
      assertEquals(0, ctx.memoryUsage());
    }
  }

  @Test
  void aScopeFurtherOutGetsAdoptedTensors() {
    Scope outer = ctx.scope();
    Scope middle = ctx.scope();
    Scope inner = ctx.scope();
    ExecutionContext child = child();
    Tensor result = child.allocSlice(2f);
    long address = result.address();
    ctx.adopt(child.detach());
    Tensor kept = inner.closeKeeping(outer, result)[0];
    middle.close();
    assertEquals(address, kept.address());
    assertEquals(2f, kept.getFloat(0));
    outer.close();
    assertFalse(kept.isAlive());
  }

  // ---- threads

  @Test
  void onlyTheAdoptersThreadAdopts() throws Exception {
    DetachedContext moving = child().detach();
    runOnThread("other", () -> assertRefuses(() -> ctx.adopt(moving), "(query)", "\"other\""));
    assertThrows(NullPointerException.class, () -> ctx.adopt(null));
    assertTrue(moving.isOpen());
    moving.attach().close();
    DetachedContext closed = child().detach();
    closed.close();
    assertRefuses(() -> ctx.adopt(closed), "already");
    DetachedContext last = child().detach();
    ctx.close();
    assertRefuses(() -> ctx.adopt(last), "(query) is closed");
    last.close();
  }

  @Test
  void oneOfAttachCloseAndAdoptWins() throws Exception {
    for (int i = 0; i < 200; i++) {
      ExecutionContext child = child();
      child.allocSlice(1f);
      AtomicInteger closed = new AtomicInteger();
      child.track(closed::incrementAndGet);
      DetachedContext moving = child.detach();
      CyclicBarrier start = new CyclicBarrier(3);
      AtomicInteger won = new AtomicInteger();
      List<Thread> threads =
          List.of(
              racing(start, won, () -> moving.attach().close()),
              racing(
                  start,
                  won,
                  () -> {
                    boolean open = moving.isOpen();
                    moving.close();
                    if (!open || closed.get() != 1) {
                      throw new IllegalStateException("it does not say whether it won");
                    }
                  }),
              racing(
                  start,
                  won,
                  () -> {
                    try (ExecutionContext adopter = child()) {
                      adopter.adopt(moving);
                      assertEquals(4, adopter.memoryUsage());
                    }
                  }));
      for (Thread each : threads) {
        each.join();
      }
      assertTrue(won.get() >= 1 && won.get() <= 2, "won " + won);
      assertEquals(1, closed.get());
      assertFalse(child.isOpen());
    }
  }

  private static Thread racing(CyclicBarrier start, AtomicInteger won, Runnable task) {
    Thread thread =
        new Thread(
            () -> {
              try {
                start.await();
                task.run();
                won.incrementAndGet();
              } catch (IllegalStateException e) {
                return;
              } catch (Exception e) {
                throw new AssertionError(e);
              }
            });
    thread.start();
    return thread;
  }
}
