package dev.tensorarena;

import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;

/**
 * The budgets of a malicious program, whose limits it changes at any moment, and whose listeners do
 * whatever comes to its mind. At the end nothing may be charged to any.
 */
final class MaliceBudgets {
  private static final int MOST = 1 << 20;

  private final MemoryBudget root = MemoryBudget.of("malice", MOST);
  private final MemoryBudget middle = root.child("middle", MOST);
  private final List<MemoryBudget> all = List.of(root, middle, middle.child("leaf", MOST));
  private final AtomicReference<MemoryBudget.Reservation> reserved = new AtomicReference<>();

  MaliceBudgets() {
    for (MemoryBudget each : all) {
      each.onPressure(
          bytes -> {
            MaliceActor.strike();
            return true; // whatever it freed
          });
    }
  }

  MemoryBudget any(Random random) {
    return all.get(random.nextInt(all.size()));
  }

  /**
   * Changes a limit, reserves, or gives back what was reserved.
   *
   * @param atAnEdge whether the program itself could lose a reservation as the stack or heap ends
   */
  void meddle(Random random, boolean atAnEdge) {
    switch (random.nextInt(atAnEdge ? 2 : 4)) {
      case 0 -> any(random).limit(random.nextInt(MOST));
      case 1 -> any(random).limit(Long.MAX_VALUE);
      case 2 -> exchange(any(random).reserve(random.nextInt(MOST / 2)));
      default -> exchange(null);
    }
  }

  private void exchange(MemoryBudget.Reservation next) {
    MemoryBudget.Reservation before = reserved.getAndSet(next);
    if (before != null) {
      before.close();
    }
  }

  /** Closes all; they refuse if something is left, and say what. */
  void close() {
    exchange(null);
    for (int i = all.size() - 1; i >= 0; i--) {
      all.get(i).close();
    }
  }
}
