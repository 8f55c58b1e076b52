package dev.tensorarena.ffm;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.CollectedLog;
import dev.tensorarena.ForkedJvm;
import dev.tensorarena.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** An arena in a context of its own, from its opening to its end. */
class OwnContextTest extends InContext {
  private static long chunks() {
    return ChunkPool.stats().inUseChunks();
  }

  @Test
  void closingGivesTheMemoryBack() {
    long before = chunks();
    ArenaAllocator arena = ArenaAllocator.open();
    assertEquals(before, chunks(), "none before the first allocation");
    MemorySegment small = arena.allocateFrom(JAVA_INT, 5);
    assertEquals(before + 1, chunks());
    MemorySegment large = arena.allocate(10 << 20);
    assertEquals(before + 2, chunks());
    assertEquals(5, small.get(JAVA_INT, 0));
    arena.close();
    assertEquals(before, chunks());
    assertFalse(arena.scope().isAlive());
    assertRefuses(() -> small.get(JAVA_INT, 0), "closed");
    assertRefuses(() -> large.get(JAVA_INT, 0), "closed");
    assertRefuses(() -> arena.allocate(8), "closed");
    assertRefuses(arena::close, "closed");
  }

  @Test
  void itIsNestedInNothing() {
    ArenaAllocator first = ArenaAllocator.open();
    ArenaAllocator second = ArenaAllocator.open();
    MemorySegment segment = second.allocateFrom(JAVA_INT, 1);
    first.close();
    ctx.reset();
    assertEquals(1, segment.get(JAVA_INT, 0));
    second.close();
  }

  /** A cleanup action runs in the middle of its arena's end. */
  @Test
  void itLivesOnWhereACleanupActionOfAnotherHasOpenedIt() {
    List<ArenaAllocator> opened = new ArrayList<>();
    for (ArenaAllocator first : List.of(ArenaAllocator.open(), ArenaAllocator.of(ctx))) {
      first.allocate(8).reinterpret(first, ended -> opened.add(ArenaAllocator.open()));
      first.close();
    }
    assertEquals(2, opened.size());
    for (ArenaAllocator arena : opened) {
      MemorySegment segment = arena.allocateFrom(JAVA_INT, 5);
      assertEquals(5, segment.get(JAVA_INT, 0));
      arena.close();
      assertFalse(segment.scope().isAlive());
    }
  }

  /** It is in the context that the end is of, inside what ends. */
  @Test
  void oneInAContextEndsWithTheArenaWhoseCleanupActionHasOpenedIt() {
    Tensor before = ctx.allocSlice(1);
    ArenaAllocator outer = ArenaAllocator.of(ctx);
    List<ArenaAllocator> opened = new ArrayList<>();
    outer
        .allocate(8)
        .reinterpret(
            outer,
            ended -> {
              opened.add(ArenaAllocator.of(ctx));
              assertEquals(6, opened.get(0).allocateFrom(JAVA_INT, 6).get(JAVA_INT, 0));
            });
    outer.close();
    ArenaAllocator inner = opened.get(0);
    assertFalse(inner.scope().isAlive());
    assertRefuses(() -> inner.allocate(8), "it ended when the arena that was opened before it");
    assertEquals(1, before.getInt(0));
  }

  @Test
  void itBelongsToTheThreadThatOpenedIt() throws Exception {
    try (ArenaAllocator arena = ArenaAllocator.open()) {
      MemorySegment segment = arena.allocate(JAVA_INT);
      onThread(
          () -> {
            assertRefuses(WrongThreadException.class, () -> arena.allocate(8));
            assertRefuses(WrongThreadException.class, arena::close);
            return assertRefuses(WrongThreadException.class, () -> segment.get(JAVA_INT, 0));
          });
      assertTrue(arena.scope().isAlive());
    }
    Thread virtual =
        Thread.ofVirtual()
            .start(
                () -> {
                  try (Arena arena = ArenaAllocator.open()) {
                    arena.allocateFrom(JAVA_INT, 1);
                  }
                });
    virtual.join();
  }

  @Test
  void whileCUsesItsSegmentItStaysOpen() throws Throwable {
    ArenaAllocator arena = ArenaAllocator.open();
    MemorySegment numbers = arena.allocateFrom(JAVA_INT, 3, 1, 2);
    QuickSort.sort(
        numbers,
        3,
        (a, b) -> {
          assertRefuses(arena::close, "acquired");
          arena.allocate(8);
          return Integer.compare(a, b);
        });
    assertEquals(1, numbers.get(JAVA_INT, 0));
    arena.close();
    assertRefuses(() -> numbers.get(JAVA_INT, 0), "closed");
  }

  /** In a JVM of its own, which watches every context. */
  @Test
  void aLeakIsReportedWithThePlaceAndItsSegmentsStayReadable() throws Exception {
    String printed =
        ForkedJvm.run(
            Leak.class, "-Dtensorarena.leakDetection=all", "--enable-native-access=ALL-UNNAMED");
    assertTrue(printed.contains("LEAK: ExecutionContext"), printed);
    assertTrue(printed.contains("OwnContextTest$Leak.opened("), printed);
    assertTrue(printed.contains("its memory is lost"), printed);
    assertTrue(printed.contains("the segment reads 7"), printed);
  }

  static final class Leak {
    private static MemorySegment opened() {
      return ArenaAllocator.open().allocateFrom(JAVA_INT, 7);
    }

    public static void main(String[] args) throws InterruptedException {
      CollectedLog log = new CollectedLog("dev.tensorarena");
      MemorySegment segment = opened();
      List<String> reports = List.of();
      for (int i = 0; i < 3000 && reports.isEmpty(); i++) { // garbage is collected until found
        System.gc();
        Thread.sleep(10);
        reports = log.taken();
      }
      System.out.println(reports);
      System.out.println("the segment reads " + segment.get(JAVA_INT, 0));
    }
  }
}
