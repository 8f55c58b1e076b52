package dev.tensorarena.jna;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.FewThreads;
import dev.tensorarena.FullHeap;
import dev.tensorarena.OpenResource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Where the heap ends inside JNA, or the machine has no thread, the next call does it. */
class MachineExhaustedTest {
  @Test
  void aPinAndAnArenaWhoseCloseFindsNoHeapAreClosedByTheNext() throws Exception {
    Forked.assertSucceeds(
        Forked.command(NoHeap.class, "-Xmx16m", "-XX:+UseSerialGC", "-XX:-UseTLAB"));
  }

  @Test
  @EnabledOnOs(OS.LINUX) // where a limit of addresses can be set
  void anArgumentForWhichThereWasNoThreadIsMadeByTheNextCall() throws Exception {
    FewThreads.run(NoThread.class, Forked.libraries());
  }

  /** Closes with room for ever more objects. */
  static final class NoHeap {
    private static final FullHeap HEAP = new FullHeap(2_000_000);

    public static void main(String[] args) {
      closeTwice(FullHeap.ALL); // links and loads
      int refused = 0;
      for (int room = 0; room < 40; room++) {
        refused += closeTwice(room);
        assertEquals(0, ChunkPool.stats().pinnedChunks(), "room " + room);
        assertEquals(0, ChunkPool.stats().inUseChunks(), "room " + room);
      }
      assertTrue(
          refused > 0, "nothing was refused"); // how often varies with what the JIT leaves out
    }

    private static int closeTwice(int room) {
      JnaArena arena = JnaArena.create(0, JnaArena.UNLIMITED);
      ChunkPin pin = arena.pin(arena.allocate(1000, 0), 1000);
      int refused = 0;
      for (OpenResource each : new OpenResource[] {pin, arena}) {
        HEAP.fillButFor(room);
        try {
          each.close();
        } catch (OutOfMemoryError e) {
          refused++;
        }
        HEAP.empty();
        each.close();
        assertFalse(each.isOpen());
      }
      return refused;
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
