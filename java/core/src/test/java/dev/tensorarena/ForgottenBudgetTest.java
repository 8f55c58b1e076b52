package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * What is forgotten is charged to no budget and keeps none open. Each case has a JVM of its own.
 */
class ForgottenBudgetTest {
  private static final long MIB = 1 << 20;

  private static ExecutionContext open(MemoryBudget budget) {
    return ExecutionContext.builder().budget(budget).open();
  }

  @Test
  void forgottenContextsAreTakenBackBeforeABudgetRefuses() throws Exception {
    TestSupport.fork(List.of(), AtTheLimit.class).assertSucceeded();
  }

  static final class AtTheLimit {
    public static void main(String[] args) {
      MemoryBudget budget = MemoryBudget.of("small", 4 * MIB);
      for (int i = 0; i < 12; i++) {
        if (budget.used() == budget.limit()) {
          System.gc();
        }
        open(budget).empty(DType.INT8, MIB); // and nobody closes it
      }
      System.gc();
      Window.takeBackForgotten();
      budget.close();
    }
  }

  @Test
  void forgottenChildrenReservationsAndContextsKeepNoBudgetOpen() throws Exception {
    TestSupport.fork(List.of(), Tree.class).assertSucceeded();
  }

  static final class Tree {
    public static void main(String[] args) throws Exception {
      MemoryBudget root = MemoryBudget.of("root", 8 * MIB);
      forget(root);
      assertTrue(root.used() >= 2 * MIB, root::toString);
      for (int i = 0; root.isOpen(); i++) {
        System.gc();
        Thread.sleep(10);
        try {
          root.close();
        } catch (IllegalStateException e) {
          assertTrue(i < 500, e.getMessage());
        }
      }
    }

    private static void forget(MemoryBudget root) {
      MemoryBudget child = root.child("child", 8 * MIB);
      child.reserve(MIB);
      open(child);
      open(child).empty(DType.INT8, 2 * MIB);
    }
  }

  /** A child whose tensors are shared still is forgotten, and goes once they are closed. */
  @Test
  void aForgottenChildGoesWithTheLastPin() throws Exception {
    TestSupport.fork(List.of(), Pinned.class).assertSucceeded();
  }

  static final class Pinned {
    public static void main(String[] args) throws Exception {
      MemoryBudget root = MemoryBudget.of("root", 8 * MIB);
      SharedTensor handle = pinned(root);
      for (int i = 0; root.toString().contains("child"); i++) {
        assertTrue(i < 500, root::toString);
        System.gc();
        Thread.sleep(10);
      }
      assertEquals(MIB, root.used());
      handle.close();
      root.close();
      assertFalse(root.isOpen());
    }

    private static SharedTensor pinned(MemoryBudget root) {
      try (ExecutionContext ctx = open(root.child("child", MIB))) {
        return ctx.empty(DType.INT8, MIB).share();
      }
    }
  }

  /** Where nobody is refused, and nobody asks, nothing else would end them. */
  @Test
  void forgottenBudgetsEndWhereBudgetsOrContextsAreMade() throws Exception {
    TestSupport.fork(List.of(), Making.class).assertSucceeded();
  }

  static final class Making {
    public static void main(String[] args) throws Exception {
      endsBy(() -> MemoryBudget.of("made", MIB).close());
      MemoryBudget other = MemoryBudget.of("other", MIB);
      endsBy(() -> open(other).close());
    }

    private static void endsBy(Runnable making) throws Exception {
      long lost = forgotten();
      for (int i = 0; nextRecord() != lost; i++) {
        assertTrue(i < 500, "its record is nobody's again");
        System.gc();
        Thread.sleep(10);
        making.run();
      }
    }

    private static long forgotten() {
      return MemoryBudget.of("forgotten", MIB).handle();
    }

    private static long nextRecord() {
      long record = NativeArena.openBudget(0, 1);
      NativeArena.closeBudget(record);
      return record;
    }
  }
}
