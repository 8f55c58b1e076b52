package dev.tensorarena;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * The end of a scope that keeps results, see {@link Scope#closeKeeping(Scope, Tensor...)}. Results
 * of one tensor that lie in one another stay together; all others move by themselves.
 */
final class KeptResults {
  /** By the order in which they move. */
  private final KeptResult[] all;

  /** For each contiguous result, where it is kept. */
  private final Map<Tensor, Tensor> kept = new IdentityHashMap<>();

  /** Makes all ready, while the tensors are alive. */
  private KeptResults(Scope ending, Scope into, Iterable<Tensor> contiguous) {
    List<List<Tensor>> groups = groups(contiguous);
    List<KeptResult> found = new ArrayList<>(groups.size());
    try {
      for (List<Tensor> group : groups) {
        KeptResult next = KeptResult.of(ending, into, group.toArray(new Tensor[0]));
        found.add(next);
        for (int i = 0; i < group.size(); i++) {
          kept.put(group.get(i), next.inPlace[i]);
        }
      }
      crossAndPin(found);
      found.sort(Comparator.comparingInt(KeptResult::order));
      this.all = found.toArray(new KeptResult[0]);
    } catch (Throwable e) { // there was no heap for all; a lambda may not be linked here
      for (KeptResult each : found) {
        each.giveUp();
      }
      throw e;
    }
  }

  /** By their addresses, those together that have an origin and a byte in common, or a holder. */
  private static List<List<Tensor>> groups(Iterable<Tensor> contiguous) {
    List<Tensor> sorted = new ArrayList<>();
    contiguous.forEach(sorted::add);
    sorted.sort(Comparator.comparingLong(Tensor::start));
    Tensor[] left = sorted.toArray(new Tensor[0]);
    List<List<Tensor>> groups = new ArrayList<>();
    for (int place = 0; place < left.length; place++) {
      if (left[place] != null) {
        groups.add(group(left, place));
      }
    }
    return groups;
  }

  /** Takes those behind a tensor that are of its group out of what is left. */
  private static List<Tensor> group(Tensor[] left, int place) {
    Tensor first = left[place];
    List<Tensor> group = new ArrayList<>(List.of(first));
    boolean whole = KeptResult.othersHolding(first) != null;
    long end = first.start() + first.byteCount();
    for (int i = place + 1; i < left.length; i++) {
      Tensor next = left[i];
      if (next != null && !whole && next.start() >= end) {
        break;
      }
      if (next != null && next.origin() == first.origin()) {
        group.add(next);
        end = Math.max(end, next.start() + next.byteCount());
        left[i] = null;
      }
    }
    return group;
  }

  /** Two tensors can only lie in one another where native code has made one of them. */
  private static void crossAndPin(List<KeptResult> byAddress) {
    KeptResult last = null;
    int since = 0;
    for (KeptResult each : byAddress) {
      if (last != null && each.from < last.from + last.size) {
        each.cross();
        last.cross();
      }
      last = last == null || each.from + each.size > last.from + last.size ? each : last;
      since += each.isSince() ? 1 : 0;
    }
    if (since > 1) {
      byAddress.forEach(KeptResult::pinFirst);
    }
  }

  /** Ends a scope but keeps one result, see {@link Scope#closeKeeping(Tensor)}. */
  static Tensor close(Scope ending, Tensor result) {
    ending.checkOpen();
    result.use();
    ending.checkOpen(); // wrapped memory was asked whether it is there, and may have done anything
    if (ending.isAdopted()) {
      return result;
    }
    if (!result.endsWith(ending)) {
      ending.end(End.SCOPE, null);
      return result;
    }
    StackRoom.require();
    KeptResult kept;
    ending.enter(End.UNDER_WAY);
    try {
      Tensor contiguous = KeptResult.copiedIfNeeded(result, ending.context);
      Resources.rethrow(ending.closeTracked());
      kept = KeptResult.of(ending, ending.parent, contiguous);
    } finally {
      ending.mark(null);
    }
    end(ending, kept);
    return kept.inPlace[0];
  }

  /**
   * Ends a scope but keeps results.
   *
   * @param into the scope that gets them; null for the enclosing one
   */
  static Tensor[] close(Scope ending, Scope into, Tensor[] results) {
    Tensor[] kept = results.clone();
    ending.checkOpen();
    for (Tensor each : kept) {
      each.use();
    }
    for (Tensor each : kept) {
      each.living(); // wrapped memory was asked whether it is there, and may have done anything
    }
    ending.checkOpen();
    if (into != null && !isOpenAround(into, ending)) {
      throw new IllegalArgumentException(
          "results of a scope of "
              + ending.context
              + " can be kept in an open scope around it only, not in "
              + (into.owner == null ? "one that has ended, of " : "one of ")
              + into.context);
    }
    if (ending.isAdopted()) {
      return keptByHome(ending, into, kept);
    }
    boolean any = false;
    for (Tensor each : kept) {
      any |= each.endsWith(ending);
    }
    if (any) {
      boolean isNext = into == null || into.home() == ending.parent.home();
      return closeKeeping(ending, isNext ? ending.parent : into, kept);
    }
    ending.end(End.SCOPE, null);
    return kept;
  }

  /** Returns the results of a scope that does not end, since it was adopted. */
  private static Tensor[] keptByHome(Scope adopted, Scope into, Tensor[] results) {
    if (into != null && into.home() != adopted.home()) {
      throw new IllegalArgumentException(
          "a scope that "
              + adopted.context
              + " has adopted does not end before the scope that it has become one with, whose"
              + " closeKeeping() it is that keeps results in one further out");
    }
    return results;
  }

  private static Tensor[] closeKeeping(Scope ending, Scope into, Tensor[] results) {
    StackRoom.require();
    Map<Tensor, Tensor> contiguous = new IdentityHashMap<>();
    KeptResults all;
    ending.enter(End.UNDER_WAY);
    try {
      for (Tensor each : results) {
        if (each.endsWith(ending) && !contiguous.containsKey(each)) {
          contiguous.put(each, KeptResult.copiedIfNeeded(each, ending.context));
        }
      }
      Resources.rethrow(ending.closeTracked());
      all = new KeptResults(ending, into, contiguous.values());
      for (int i = 0; i < results.length; i++) {
        Tensor moving = contiguous.get(results[i]);
        results[i] = moving == null ? results[i] : all.kept.get(moving);
      }
    } finally {
      ending.mark(null);
    }
    end(ending, all.all);
    return results;
  }

  private static boolean isOpenAround(Scope into, Scope ending) {
    Scope outer = ending.parent;
    while (outer != null && outer != into) {
      outer = outer.parent;
    }
    return outer != null; // what lies around an open scope is open
  }

  /** The phases of the end, from when the tensors die. */
  private static void end(Scope ending, KeptResult... all) {
    ending.die(End.SCOPE);
    for (KeptResult each : all) {
      each.passOn();
    }
    ending.letAllGo();
    for (KeptResult each : all) {
      each.decide();
    }
    for (int i = all.length - 1; i >= 0; i--) { // the first to move is found first then
      all[i].settle();
    }
    ending.giveBack(null);
    long rewound = ending.context.arena().cursor();
    for (KeptResult each : all) {
      each.move(rewound);
    }
    ending.context.tellReleasedQuietly();
  }
}
