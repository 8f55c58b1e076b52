package dev.tensorarena;

import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Shared handles that any actor uses at any time, one handle by many: each may close it, make it
 * mutable or share it while others do the same. What a share got must be right, and a handle that
 * nobody has ended must give one.
 */
final class MaliceShelf {
  private static final int PLACES = 6;
  private static final int MAX_SPINS = 2_000;

  private final AtomicReferenceArray<Malice.Holding> places = new AtomicReferenceArray<>(PLACES);

  /** A handle that waits for somebody to come and use it at the very same time. */
  private final AtomicReference<Malice.Holding> meeting = new AtomicReference<>();

  void use(MaliceTensors actor) {
    int at = actor.random.nextInt(PLACES);
    Malice.Holding h = places.get(at);
    if (h == null || actor.random.nextInt(16) == 0) {
      put(actor, at);
    } else {
      use(actor, h);
    }
  }

  private void use(MaliceTensors actor, Malice.Holding h) {
    int which = actor.random.nextInt(16);
    if (which < 6) {
      share(actor, h);
    } else if (which < 10) {
      close(actor, h);
    } else if (which < 13) {
      mutable(actor, h);
    } else if (which < 14) {
      actor.pin(h);
    } else {
      read(actor, h);
    }
  }

  /** Uses a handle at the same time as another actor, if one comes in time. */
  void meet(MaliceTensors actor) {
    Malice.Holding others = meeting.get();
    if (others != null && meeting.compareAndSet(others, null)) {
      useAndClose(actor, others);
      return;
    }
    Malice.Holding h = take(actor);
    if (h == null) {
      return;
    }
    if (actor.random.nextBoolean()) {
      share(actor, h); // who holds it beside them must never notice
    }
    if (meeting.compareAndSet(null, h)) {
      for (int spins = 0; spins < MAX_SPINS && meeting.get() == h; spins++) {
        Thread.onSpinWait();
      }
      meeting.compareAndSet(h, null);
    }
    useAndClose(actor, h);
  }

  private void useAndClose(MaliceTensors actor, Malice.Holding h) {
    if (actor.random.nextBoolean()) {
      use(actor, h);
    }
    close(actor, h);
  }

  /** Takes a handle of the actor's, and ends the one that stood there. */
  private void put(MaliceTensors actor, int at) {
    Malice.Holding h = take(actor);
    if (h != null) {
      Malice.Holding old = places.getAndSet(at, h);
      if (old != null) {
        close(actor, old);
      }
    }
  }

  static Malice.Holding take(MaliceTensors actor) {
    Malice.Holding h = actor.any();
    return h != null
            && h.isHandle()
            && h.isAlive()
            && h.closeAsked.get() == 0
            && h.cells.foreign == null
            && !h.cells.byAddress
            && h.at == null
            && h.frozen != null
            && actor.holdings.remove(h)
        ? h
        : null;
  }

  private void close(MaliceTensors actor, Malice.Holding h) {
    h.closeAsked.incrementAndGet();
    for (int tries = 0; tries < 9; tries++) {
      Throwable thrown = actor.call("close", h, ((SharedTensor) h.real)::close);
      if (thrown == null) {
        return; // else a guard refused
      }
    }
    actor.unfinished.add((SharedTensor) h.real);
  }

  private void share(MaliceTensors actor, Malice.Holding h) {
    Malice.Holding place = actor.place();
    if (place != null) {
      place.cells = h.cells;
      place.frozen = h.frozen;
      boolean trying = actor.random.nextBoolean();
      actor.call(
          trying ? "tryShare" : "share",
          h,
          () -> place.real = trying ? h.real.tryShare() : h.real.share());
      if (actor.isFilled(place)) {
        actor.check(place);
      }
    }
  }

  private void mutable(MaliceTensors actor, Malice.Holding h) {
    Malice.Context ctx = actor.anyContext();
    Malice.Holding place = ctx == null ? null : actor.place();
    if (place == null) {
      return;
    }
    h.closeAsked.incrementAndGet();
    place.cells = new Malice.Cells(null, null);
    Throwable thrown = actor.call("mutable", h, () -> place.real = h.real.mutable(ctx.real));
    if (thrown != null) {
      actor.unfinished.add((SharedTensor) h.real);
    }
    if (actor.isFilled(place)) {
      if (place.real.start() == h.real.start()) {
        place.cells = h.cells;
      }
      place.cells.bits = actor.read(place);
      if (h.closeAsked.get() == 1) {
        actor.compare(place, h.frozen, place.cells.bits);
      }
    }
  }

  private void read(MaliceTensors actor, Malice.Holding h) {
    long[][] actual = new long[1][];
    Throwable thrown = actor.call("toLongArray", h, () -> actual[0] = h.real.toLongArray());
    if (h.closeAsked.get() > 0) {
      return;
    }
    if (thrown == null) {
      actor.compare(h, h.frozen, actual[0]);
    } else if (thrown instanceof IllegalStateException) {
      actor.violated(h.real + " cannot be read, and nobody ended it");
    }
  }

  /** Ends all that is left. */
  void clear(MaliceTensors actor) {
    for (int at = 0; at < PLACES; at++) {
      Malice.Holding h = places.getAndSet(at, null);
      if (h != null) {
        close(actor, h);
      }
    }
  }
}
