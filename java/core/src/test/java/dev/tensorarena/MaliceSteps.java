package dev.tensorarena;

/** All that an actor does: with contexts and scopes, and what it chooses next. */
final class MaliceSteps extends MaliceTensors {
  private static final int MAX_CONTEXTS = 3;
  private static final int MAX_SCOPES = 12;

  private final MaliceViews views = new MaliceViews(this);
  private final MaliceKeeping keeping = new MaliceKeeping(this);

  MaliceSteps(MaliceProgram program, int number, long seed) {
    super(program, number, seed);
  }

  @Override
  void step() {
    if (program.allAtOnce && random.nextInt(8) == 0) {
      program.shelf.meet(this);
    }
    int which = random.nextInt(1080);
    if (which < 20) {
      openContext();
    } else if (which < 26) {
      close(anyContext());
    } else if (which < 34) {
      reset(anyContext());
    } else if (which < 104) {
      openScope(anyContext());
    } else if (which < 154) {
      closeScope(anyContext());
    } else if (which < 194) {
      closeKeeping(anyContext(), any());
    } else if (which < 304) {
      allocate(anyContext());
    } else if (which < 334) {
      wrap(anyContext());
    } else if (which < 344) {
      allocateRoom(anyContext());
    } else if (which < 394) {
      views.view(any());
    } else if (which < 494) {
      share(any());
    } else if (which < 574) {
      close(any());
    } else if (which < 634) {
      mutable(any(), anyContext());
    } else if (which < 664) {
      copy(any(), anyContext());
    } else if (which < 744) {
      write(any());
    } else if (which < 824) {
      read(any(), any());
    } else if (which < 864) {
      track(anyContext(), any());
    } else if (which < 894) {
      guard(anyContext(), any());
    } else if (which < 934) {
      pin(any());
    } else if (which < 954) {
      unpin(anyOf(pins));
    } else if (which < 959) {
      tensorAt(anyContext(), any());
    } else if (which < 963) {
      MaliceRooms.allocate(this, anyContext());
    } else if (which < 968) {
      MaliceRooms.look(this);
    } else if (which < 972) {
      handOn(anyOf(pins));
    } else if (which < 976) {
      pinNatively(any(), anyContext());
    } else if (which < 980) {
      views.takeRaw(any());
    } else if (which < 985) {
      ask(anyContext());
    } else if (which < 990) {
      MaliceMoves.detach(this, anyContext());
    } else if (which < 993) {
      MaliceMoves.take(this);
    } else if (which < 1000) {
      program.shelf.use(this);
    } else if (which < 1040) {
      MaliceParts.step(this);
    } else if (which < 1055) {
      program.handOffs.step(this);
    } else if (which < 1075) {
      keeping.keepSeveral(anyContext());
    } else {
      keeping.join(anyContext());
    }
    Malice.Holding h = anyOf(holdings);
    if (h != null) {
      check(h);
    }
    if (h != null && h.real != null && !h.isAlive() && random.nextInt(8) == 0) {
      tensorAt(anyContext(), h);
    }
  }

  // ---- contexts and scopes

  private void openContext() {
    if (contexts.size() >= MAX_CONTEXTS) {
      return;
    }
    ExecutionContext.Builder builder = ExecutionContext.builder().name(getName());
    if (random.nextInt(3) == 0) {
      builder.memoryLimit(random.nextInt(200_000));
    }
    if (random.nextInt(4) == 0) {
      builder.alignment(1 << random.nextInt(9));
    }
    if (random.nextInt(8) == 0) {
      builder.capacity(random.nextInt(1 << 19));
    }
    builder.zeroOnRelease(random.nextInt(6) == 0);
    if (random.nextInt(5) == 0) {
      builder.budget(program.budgets.any(random));
    }
    ExecutionContext[] opened = new ExecutionContext[1];
    call("open", builder, () -> opened[0] = builder.open());
    if (opened[0] != null) {
      contexts.add(new Malice.Context(opened[0]));
      if (random.nextInt(8) == 0) {
        lend(contexts.get(contexts.size() - 1));
      }
    }
  }

  private void lend(Malice.Context ctx) {
    if (call("nativeHandle", ctx, ctx.real::nativeHandle) == null) {
      ctx.isLent = true;
    }
  }

