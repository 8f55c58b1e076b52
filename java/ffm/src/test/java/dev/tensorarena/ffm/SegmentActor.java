package dev.tensorarena.ffm;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.MaliceThread;
import dev.tensorarena.OpenResource;
import dev.tensorarena.Scope;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A thread of a {@link SegmentMalice}. */
final class SegmentActor extends MaliceThread {
  private static final int MAX_CONTEXTS = 2;
  private static final int MAX_LIVES = 10;
  private static final int MAX_ITEMS = 40;
  private static final int MAX_TENSORS = 16;

  /** Something that ends, and segments with it. */
  static final class Life {
    final OpenResource real;
    final Context ctx;

    /** Whether its end was ever asked for; what was taken before may be gone then. */
    boolean endAsked;

    Life(OpenResource real, Context ctx, boolean endAsked) {
      this.real = real;
      this.ctx = ctx;
      this.endAsked = endAsked;
    }

    boolean isContext() {
      return ctx != null && ctx.real == real;
    }
  }

  /** A context with what was opened in it, the innermost last. */
  private static final class Context {
    final ExecutionContext real;
    final List<Life> lives = new ArrayList<>();

    /** How many calls that end something of it are running. */
    int ending;

    Context(ExecutionContext real) {
      this.real = real;
      lives.add(new Life(real, this, false));
    }
  }

  /** A segment, and what must be in it while it is alive. */
  record Item(MemorySegment segment, long[] contents, Life life, Object bytes) {
    boolean isAlive() {
      return segment.scope().isAlive();
    }

    boolean overlaps(MemorySegment other) {
      return Math.max(segment.address(), other.address())
          < Math.min(segment.address() + segment.byteSize(), other.address() + other.byteSize());
    }
  }

  /** A tensor that nobody writes. */
  private record Holding(Tensor real, long[] contents, Life life, Object bytes) {}

  private final SegmentMalice program;
  private final List<Context> contexts = new ArrayList<>();

  /** Arenas with contexts of their own. */
  private final List<Life> own = new ArrayList<>();

  /** Closed contexts whose end an error of the program's has broken off. */
  private final List<ExecutionContext> unfinished = new ArrayList<>();

  private final List<Item> items = new ArrayList<>();
  private final List<Holding> tensors = new ArrayList<>();
  private final List<Arena> users = new ArrayList<>();

  SegmentActor(SegmentMalice program, long seed) {
    super(program.program, seed);
    this.program = program;
  }

  @Override
  protected boolean isRefusal(Throwable thrown) {
    return thrown instanceof WrongThreadException || super.isRefusal(thrown);
  }

  @Override
  protected void finish() {
    items.forEach(this::check);
    items.clear(); // what releases wrapped memory refers to this object
    contexts.forEach(ctx -> finish(ctx.real));
    unfinished.forEach(this::finish);
    for (Life arena : own) {
      if (arena.real.isOpen()) {
        finish(arena.real);
      }
    }
    for (Holding h : tensors) {
      if (h.real instanceof SharedTensor handle) {
        finish(handle);
      }
    }
    users.forEach(this::finish);
  }

  /** Calls what ends a life, and those inside it. */
  private void end(Life life, Body body) {
    Context ctx = life.ctx;
    life.endAsked = true;
    if (ctx != null) {
      int at = Math.max(0, ctx.lives.indexOf(life));
      ctx.lives.subList(at, ctx.lives.size()).forEach(inner -> inner.endAsked = true);
      ctx.ending++;
    }
    boolean ended = call(body);
    if (ended && !isCalledBack() && life.real.isOpen() && !life.isContext()) {
      violated(life.real + " is open after it was closed");
    }
    own.removeIf(arena -> !arena.real.isOpen());
    if (ctx != null) {
      ctx.ending--;
      ctx.lives.removeIf(inner -> !inner.real.isOpen());
      if (!ctx.real.isOpen()) {
        contexts.remove(ctx);
        if (!ended) {
          unfinished.add(ctx.real); // an error has kept the owners of memory from being told
        }
      } else if (ended && life.isContext()) {
        ctx.lives.set(0, new Life(ctx.real, ctx, ctx.ending > 0)); // it was reset
      }
    }
  }

  private void opened(Context ctx, OpenResource real) {
    ctx.lives.add(new Life(real, ctx, ctx.ending > 0));
  }

  // ---- steps

  @Override
  protected void step() {
    check(any(items));
    Context ctx = any(contexts);
    if (ctx == null || random.nextInt(60) == 0 && contexts.size() < MAX_CONTEXTS) {
      contexts.add(new Context(ExecutionContext.open()));
      return;
    }
    switch (random.nextInt(36)) {
      case 0, 1 -> openScope(ctx);
      case 2, 3 -> openArena(ctx);
      case 4 -> openOwnArena();
      case 5, 6 -> close(any(random.nextBoolean() ? ctx.lives : own));
      case 7 -> reset(ctx);
      case 8, 9, 10, 11, 12, 13 -> allocate(any(random.nextBoolean() ? ctx.lives : own));
      case 14, 15 -> addTensor(ctx);
      case 16, 17 -> wrap(ctx);
      case 18, 19, 20, 21 -> takeSegment(any(tensors));
      case 22, 23 -> share(any(tensors));
      case 24, 25 -> closeHandle(any(tensors));
      case 26 -> mutable(any(tensors), ctx);
      case 27 -> handOn(any(tensors));
      case 28 -> takeHandedOn();
      case 29 -> closeUsersArena();
      case 30 -> track(any(ctx.lives), any(tensors));
      case 31, 32 -> addCleanup(any(random.nextBoolean() ? ctx.lives : own));
      case 33 -> useOthers();
      default -> use(any(items));
    }
  }

