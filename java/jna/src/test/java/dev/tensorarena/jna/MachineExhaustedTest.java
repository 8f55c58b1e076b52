package dev.tensorarena.jna;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.jna.Pointer;
import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.FewThreads;
import dev.tensorarena.FullHeap;
import dev.tensorarena.OpenArenas;
import dev.tensorarena.OpenResource;
import dev.tensorarena.Scope;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Where the heap ends in a call through JNA, or the machine has no thread, nothing is lost. */
class MachineExhaustedTest {
  @Test
  void whatCHasGivenIsNotLostWhereTheHeapEndsAndIsGivenBackWithoutHeap() throws Exception {
    FullHeap.run(NoHeap.class, Forked.libraries());
  }

  @Test
  @EnabledOnOs(OS.LINUX) // where a limit of addresses can be set
  void anArgumentForWhichThereWasNoThreadIsMadeByTheNextCall() throws Exception {
    FewThreads.run(NoThread.class, Forked.libraries());
  }

  static final class NoHeap {
    private static final FullHeap HEAP = new FullHeap();

    public static void main(String[] args) throws Exception {
      takeAndClose();
      assertEquals(0, OpenArenas.count());
      assertEquals(0, ChunkPool.stats().inUseChunks());
      markAndRewind();
      assertTrue(HEAP.refused() > 0, "nothing was refused");
    }

    private static void takeAndClose() throws Exception {
      try (JnaArena arena = JnaArena.create(0, JnaArena.UNLIMITED)) {
        Pointer bytes = arena.allocate(1000, 0);
        takeAndClose(() -> JnaArena.create(0, JnaArena.UNLIMITED));
        takeAndClose(() -> arena.pin(bytes, 1000));
        try (ChunkPin pin = arena.pin(bytes, 1000)) {
          takeAndClose(pin::retain);
        }
      }
    }

    private static void takeAndClose(Callable<OpenResource> taking) throws Exception {
      taking.call().close(); // links and loads
      OpenResource taken = HEAP.roomBitByBit(taking);
      HEAP.fillButFor(0);
      taken.close();
      HEAP.empty();
      assertFalse(taken.isOpen());
    }

    /** A mark for which there is no heap leaves no scope behind, which nobody could end. */
    private static void markAndRewind() throws Exception {
      List<String> closed = new ArrayList<>();
      try (ExecutionContext ctx = ExecutionContext.open()) {
        JnaArena arena = JnaArena.of(ctx);
        Scope scope = ctx.scope();
        assertEquals(Status.OK, arena.rewind(arena.mark()));
        assertEquals(Status.OK, arena.rewind(HEAP.roomBitByBit(arena::mark)));
        ctx.track(() -> closed.add("first"));
        scope.track(() -> closed.add("last"));
      }
      assertEquals(List.of("last", "first"), closed, "both were tracked by one scope");
    }
  }

  static final class NoThread {
    public static void main(String[] args) throws Exception {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        TensorPointer pointer = TensorPointer.of(ctx.empty(DType.INT8, 10));
        FewThreads.exhausted(() -> assertThrows(OutOfMemoryError.class, pointer::toNative));
        ((PinnedArgument) pointer.toNative()).read();
      }
      assertEquals(0, ChunkPool.stats().inUseChunks());
    }
  }
}
