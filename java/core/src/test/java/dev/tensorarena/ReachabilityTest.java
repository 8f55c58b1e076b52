package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What a call into C works on is not reclaimed meanwhile. */
class ReachabilityTest {
  /** Native methods that are given no arena, because they work in none that can be reclaimed. */
  private static final Set<String> IN_NO_ARENA =
      Set.of(
          "abiVersion",
          "coarseMillis",
          "abandon", // nobody can reach it
          "releaseChunk", // what is pinned is not handed out again
          "isExposed",
          "poolStats",
          "trimPool",
          "chunkBytes",
          "physicalMemory",
          "setPoolMemoryLimit",
          "setPoolRetainedLimit",
          "setQuarantine",
          "slabAt", // nothing of a slab is ever unmapped
          "slabBytes",
          "view",
          "bufferAddress"); // is given the buffer

  private static Stream<Method> natives() {
    return Stream.of(NativeArena.class.getDeclaredMethods())
        .filter(method -> Modifier.isNative(method.getModifiers()));
  }

  /** An argument is reachable as long as a native method runs. */
  @Test
  void whatWorksInAnArenaIsGivenIt() {
    Set<String> without =
        natives()
            .filter(
                method ->
                    method.getParameterTypes().length == 0
                        || method.getParameterTypes()[0] != ArenaRecord.class)
            .map(Method::getName)
            .collect(Collectors.toCollection(TreeSet::new));
    assertEquals(Set.of("move", "exposeChunk"), minus(without, IN_NO_ARENA));
    assertEquals(Set.of(), minus(IN_NO_ARENA, without), "is given an arena by now");
  }

  @Test
  void whatCopiesIsGivenWhatKeepsBothRanges() {
    Method move = natives().filter(method -> method.getName().equals("move")).findAny().get();
    assertEquals(
        List.of(Object.class, long.class, Object.class, long.class, long.class),
        Arrays.asList(move.getParameterTypes()));
  }

  private static Set<String> minus(Set<String> names, Set<String> others) {
    Set<String> rest = new TreeSet<>(names);
    rest.removeAll(others);
    return rest;
  }

  /** Compiled code lets go of a context before its last call, which a collection finds then. */
  @Test
  void aContextIsNotReclaimedInsideItsLastCall() throws Exception {
    TestSupport.fork(
            List.of(
                "-XX:TieredStopAtLevel=4",
                "-Xcomp",
                "-XX:CompileCommand=quiet",
                "-XX:CompileCommand=compileonly,dev.tensorarena.*::*",
                "-Dtensorarena.leakDetection=all"),
            LastCalls.class)
        .assertSucceeded();
  }

  static final class LastCalls {
    private static final long BYTES = 16 << 20;

    /** Of the reports, which are not what this is about. */
    private static final Logger LOGGER = Logger.getLogger("dev.tensorarena");

    public static void main(String[] args) throws Exception {
      LOGGER.setLevel(Level.OFF);
      Thread collector =
          new Thread(
              () -> {
                while (true) {
                  System.gc();
                }
              });
      collector.setDaemon(true);
      collector.start();
      for (int round = 0; round < 60; round++) {
        resetLast();
        assertHeld();
      }
    }

    /** The reset takes long, because it overwrites what it ends. */
    private static void resetLast() {
      ExecutionContext ctx = ExecutionContext.builder().zeroOnRelease(true).open();
      ctx.empty(DType.INT8, BYTES);
      ctx.reset();
    }

    private static void assertHeld() {
      ChunkPool.Stats pool = ChunkPool.stats();
      assertTrue(pool.inUseChunks() >= 0 && pool.inUseBytes() >= 0, pool.toString());
    }
  }
}