  private void openScope(Context ctx) {
    if (ctx.lives.size() < MAX_LIVES) {
      call(() -> opened(ctx, ctx.real.scope()));
    }
  }

  private void openArena(Context ctx) {
    Life life = any(ctx.lives);
    if (ctx.lives.size() < MAX_LIVES) {
      call(() -> opened(ctx, ArenaAllocator.of(ctx.real)));
    } else if (life != null && life.real instanceof Scope scope) {
      call(() -> own.add(new Life(ArenaAllocator.of(scope), ctx, true))); // ends with the scope
    }
  }

  private void openOwnArena() {
    if (own.size() < MAX_LIVES) {
      call(() -> own.add(new Life(ArenaAllocator.open(), null, false)));
    }
  }

  private void close(Life life) {
    if (life != null && (!life.isContext() || random.nextInt(8) == 0)) {
      end(life, life.real::close);
    }
  }

  private void reset(Context ctx) {
    if (random.nextInt(4) == 0) {
      end(ctx.lives.get(0), ctx.real::reset);
    }
  }

  private long[] anyContents() {
    int which = random.nextInt(40);
    int length = which == 0 ? 40_000 : which < 4 ? 3000 : 1 + random.nextInt(40);
    long[] contents = new long[length];
    long first = random.nextLong();
    for (int i = 0; i < length; i++) {
      contents[i] = first + i;
    }
    return contents;
  }

  private void allocate(Life life) {
    if (life == null || !(life.real instanceof ArenaAllocator arena)) {
      return;
    }
    long[] contents = anyContents();
    boolean inOne = random.nextInt(3) == 0;
    long alignment = 1L << random.nextInt(random.nextInt(20) == 0 ? 15 : 8);
    call(
        () -> {
          MemorySegment made =
              inOne
                  ? arena.allocateFrom(JAVA_LONG, contents)
                  : arena.allocate(contents.length * 8L, alignment);
          if (!inOne) {
            for (int i = 0; i < contents.length; i++) {
              if (made.get(JAVA_LONG_UNALIGNED, i * 8L) != 0) {
                violated("a new segment is not zeroed");
              }
            }
            if (made.address() % alignment != 0) {
              violated("a new segment is not aligned to " + alignment);
            }
            MemorySegment.copy(contents, 0, made, JAVA_LONG_UNALIGNED, 0, contents.length);
          }
          addNew(new Item(made, contents, life, new Object()));
        });
  }

  private void addNew(Item item) {
    for (Item other : items) {
      if (other.isAlive() && other.bytes != item.bytes && other.overlaps(item.segment)) {
        violated("a new segment lies over one that is alive");
      }
    }
    add(item);
  }

  private void add(Item item) {
    if (items.size() >= MAX_ITEMS) {
      items.removeIf(old -> !old.isAlive());
    }
    if (items.size() >= MAX_ITEMS) {
      items.remove(random.nextInt(items.size()));
    }
    items.add(item);
    if (random.nextInt(8) == 0) {
      program.others.set(item);
    }
    check(item);
  }

  private void add(Holding h) {
    if (tensors.size() >= MAX_TENSORS) {
      tensors.removeIf(old -> !(old.real instanceof SharedTensor) && !old.life.real.isOpen());
    }
    if (tensors.size() >= MAX_TENSORS) {
      closeHandle(any(tensors));
    }
    tensors.add(h);
  }

  private Life innermost(Context ctx) {
    return ctx.lives.get(ctx.lives.size() - 1);
  }

  private void addTensor(Context ctx) {
    long[] contents = anyContents();
    Life life = innermost(ctx);
    call(() -> add(new Holding(ctx.real.allocSlice(contents), contents, life, new Object())));
  }

  private void wrap(Context ctx) {
    long[] contents = anyContents();
    Life life = innermost(ctx);
    Shape shape = Shape.of(contents.length);
    if (random.nextInt(3) == 0) {
      Arena user = random.nextBoolean() ? Arena.ofConfined() : Arena.ofShared();
      users.add(user);
      MemorySegment segment = user.allocateFrom(JAVA_LONG, contents);
      Life lent = new Life(life.real, life.ctx, true); // or the user ends it
      Body wrap =
          () ->
              add(
                  new Holding(
                      Tensors.wrap(ctx.real, segment, DType.INT64, shape),
                      contents,
                      lent,
                      segment));
      call(wrap);
      return;
    }
    SegmentMalice.Memory memory = program.new Memory(contents);
    call(
        () -> {
          Tensor made = ctx.real.wrap(memory.bytes, DType.INT64, shape, memory);
          memory.wrapped();
          add(new Holding(made, contents, life, memory));
        });
  }

