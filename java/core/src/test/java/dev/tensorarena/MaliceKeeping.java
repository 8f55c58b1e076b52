package dev.tensorarena;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Scopes that keep several results, near and far, and tensors that are copied into one. */
final class MaliceKeeping {
  private static final int MOST = 4;

  private final MaliceSteps actor;

  MaliceKeeping(MaliceSteps actor) {
    this.actor = actor;
  }

  /** A result, and what it was. */
  private static final class Kept {
    final Malice.Holding h;
    final Malice.Holding place;
    final long[] base;
    final long[] expected;
    final boolean isStrided;

    Kept(Malice.Holding h, Malice.Holding place) {
      this.h = h;
      this.place = place;
      this.base = h.base();
      this.expected = h.expected();
      this.isStrided = h.real.strides != null;
      place.cells = new Malice.Cells(null, null);
    }

    boolean isIn(Kept other) {
      return place.real.strides == null
          && place.real.byteCount() > 0
          && other.place.real.byteCount() > 0
          && place.real.start() < other.place.real.start() + other.place.real.byteCount()
          && other.place.real.start() < place.real.start() + place.real.byteCount();
    }
  }

  void keepSeveral(Malice.Context ctx) {
    Malice.Life life = ctx == null ? null : actor.anyOf(ctx.lives);
    if (life == null || life.real.parent == null || !actor.contexts.contains(ctx)) {
      return;
    }
    List<Kept> all = new ArrayList<>();
    for (int i = actor.random.nextInt(MOST + 1); i > 0; i--) {
      Malice.Holding h = actor.any();
      Malice.Holding place = h == null ? null : actor.place();
      if (place != null) {
        all.add(new Kept(h, place));
      }
    }
    Tensor[] given = all.stream().map(kept -> kept.h.real).toArray(Tensor[]::new);
    Malice.Life into = actor.random.nextBoolean() ? null : actor.anyOf(ctx.lives);
    Tensor[][] got = new Tensor[1][];
    boolean isAny = false;
    for (Kept each : all) {
      isAny |=
          each.h.real.scope != null
              && each.h.isAlive()
              && MaliceActor.isWithin(each.h.real.scope, life.real);
    }
    int ends = ctx.ends;
    Throwable thrown =
        actor.end(
            "closeKeeping of several",
            ctx,
            life.real,
            () ->
                got[0] =
                    into == null
                        ? life.real.closeKeeping(given)
                        : life.real.closeKeeping(into.real, given));
    if (isAny && actor.isMischief(thrown) && life.real.owner == null && ctx.ends == ends + 1) {
      actor.violated(all.size() + " tensors were to be kept, and were lost");
    }
    if (thrown != null && life.real.owner == null) {
      all.forEach(kept -> kept.h.cells.isForgotten = true); // the stack's end may have come last
    }
    note(all, got[0]);
  }

  /** Notes what was returned: the same tensors, others over the same bytes, or elsewhere. */
  private void note(List<Kept> all, Tensor[] got) {
    List<Kept> moved = new ArrayList<>();
    for (int i = 0; i < all.size(); i++) {
      Kept kept = all.get(i);
      Tensor result = got == null || got[i] == kept.h.real ? null : got[i];
      for (int j = 0; j < i && result != null; j++) {
        if (got[j] == result) {
          result = null; // given twice
        }
      }
      kept.place.real = result;
      if (!actor.isFilled(kept.place)) {
        kept.h.cells.isForgotten |= result != null;
        continue;
      }
      if (MaliceTensors.isOver(kept.place, kept.h) && !kept.isStrided) {
        kept.place.cells = kept.h.cells;
        kept.place.at = kept.h.at;
        actor.check(kept.place);
      } else {
        moved.add(kept);
      }
    }
    moved.forEach(kept -> place(kept, moved));
  }

  private void place(Kept kept, List<Kept> moved) {
    for (Kept other : moved) {
      if (other != kept && other.h.cells == kept.h.cells && kept.isIn(other)) {
        // They lay in one another, and still do: whoever writes one does not know of the other.
        kept.place.cells = other.place.cells;
        kept.place.at = new int[0];
      }
    }
    actor.checkAlone(kept.place);
    long[] actual = actor.read(kept.place);
    if (actual != null && kept.base != null && kept.base == kept.h.base()) {
      actor.compare(kept.place, kept.expected, actual);
    }
    if (kept.place.at == null) {
      kept.place.cells.bits = actual;
    } else {
      kept.place.cells.isForgotten = true;
      actor.holdings.remove(kept.place);
    }
  }

  // ---- of several, one

  void join(Malice.Context ctx) {
    Malice.Holding place = ctx == null ? null : actor.place();
    if (place == null) {
      return;
    }
    List<Malice.Holding> all = new ArrayList<>();
    for (int i = actor.random.nextInt(MOST); i > 0; i--) {
      Malice.Holding h = actor.any();
      if (h != null) {
        all.add(h);
      }
    }
    List<long[]> bases = all.stream().map(Malice.Holding::base).toList();
    Tensor[] given = all.stream().map(h -> h.real).toArray(Tensor[]::new);
    boolean stacked = actor.random.nextBoolean();
    place.cells = new Malice.Cells(null, null);
    actor.call(
        stacked ? "stack" : "concat",
        ctx,
        () -> place.real = stacked ? ctx.real.stack(0, given) : ctx.real.concat(0, given));
    if (!actor.isFilled(place)) {
      return;
    }
    actor.checkAlone(place);
    long[] actual = actor.read(place);
    place.cells.bits = actual;
    int from = 0;
    for (int i = 0; i < given.length && actual != null; i++) {
      int to = from + all.get(i).length();
      if (bases.get(i) != null && bases.get(i) == all.get(i).base()) {
        actor.compare(place, all.get(i).expected(), Arrays.copyOfRange(actual, from, to));
      }
      from = to;
    }
  }
}
