package dev.tensorarena;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/** What is said of budgets, in messages and to people. */
final class BudgetReport {
  /** How many users a refusal names. */
  private static final int LARGEST = 3;

  private BudgetReport() {}

  /** Returns a line for a budget and each below it. */
  static String tree(MemoryBudget root) {
    List<String> lines = new ArrayList<>();
    addLines(root, "", lines);
    return String.join("\n", lines);
  }

  private static void addLines(MemoryBudget budget, String indent, List<String> lines) {
    lines.add(indent + budget.name() + ": " + figures(budget));
    for (MemoryBudget child : usersOf(budget, MemoryBudget.class)) {
      addLines(child, indent + "  ", lines);
    }
  }

  private static String figures(MemoryBudget budget) {
    long[] words = budget.figuresIfOpen();
    if (words == null) {
      return "closed";
    }
    long limit = words[MemoryBudget.LIMIT];
    return words[MemoryBudget.USED]
        + " bytes used, peak "
        + words[MemoryBudget.PEAK]
        + ", limit "
        + (limit == Long.MAX_VALUE ? "none" : limit);
  }

  /** Returns why a budget cannot be closed. */
  static String inUse(MemoryBudget budget) {
    List<String> open = new ArrayList<>();
    usersOf(budget, ArenaRecord.class).forEach(each -> open.add(each.label()));
    usersOf(budget, MemoryBudget.class).forEach(each -> open.add("budget \"" + each.path() + '"'));
    usersOf(budget, MemoryBudget.Reservation.class).forEach(each -> open.add(each.toString()));
    long used = budget.used();
    long pinned = NativeArena.budgetPinned(budget.handle());
    boolean isElsewhere = open.isEmpty() && used > pinned;
    return "budget \""
        + budget.path()
        + "\" cannot be closed: "
        + used
        + " bytes are charged to it, of which "
        + pinned
        + " are pinned by what outlives its context"
        + (isElsewhere ? ", and the rest is in contexts that have adopted others" : "")
        + (open.isEmpty() ? "" : "; open are " + String.join(", ", open))
        + "\n"
        + tree(budget);
  }

  /** How much of a budget somebody uses. */
  private record Share(long bytes, String of) {}

  /** Returns who uses most of a budget. */
  static String largestUsers(MemoryBudget budget) {
    long left = budget.used();
    List<Share> shares = new ArrayList<>();
    addShares(budget, shares);
    long pinned = NativeArena.budgetPinned(budget.handle());
    shares.add(new Share(pinned, "what outlives its context"));
    for (Share each : shares) {
      left -= each.bytes;
    }
    shares.add(new Share(left, "what contexts of other budgets adopted"));
    return shares.stream()
        .filter(each -> each.bytes > 0)
        .sorted(Comparator.comparingLong(Share::bytes).reversed())
        .limit(LARGEST)
        .map(each -> each.of + " with " + each.bytes)
        .collect(Collectors.joining(", "));
  }

  private static void addShares(MemoryBudget budget, List<Share> shares) {
    for (BudgetUser each : budget.users.living()) {
      Object user = each.get();
      if (each instanceof BudgetUser.Context context && user instanceof ArenaRecord arena) {
        shares.add(new Share(context.chunkBytes(), arena.label()));
      } else if (user instanceof MemoryBudget.Reservation reservation) {
        shares.add(new Share(reservation.remaining(), reservation.label()));
      } else if (user instanceof MemoryBudget child) {
        addShares(child, shares);
      }
    }
  }

  /** Returns those of one kind, the oldest first. */
  private static <T> List<T> usersOf(MemoryBudget budget, Class<T> type) {
    List<T> found = new ArrayList<>();
    for (BudgetUser each : budget.users.living()) {
      Object user = each.get();
      if (type.isInstance(user)) {
        found.add(type.cast(user));
      }
    }
    Collections.reverse(found);
    return found;
  }
}