  private boolean isMine(Malice.Context ctx) {
    return contexts.contains(ctx);
  }

  static Scope root(Malice.Context ctx) {
    Scope root = ctx.real.current;
    while (root.parent != null) {
      root = root.parent;
    }
    return root;
  }

  final Throwable close(Malice.Context ctx) {
    if (ctx == null) {
      return null;
    }
    if (!isMine(ctx)) {
      return call("close", ctx, ctx.real::close);
    }
    Throwable thrown = end("close", ctx, root(ctx), ctx.real::close);
    if (thrown == null && ctx.ending == 0) {
      contexts.remove(ctx);
    }
    return thrown;
  }

  private void reset(Malice.Context ctx) {
    if (ctx == null) {
      return;
    }
    if (isMine(ctx)) {
      end("reset", ctx, root(ctx), ctx.real::reset);
    } else {
      call("reset", ctx, ctx.real::reset);
    }
  }

  private void openScope(Malice.Context ctx) {
    if (ctx == null || ctx.lives.size() >= MAX_SCOPES) {
      return;
    }
    Scope[] opened = new Scope[1];
    call("scope", ctx, () -> opened[0] = ctx.real.scope());
    if (opened[0] != null) {
      ctx.lifeOf(opened[0]);
    }
  }

  private Malice.Life anyLife(Malice.Context ctx) {
    return ctx == null ? null : anyOf(ctx.lives);
  }

  private void closeScope(Malice.Context ctx) {
    Malice.Life life = anyLife(ctx);
    if (life == null || life.real.parent == null) {
      return;
    }
    if (isMine(ctx)) {
      end("close", ctx, life.real, life.real::close);
    } else {
      call("close", life, life.real::close);
    }
  }

  private void closeKeeping(Malice.Context ctx, Malice.Holding h) {
    Malice.Life life = anyLife(ctx);
    if (life == null || life.real.parent == null || h == null || !isMine(ctx)) {
      return;
    }
    Malice.Holding place = place();
    if (place == null) {
      return;
    }
    place.cells = new Malice.Cells(null, null);
    long[] base = h.base();
    // Copied before what is tracked closes: what this writes does not reach the result, which may
    // come to lie where the view began all the same.
    boolean isStrided = h.real.strides != null;
    boolean isOfIt = h.real.scope != null && h.isAlive() && isWithin(h.real.scope, life.real);
    int ends = ctx.ends;
    Throwable thrown =
        end("closeKeeping", ctx, life.real, () -> place.real = life.real.closeKeeping(h.real));
    if (isOfIt && isMischief(thrown) && life.real.owner == null && ctx.ends == ends + 1) {
      violated(h.real + " was to be kept, and was lost");
    }
    if (thrown != null && life.real.owner == null) {
      h.cells.isForgotten = true; // the stack's end may have come last
    }
    if (place.real == h.real) {
      holdings.remove(place);
    } else if (!isFilled(place)) {
      h.cells.isForgotten |= place.real != null; // it lives in a context that others have by now
    } else {
      if (isOver(place, h) && !isStrided) {
        place.cells = h.cells;
        place.at = h.at;
        check(place);
      } else {
        checkAlone(place);
        place.cells.bits = copied(place, base, h);
      }
    }
  }

  // ---- what ends with them

  private void track(Malice.Context ctx, Malice.Holding h) {
    if (random.nextInt(4) == 0) {
      trackHandle(h, any());
      return;
    }
    MaliceCode.Resource resource = new MaliceCode.Resource();
    Throwable thrown;
    boolean mayBeLost = false;
    Malice.Life life = anyLife(ctx);
    if (life != null && random.nextBoolean()) {
      thrown = call("track", life, () -> life.real.track(resource));
    } else if (h != null) {
      thrown = call("track", h, () -> h.real.track(resource));
      mayBeLost = mayBeOthers(h);
    } else {
      return;
    }
    if (thrown == null && !mayBeLost) {
      program.tracked(resource);
    }
  }

  /**
   * Whether another thread may close the handle at this moment: what is tracked beside that is not
   * promised to be closed.
   */
  private boolean mayBeOthers(Malice.Holding h) {
    return program.allAtOnce && h.isShared();
  }

