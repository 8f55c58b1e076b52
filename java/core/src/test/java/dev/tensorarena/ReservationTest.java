package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Memory that a budget sets aside for its own contexts. */
class ReservationTest {
  private static final long KIB = 1 << 10;
  private static final long MIB = 1 << 20;

  private final MemoryBudget root = MemoryBudget.of("server", 8 * MIB);
  private final MemoryBudget query = root.child("query", 8 * MIB);

  @AfterEach
  void nothingIsLeft() {
    query.close();
    assertEquals(0, root.used());
    root.close();
  }

  private static ExecutionContext open(MemoryBudget budget) {
    return ExecutionContext.builder().budget(budget).open();
  }

  @Test
  void itIsChargedAtOnceAsOneTensorWouldBe() {
    try (MemoryBudget.Reservation reservation = query.reserve(5 * MIB + 1)) {
      assertEquals(5 * MIB + 512 * KIB, reservation.remaining());
      assertEquals(5 * MIB + 512 * KIB, query.used());
      assertEquals(5 * MIB + 512 * KIB, root.used());
      MemoryLimitExceededException refused =
          assertThrows(MemoryLimitExceededException.class, () -> query.reserve(4 * MIB));
      assertTrue(
          refused.getMessage().contains("the memory limit of budget \"server/query\" is 8388608"),
          refused.getMessage());
      assertTrue(
          refused.getMessage().startsWith("a reservation of budget \"server/query\": 4194304"),
          refused.getMessage());
    }
    assertEquals(0, root.used());
    assertEquals(5 * MIB + 512 * KIB, root.peak());
  }

  @Test
  void onlyContextsOfThisBudgetDrawFromIt() {
    MemoryBudget below = query.child("below", 8 * MIB);
    MemoryBudget beside = root.child("beside", 8 * MIB);
    try (MemoryBudget.Reservation reservation = query.reserve(6 * MIB)) {
      for (MemoryBudget other : new MemoryBudget[] {below, beside, root}) {
        try (ExecutionContext ctx = open(other)) {
          ctx.empty(DType.INT8, 2 * MIB);
          assertEquals(8 * MIB, root.used());
          assertThrows(MemoryLimitExceededException.class, () -> ctx.empty(DType.INT8, 2 * MIB));
        }
      }
      assertEquals(6 * MIB, reservation.remaining());
      try (ExecutionContext other = open(beside);
          ExecutionContext own = open(query)) {
        other.empty(DType.INT8, 2 * MIB); // nothing is left but what is reserved
        own.empty(DType.INT8, 6 * MIB);
        assertEquals(0, reservation.remaining());
        assertEquals(8 * MIB, root.used());
      }
      assertEquals(6 * MIB, reservation.remaining(), "what comes home goes back into it");
      assertEquals(6 * MIB, root.used());
    }
    below.close();
    beside.close();
  }

  @Test
  void whatIsPinnedGoesBackWhenItComesHome() {
    try (MemoryBudget.Reservation reservation = query.reserve(MIB)) {
      SharedTensor handle;
      try (ExecutionContext ctx = open(query)) {
        handle = ctx.empty(DType.INT8, MIB).share();
      }
      assertEquals(0, reservation.remaining());
      assertEquals(MIB, query.used());
      handle.close();
      assertEquals(MIB, reservation.remaining());
    }
  }

  @Test
  void closingItReturnsTheRestAndLeavesWhatWasDrawn() {
    MemoryBudget.Reservation reservation = query.reserve(4 * MIB);
    ExecutionContext ctx = open(query);
    ctx.empty(DType.INT8, MIB);
    assertEquals(3 * MIB, reservation.remaining());
    reservation.close();
    reservation.close();
    assertFalse(reservation.isOpen());
    assertEquals(0, reservation.remaining());
    assertEquals(MIB, query.used());
    try (MemoryBudget.Reservation next = query.reserve(7 * MIB)) {
      ctx.close(); // comes home although the first one is closed, and goes into no other
      assertEquals(7 * MIB, next.remaining());
      assertEquals(7 * MIB, root.used());
    }
  }

  @Test
  void itKeepsItsBudgetOpen() {
    MemoryBudget.Reservation reservation = query.reserve(0);
    String message = assertThrows(IllegalStateException.class, query::close).getMessage();
    assertTrue(message.contains("a reservation of budget \"server/query\" with 65536"), message);
    reservation.close();
  }

  /** Its record is the next one's, which nothing that is asked of the closed one may reach. */
  @Test
  void aClosedReservationIsNotTheNextOneWithItsRecord() {
    MemoryBudget.Reservation closed = query.reserve(1);
    closed.close();
    try (MemoryBudget.Reservation next = query.reserve(MIB)) {
      assertEquals(0, closed.remaining());
      closed.close();
      assertEquals(MIB, next.remaining());
    }
  }
}
