package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Contexts that move from thread to thread, and their ends, on whichever they are then. */
abstract class ModelMoves extends ModelParts {
  private final List<Model.Context> inTransit = new ArrayList<>();

  ModelMoves(Random random) {
    super(random);
  }

  final void closeContext(Model.Context ctx) throws Exception {
    if (ctx.open && ctx.owner != actor) {
      if (ctx.from == actor) {
        ctx.real.close(); // which has no right to, and says nothing
      } else {
        refused(ISE, () -> run(ctx.real::close));
      }
      return;
    }
    ending(ctx.open ? rootOf(ctx) : null, ctx.real::close);
    ctx.open = false;
  }

  /** Detaches a context, attaches one that is in transit, or closes that. */
  final void move(Model.Context ctx) throws Exception {
    if (ctx.owner != Model.Context.NOBODY) {
      if (ctx.moving != null) {
        refused(ISE, ctx.moving::attach);
        ctx.moving.close(); // does nothing
      }
      if (!isUsable(ctx)) {
        refused(ISE, ctx.real::detach);
        return;
      }
      ctx.moving = ctx.real.detach();
      ctx.from = actor;
      ctx.owner = Model.Context.NOBODY;
      inTransit.add(ctx);
    }
    if (random.nextInt(3) == 0) {
      settle(inTransit.remove(random.nextInt(inTransit.size())), random.nextInt(4) == 0);
    }
  }

  private void settle(Model.Context ctx, boolean closes) throws Exception {
    refused(ISE, ctx.real::detach);
    if (closes) {
      ctx.owner = actor; // while it closes
      ending(rootOf(ctx), ctx.moving::close);
      ctx.open = false;
    } else if (random.nextBoolean() || !isAdopted(ctx, anyContext())) {
      assertSame(ctx.real, ctx.moving.attach());
      ctx.owner = actor;
    }
  }

  /** Has a context adopt one that is in transit; returns whether it could. */
  private boolean isAdopted(Model.Context child, Model.Context ctx) throws Exception {
    if (!isUsable(ctx) || child.lent) {
      refused(ISE, () -> run(() -> ctx.real.adopt(child.moving)));
      return false;
    }
    long both = child.real.memoryUsage() + ctx.real.memoryUsage();
    if (ctx.limit >= 0 && both > ctx.limit) {
      refused(LIMIT, () -> run(() -> ctx.real.adopt(child.moving)));
      return false;
    }
    ctx.real.adopt(child.moving);
    assertEquals(both, ctx.real.memoryUsage());
    Model.Life into = ctx.innermost;
    ctx.innermost = child.innermost;
    for (Model.Life life = child.innermost; life != into; life = life.parent) {
      life.home = into.home;
      life.context = ctx;
      life.parent = life.parent == null ? into : life.parent;
    }
    child.open = false;
    child.owner = actor;
    return true;
  }

  final void closeContexts() throws Exception {
    while (!inTransit.isEmpty()) {
      settle(inTransit.remove(0), random.nextBoolean());
    }
    for (Model.Context ctx : contexts) {
      closeContext(ctx);
    }
  }
}