  private void closeUsersArena() {
    Arena user = any(users);
    if (user != null && call(user::close)) {
      users.remove(user);
    }
  }

  private void takeSegment(Holding h) {
    if (h != null) {
      call(
          () -> {
            MemorySegment segment = Segments.of(h.real);
            addNew(new Item(segment, h.contents, h.life, h.bytes));
            if (h.real instanceof SharedTensor && !segment.isReadOnly()) {
              violated("a segment of a frozen tensor can be written");
            }
          });
    }
  }

  private void share(Holding h) {
    if (h != null) {
      call(
          () -> {
            SharedTensor handle = h.real.share();
            add(new Holding(handle, h.contents, lifeOf(handle, h.bytes), h.bytes));
          });
    }
  }

  /** A user can end his own segment, whoever has a handle. */
  private static Life lifeOf(SharedTensor handle, Object bytes) {
    return new Life(handle, null, bytes instanceof MemorySegment);
  }

  private void closeHandle(Holding h) {
    if (h != null && h.real instanceof SharedTensor handle) {
      h.life.endAsked = true;
      tensors.remove(h); // first: what it tracks must not hand it on
      if (!call(handle::close)) {
        tensors.add(h);
      }
    }
  }

  /** Other numbers in the same bytes, or in a copy. */
  private void mutable(Holding h, Context ctx) {
    // The segments of memory that the program can end itself see what is written to it.
    if (h == null || !(h.real instanceof SharedTensor) || h.bytes instanceof MemorySegment) {
      return;
    }
    long[] others = h.contents.clone();
    Arrays.fill(others, random.nextLong());
    h.life.endAsked = true;
    tensors.remove(h);
    Life life = innermost(ctx);
    boolean taken =
        call(
            () -> {
              Tensor mine = h.real.mutable(ctx.real);
              mine.copyFrom(others);
              add(new Holding(mine, others, life, h.bytes));
            });
    if (!taken) {
      tensors.add(h);
    }
  }

  private void handOn(Holding h) {
    if (h != null && h.real instanceof SharedTensor handle && tensors.contains(h)) {
      h.life.endAsked = true; // by whoever gets it
      if (program.handedOn.offer(new SegmentMalice.Handed(handle, h.contents, h.bytes))) {
        tensors.remove(h);
      }
    }
  }

  private void takeHandedOn() {
    SegmentMalice.Handed taken = program.handedOn.poll();
    if (taken != null) {
      Life life = lifeOf(taken.handle(), taken.bytes());
      add(new Holding(taken.handle(), taken.contents(), life, taken.bytes()));
    }
  }

  /** What ends with a scope or a tensor, and throws. */
  private void track(Life life, Holding h) {
    AutoCloseable striking = MaliceThread::strike;
    if (h != null && random.nextBoolean()) {
      call(() -> h.real.track(striking));
    } else if (life.real instanceof Scope scope) {
      call(() -> scope.track(striking));
    }
  }

  /** A cleanup action of the arena's, as for a segment of a library. */
  private void addCleanup(Life life) {
    if (life != null && life.real instanceof ArenaAllocator arena) {
      call(() -> MemorySegment.ofAddress(8).reinterpret(0, arena, segment -> strike()));
    }
  }

  /** A segment that a native call uses does not end meanwhile, whatever is called. */
  private void use(Item item) {
    if (item == null || !item.isAlive()) {
      return;
    }
    call(
        () ->
            NativeUse.during(
                item.segment,
                () -> {
                  act();
                  if (!item.isAlive()) {
                    violated("a segment ended that a native call was using");
                  }
                  check(item);
                }));
  }

  /** A segment that is confined to another thread. */
  private void useOthers() {
    Item item = program.others.get();
    if (item == null) {
      return;
    }
    boolean mine = item.segment.isAccessibleBy(this);
    boolean[] read = new boolean[1];
    call(
        () -> {
          item.segment.get(JAVA_LONG_UNALIGNED, 0);
          read[0] = true;
        });
    if (read[0] && !mine) {
      violated("a segment was read that is confined to another thread");
    }
  }

  private void check(Item item) {
    if (item == null) {
      return;
    }
    if (!item.isAlive()) {
      if (!item.life.endAsked) {
        violated("a segment ended, and nobody ended " + item.life.real);
      }
      return;
    }
    if (!item.segment.isAccessibleBy(this)) {
      return; // a handle of another thread's confined segment
    }
    for (int i = 0; i < item.contents.length; i++) {
      long is;
      try {
        is = item.segment.get(JAVA_LONG_UNALIGNED, i * 8L);
      } catch (IllegalStateException e) {
        return; // of a shared arena, or
      }
      if (is != item.contents[i]) {
        violated(
            String.format(
                "0x%x instead of 0x%x at %d of a segment at 0x%x",
                is, item.contents[i], i, item.segment.address()));
        return;
      }
    }
  }
}
