package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
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
          "openBudget", // their records are never unmapped, and an open one is one budget's
          "reserve",
          "closeBudget",
          "setBudgetLimit",
          "budgetStats",
          "budgetPinned",
          "ownChunkBytes",
          "slabAt", // nothing of a slab is ever unmapped
          "slabBytes",
          "function", // nor is the library
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

  /** The library for tests, which is loaded here, ends the JVM where a keeper is null. */
  @Test
  void whateverIsKeptIsGivenByTheCallers() throws Exception {
    List<String> arguments = new ArrayList<>(NativeCalls.jvmArguments());
    arguments.add("-Dtensorarena.library.path=" + System.getProperty("tensorarena.faults"));
    TestSupport.fork(arguments, KeptCalls.class).assertSucceeded();
  }

  static final class KeptCalls {
    private static final long MANY = 200_000;

    public static void main(String[] args) {
      NativeCalls.load();
      Set<String> called = new TreeSet<>();
      for (Runnable calls :
          List.<Runnable>of(
              KeptCalls::allocate,
              KeptCalls::share,
              KeptCalls::keep,
              KeptCalls::allocateOutside,
              KeptCalls::adopt)) {
        called.addAll(List.of(NativeCalls.of(calls).split(" ")));
      }
      Set<String> kept =
          natives()
              .map(Method::getName)
              .filter(name -> !IN_NO_ARENA.contains(name))
              .collect(Collectors.toCollection(TreeSet::new));
      assertEquals(Set.of(), minus(kept, called));
    }

    private static void allocate() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Scope scope = ctx.scope();
        ctx.allocTemp(1);
        ctx.checkAllocation(MANY);
        ctx.empty(DType.INT8, MANY).address();
        ctx.arenaStats();
        scope.close();
      }
    }

    private static void share() {
      SharedTensor handle;
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor early = ctx.allocTemp(1);
        ctx.empty(DType.INT8, MANY);
        handle = early.share();
        handle.address();
        ctx.reset();
      }
      try (ExecutionContext ctx = ExecutionContext.open()) {
        handle.mutable(ctx);
      }
    }

    private static void keep() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Scope scope = ctx.scope();
        ctx.allocTemp(1);
        scope.closeKeeping(ctx.allocTemp(2));
      }
    }

    /** Bytes of the outer scope, which stay when their chunk leaves with the inner one. */
    private static void allocateOutside() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        ctx.allocTemp(1);
        Scope outer = ctx.scope();
        Scope inner = ctx.scope();
        ctx.empty(DType.INT8, MANY);
        long address = outer.allocateAddress(MANY, 64);
        inner.close();
        ctx.tensorAt(address, DType.INT8, Shape.of(MANY));
      }
    }

    private static void adopt() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        ExecutionContext child = ExecutionContext.open();
        child.allocTemp(1);
        ctx.adopt(child.detach());
      }
    }
  }

  /** Compiled code lets go of an arena before its last call, which a collection finds then. */
  @Test
  void anArenaIsNotReclaimedInsideACallThatItIsGivenTo() throws Exception {
    TestSupport.fork(
            List.of(
                "-XX:TieredStopAtLevel=4",
                "-Xcomp",
                "-XX:CompileCommand=quiet",
                "-XX:CompileCommand=compileonly,dev.tensorarena.*::*",
                "-Dtensorarena.leakDetection=off"),
            LastCalls.class)
        .assertSucceeded();
  }

  static final class LastCalls {
    private static final long BYTES = 32 << 20;
    private static final int COLLECTIONS = 5;
    private static final int ROUNDS = 1000;

    /** An arena whose last call is under way. */
    private static volatile WeakReference<Arena> last;

    private static volatile int collections;
    private static volatile int reclaimed;

    public static void main(String[] args) {
      Thread caller = Thread.currentThread();
      Thread collector = new Thread(() -> collect(caller));
      collector.setDaemon(true);
      collector.start();
      repeat(LastCalls::resetGiven);
      assertEquals(0, reclaimed, "of " + collections);
      repeat(LastCalls::resetByAddressAlone);
      assertNotEquals(0, reclaimed, "or nothing is shown by " + collections);
    }

    /** What is counted is what the call has seen, which goes on after it. */
    private static void collect(Thread caller) {
      while (true) {
        WeakReference<Arena> inside = last;
        System.gc();
        boolean isReclaimed = inside != null && inside.refersTo(null);
        if (inside != null && isInReset(caller) && last == inside) {
          reclaimed += isReclaimed ? 1 : 0;
          collections++;
        }
      }
    }

    private static boolean isInReset(Thread caller) {
      StackTraceElement[] stack = caller.getStackTrace();
      return stack.length > 0 && stack[0].getMethodName().equals("reset");
    }

    /** Until there were enough collections inside of the calls. */
    private static void repeat(Runnable call) {
      collections = 0;
      for (int i = 0; i < ROUNDS && collections < COLLECTIONS; i++) {
        call.run();
      }
      assertTrue(collections >= COLLECTIONS, collections + " collections");
    }

    /** The reset takes long, because it overwrites what it ends. */
    private static Arena used() {
      ExecutionContext ctx = ExecutionContext.builder().zeroOnRelease(true).open();
      ctx.empty(DType.INT8, BYTES);
      Arena arena = ctx.arena();
      arena.give();
      last = new WeakReference<>(arena);
      return arena;
    }

    private static void resetGiven() {
      Arena arena = used();
      NativeArena.reset(arena, arena.handle(), 1, -1);
      last = null;
    }

    /** What nobody may do; here nothing takes the memory back before the next allocation. */
    private static void resetByAddressAlone() {
      NativeArena.reset(null, used().handle(), 1, -1);
      last = null;
    }
  }
}
