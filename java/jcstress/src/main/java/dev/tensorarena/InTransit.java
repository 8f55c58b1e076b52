package dev.tensorarena;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * A detached context that several threads want, of which one gets it. It has no memory yet: states
 * that wait for their actors would be counted as leaks.
 */
class InTransit {
  /** How often what the context tracks was closed. */
  final AtomicInteger closed = new AtomicInteger();

  final DetachedContext moving = detached();

  private DetachedContext detached() {
    ExecutionContext ctx = ExecutionContext.open();
    ctx.track(closed::incrementAndGet);
    return ctx.detach();
  }

  /** Adopts it in a context of this thread's; returns 1 if this thread got it. */
  final int adopt() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      ctx.allocSlice(1L);
      try {
        ctx.adopt(moving);
      } catch (IllegalStateException e) {
        return 0;
      }
      ctx.allocSlice(2L);
      return 1;
    }
  }

  /** Attaches, uses and closes it; returns 1 if this thread got it. */
  final int attach() {
    ExecutionContext ctx;
    try {
      ctx = moving.attach();
    } catch (IllegalStateException e) {
      return 0;
    }
    ctx.allocSlice(3L);
    ctx.close();
    return 1;
  }
}
