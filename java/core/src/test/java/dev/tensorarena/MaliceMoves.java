package dev.tensorarena;

import java.util.ArrayList;
import java.util.List;

/**
 * Contexts that go from actor to actor with the tensors that live in them, that are adopted there,
 * or that are detached and attached again in the middle of whatever call.
 */
final class MaliceMoves {
  /** How often an end of the stack or the heap may break off what must be done at last. */
  private static final int TRIES = 9;

  private MaliceMoves() {}

  /** A context in transit, with what an actor knows of it. */
  record Moving(
      Malice.Context ctx,
      DetachedContext real,
      List<Malice.Holding> holdings,
      List<Malice.Room> rooms) {}

  static void detach(MaliceSteps actor, Malice.Context ctx) {
    if (ctx == null) {
      return;
    }
    DetachedContext[] detached = new DetachedContext[1];
    actor.call("detach", ctx, () -> detached[0] = ctx.real.detach());
    if (detached[0] == null) {
      return; // refused
    }
    boolean others = actor.program.allAtOnce && (actor.isCalledBack() || !actor.pins.isEmpty());
    if (others || actor.random.nextInt(3) == 0 || !handOn(actor, ctx, detached[0])) {
      attach(actor, ctx, detached[0]);
    }
  }

  /** What lives in the context is known to the next actor alone. */
  private static boolean handOn(MaliceSteps actor, Malice.Context ctx, DetachedContext real) {
    Moving moving = new Moving(ctx, real, new ArrayList<>(), new ArrayList<>());
    for (Malice.Holding h : actor.holdings) {
      if (h.real != null && h.real.scope != null && h.real.scope.context == ctx.real) {
        moving.holdings.add(h);
      }
    }
    for (Malice.Room room : actor.rooms) {
      if (room.ctx == ctx) {
        moving.rooms.add(room);
      }
    }
    actor.holdings.removeAll(moving.holdings);
    actor.rooms.removeAll(moving.rooms);
    actor.contexts.remove(ctx);
    if (actor.program.moving.offer(moving)) {
      return true;
    }
    own(actor, moving);
    return false;
  }

  private static void own(MaliceSteps actor, Moving moved) {
    actor.contexts.add(moved.ctx);
    actor.holdings.addAll(moved.holdings);
    actor.rooms.addAll(moved.rooms);
  }

  private static void attach(MaliceSteps actor, Malice.Context ctx, DetachedContext real) {
    for (int tries = 0; real.isOpen() && tries < TRIES; tries++) {
      actor.call("attach", ctx, real::attach);
    }
    if (real.isOpen()) {
      actor.quietly(real::attach); // where no stack and no heap ends
    }
    if (ctx.real.current.owner != actor && ctx.ending == 0 && !ctx.real.isClosed()) {
      actor.violated(ctx + " was attached, and is another's");
    }
  }

  /** Has one of the actor's contexts adopt one that is in transit; returns whether it did. */
  private static boolean isAdopted(MaliceSteps actor, Moving moving) {
    Malice.Context ctx = actor.anyOf(actor.contexts);
    if (ctx == null) {
      return false;
    }
    Throwable thrown = actor.call("adopt", ctx, () -> ctx.real.adopt(moving.real));
    if (moving.real.isOpen()) {
      return false;
    }
    if (thrown != null || moving.ctx.real.isOpen()) {
      actor.violated(moving.ctx + " is neither adopted nor in transit");
    }
    if (moving.ctx.isLent) {
      actor.violated(moving.ctx + " was lent, and is adopted");
    }
    for (Malice.Life life : moving.ctx.lives) {
      life.endAsked |= ctx.ending > 0; // it may be one of what is just being ended
      ctx.lives.add(life);
    }
    for (Malice.Room room : moving.rooms) {
      room.ctx = ctx;
    }
    actor.holdings.addAll(moving.holdings);
    actor.rooms.addAll(moving.rooms);
    return true;
  }

  /** Takes over a context that is in transit, or closes it there. */
  static void take(MaliceSteps actor) {
    Moving moving = actor.program.moving.poll();
    if (moving == null) {
      return;
    }
    if (actor.random.nextInt(4) == 0) {
      Malice.Context ctx = moving.ctx;
      actor.end("close in transit", ctx, MaliceSteps.root(ctx), moving.real::close);
    }
    if (moving.real.isOpen() && actor.random.nextInt(3) == 0 && isAdopted(actor, moving)) {
      return;
    }
    if (moving.real.isOpen() || moving.ctx.real.isOpen()) {
      own(actor, moving);
      attach(actor, moving.ctx, moving.real);
    }
  }
}