  /** A handle or a pin that ends with another tensor. */
  private void trackHandle(Malice.Holding h, Malice.Holding with) {
    Malice.Pin pin = anyOf(pins);
    if (with == null) {
      return;
    }
    if (pin != null && pin.real != null && pin.holds() && random.nextInt(4) == 0) {
      pin.closeAsked = true;
      call("track a pin", with, () -> with.real.track(pin.real));
    } else if (h != null && h.real instanceof SharedTensor handle) {
      h.closeAsked.incrementAndGet(); // for good
      call("track a handle", with, () -> with.real.track(handle));
    }
  }

  private void guard(Malice.Context ctx, Malice.Holding h) {
    MaliceCode.Refusing[] made = new MaliceCode.Refusing[1];
    boolean mayBeLost = h != null && mayBeOthers(h);
    Malice.Life life = anyLife(ctx);
    boolean first = random.nextBoolean();
    if (life != null && random.nextBoolean()) {
      call(
          "guard",
          life,
          () ->
              made[0] =
                  first
                      ? life.real.guard(MaliceCode.FirstGuard.class, MaliceCode::firstGuard)
                      : life.real.guard(MaliceCode.SecondGuard.class, MaliceCode::secondGuard));
    } else if (h != null) {
      call(
          "guard",
          h,
          () ->
              made[0] =
                  first
                      ? h.real.guard(MaliceCode.FirstGuard.class, MaliceCode::firstGuard)
                      : h.real.guard(MaliceCode.SecondGuard.class, MaliceCode::secondGuard));
    }
    if (made[0] != null && !mayBeLost) {
      program.guarded(made[0]);
    }
  }

  private void pinNatively(Malice.Holding h, Malice.Context ctx) {
    if (random.nextInt(3) > 0) {
      MaliceNatives.retain(this, anyOf(pins));
    } else if (h != null && ctx != null) {
      MaliceNatives.pin(this, h, ctx);
    }
  }

  private void ask(Malice.Context ctx) {
    if (ctx == null) {
      return;
    }
    switch (random.nextInt(8)) {
      case 0 -> call("arenaStats", ctx, ctx.real::arenaStats);
      case 1 -> call("memoryUsage", ctx, ctx.real::memoryUsage);
      case 2 ->
          call("checkAllocation", ctx, () -> ctx.real.checkAllocation(random.nextInt(100_000)));
      case 3 -> lend(ctx);
      case 4 -> program.limitPool(random);
      case 5 -> ChunkPool.retainedLimit(random.nextInt(2) * MaliceProgram.RETAINED_LIMIT);
      case 6 -> call("budgets", null, () -> program.budgets.meddle(random, program.edges != null));
      default -> call("trim", null, ChunkPool::trim);
    }
  }

  // ---- at last

  /** Closes the contexts; they must close, whatever happened to them. */
  void closeContexts() {
    quietly(() -> contexts.removeIf(this::isClosed));
  }

  /** Closes the contexts of an actor whose thread has ended. */
  void closeContextsOf(MaliceActor ended) {
    quietly(() -> ended.contexts.removeIf(this::isClosed));
  }

  private boolean isClosed(Malice.Context ctx) {
    Throwable thrown = end("close", ctx, root(ctx), ctx.real::close);
    if (thrown != null && (program.edges != null || isEarlierFailure(thrown))) {
      thrown = end("close", ctx, root(ctx), ctx.real::close); // all is told now
    }
    if (thrown != null) {
      program.report(new AssertionError(ctx.real + " cannot be closed", thrown));
    }
    return thrown == null;
  }

  /** Whether it is what a resource threw before a guard refused an end: this one completes. */
  private boolean isEarlierFailure(Throwable thrown) {
    return isMischief(thrown) || isMischief(thrown.getCause());
  }

  /** What native code holds outlives all that Java held. */
  void releaseNatives() {
    quietly(
        () -> {
          for (Malice.Pin pin : pins.toArray(Malice.Pin[]::new)) {
            unpin(pin);
          }
        });
  }

  void closeHandles() {
    quietly(
        () -> {
          MaliceParts.closeAll(this);
          for (Malice.Holding h : holdings) {
            close(h);
          }
          for (Malice.Pin pin : pins.toArray(Malice.Pin[]::new)) {
            if (pin.real != null) {
              unpin(pin);
            }
          }
          for (AutoCloseable again : unfinished) {
            call("close again", again, again::close);
          }
        });
  }
}
