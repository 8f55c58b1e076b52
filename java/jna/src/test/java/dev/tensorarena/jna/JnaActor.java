package dev.tensorarena.jna;

import com.sun.jna.Pointer;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.MaliceThread;
import dev.tensorarena.OpenResource;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import dev.tensorarena.jna.JnaThings.Began;
import dev.tensorarena.jna.JnaThings.Cells;
import dev.tensorarena.jna.JnaThings.Handle;
import dev.tensorarena.jna.JnaThings.Item;
import dev.tensorarena.jna.JnaThings.Meanwhile;
import dev.tensorarena.jna.JnaThings.Pinned;
import dev.tensorarena.jna.JnaThings.Place;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A thread of a {@link JnaMaliceTest}. */
final class JnaActor extends MaliceThread {
  private static final int MAX_ARENAS = 4;
  private static final int MAX_ITEMS = 40;
  private static final int MAX_HOLDS = 8;

  private final Meanwhile meanwhile = this::actAFewTimes;
  private final JnaMaliceTest.Shared shared;
  private final List<Place> places = new ArrayList<>();
  private final List<AutoCloseable> unfinished = new ArrayList<>();
  private final List<Item> items = new ArrayList<>();
  private final List<Pinned> pins = new ArrayList<>();
  private final List<Handle> handles = new ArrayList<>();

  JnaActor(JnaMaliceTest.Shared shared, long seed) {
    super(shared.program, seed);
    this.shared = shared;
  }

  @Override
  protected void finish() {
    items.forEach(this::check);
    pins.forEach(this::check);
    handles.forEach(this::check);
    for (Place place : places) {
      finish(place.owner());
    }
    unfinished.forEach(this::finish);
    pins.forEach(this::check); // they outlive the arenas
    handles.forEach(this::check);
    pins.forEach(pin -> finish(pin.real()));
    handles.forEach(handle -> finish(handle.real()));
  }

  @Override
  protected void step() {
    check(any(items));
    check(any(pins));
    check(any(handles));
    Place place = any(places);
    if (place == null || random.nextInt(60) == 0 && places.size() < MAX_ARENAS) {
      open();
      return;
    }
    switch (random.nextInt(32)) {
      case 0, 1 -> begin(place);
      case 2, 3, 4 -> end(place, any(place.begun));
      case 5 -> endAll(place);
      case 6, 7, 8, 9, 10 -> allocate(place);
      case 11, 12 -> allocateInJava(place, anyLength());
      case 13, 14, 15, 16 -> write(any(items));
      case 17, 18 -> pin(place, any(items));
      case 19, 20 -> usePin(any(pins));
      case 21, 22 -> share(any(items));
      case 23, 24 -> useHandle(any(handles), place);
      case 25 -> takeHandedOn();
      case 26 -> track(place);
      case 27 -> ask(place);
      case 28 -> useOthers();
      default -> callC(any(items), any(handles));
    }
  }

  /** What C calls back: enough to end bytes, and to allocate them anew. */
  private void actAFewTimes() {
    for (int i = 0; i < 8; i++) {
      act();
    }
  }

  // ---- arenas

  private void open() {
    if (random.nextInt(3) == 0) {
      call(() -> places.add(new Place(JnaArena.create(random.nextInt(1 << 18), 64 << 20), null)));
    } else {
      ExecutionContext ctx = ExecutionContext.withMemoryLimit(64 << 20);
      call(() -> places.add(new Place(JnaArena.of(ctx), ctx)));
    }
  }

  private void begin(Place place) {
    if (place.begun.size() >= 10) {
      return;
    }
    int time = ++place.time;
    boolean marks = place.ctx == null || random.nextBoolean();
    call(
        () ->
            place.begun.add(
                marks
                    ? new Began(place.arena.mark(), null, time)
                    : new Began(null, place.ctx.scope(), time)));
  }

  private void end(Place place, Began began) {
    if (began == null || !began.isOpen()) {
      return;
    }
    if (began.scope() != null) {
      long cursor = place.cursor();
      end(place, began.time(), began.scope()::close);
      if (random.nextBoolean()) {
        allocateInJava(place, place.floatsUpTo(cursor));
      }
      return;
    }
    boolean isJavas =
        items.stream()
            .anyMatch(
                item ->
                    item.isJavas
                        && item.place == place
                        && item.time >= began.time()
                        && item.isAlive());
    boolean rewound =
        end(
            place,
            began.time(),
            () -> {
              if (place.arena.rewind(began.mark()) != Status.OK) {
                throw new IllegalStateException("refused");
              }
            });
    if (rewound && isJavas) {
      violated("a rewind ended what Java has allocated");
    }
  }

  private void endAll(Place place) {
    if (random.nextInt(4) > 0) {
      return;
    }
    boolean closes = random.nextInt(3) == 0;
    OpenResource owner = place.owner();
    boolean ended =
        end(
            place,
            0,
            () -> {
              if (closes) {
                owner.close();
              } else if (place.ctx == null) {
                place.arena.reset();
              } else {
                place.ctx.reset();
              }
            });
    if (!owner.isOpen()) {
      places.remove(place);
      if (!ended) {
        unfinished.add(owner);
      }
    }
  }

  /** Calls what ends all that was made in an arena since some time. */
  private boolean end(Place place, int time, Body body) {
    List<Item> asked = new ArrayList<>();
    for (Item item : items) {
      if (item.place == place && item.time >= time && !item.endAsked) {
        item.endAsked = true;
        asked.add(item);
      }
    }
    place.ending++;
    boolean ended = call(body);
    place.ending--;
    if (place.ending > 0) {
      return ended;
    }
    for (Item item : asked) {
      if (!ended && item.isAlive()) {
        item.endAsked = false; // it was refused
      } else if (ended && item.isAlive()) {
        violated("bytes can be used, and have ended");
      }
    }
    items.removeIf(item -> item.endAsked && !item.isAlive());
    place.begun.removeIf(began -> !began.isOpen());
    return ended;
  }

  private int anyLength() {
    return 1 + random.nextInt(random.nextInt(20) == 0 ? 60_000 : 60);
  }

  private float[] anyContents(int length) {
    float[] contents = new float[length];
    for (int i = 0; i < length; i++) {
      contents[i] = random.nextInt(1000);
    }
    return contents;
  }

  private void allocate(Place place) {
    float[] contents = anyContents(anyLength());
    int alignment = 4 << random.nextInt(8);
    call(
        () -> {
          Pointer made = place.arena.allocate(4L * contents.length, alignment);
          if (made == null) {
            return; // refused
          }
          if (Pointer.nativeValue(made) % alignment != 0) {
            violated("bytes are not aligned to " + alignment);
          }
          made.write(0, contents, 0, contents.length);
          add(new Item(made, null, new Cells(contents), place, ++place.time));
        });
  }

  private void allocateInJava(Place place, int length) {
    if (place.ctx == null || length <= 0) {
      return;
    }
    float[] contents = anyContents(length);
    call(
        () -> {
          Tensor made = place.ctx.allocSlice(contents);
          Pointer pointer = TensorPointer.of(made);
          Item item = new Item(pointer, made, new Cells(contents), place, ++place.time);
          item.isJavas = true;
          add(item);
        });
  }

  private void add(Item item) {
    long start = Pointer.nativeValue(item.pointer);
    for (Item other : items) {
      if (other.isAlive() && JnaThings.overlap(other.pointer, other.cells, start, item.cells)) {
        violated("new bytes lie over those of another");
      }
    }
    for (Pinned pin : pins) {
      if (pin.real().isOpen()
          && JnaThings.overlap(pin.real().bytes(), pin.cells(), start, item.cells)) {
        violated("new bytes lie over those of a pin");
      }
    }
    if (items.size() >= MAX_ITEMS) {
      items.remove(random.nextInt(items.size()));
    }
    item.endAsked = item.place.ending > 0;
    items.add(item);
  }

  private void ask(Place place) {
    switch (random.nextInt(5)) {
      case 0 -> call(place.arena::stats);
      case 1 -> call(place.arena::cursor);
      case 2 -> call(() -> place.arena.reserve(random.nextInt(1 << 20), 64));
      case 3 -> call(() -> place.arena.setLimit(64 << 20));
      default -> {
        shared.arena.set(place.arena);
        call(place.arena::charged);
      }
    }
  }

  private void useOthers() {
    JnaArena arena = shared.arena.get();
    if (arena != null && places.stream().noneMatch(place -> place.arena == arena)) {
      boolean used =
          switch (random.nextInt(4)) {
            case 0 -> call(() -> arena.allocate(8, 8));
            case 1 -> call(arena::mark);
            case 2 -> call(arena::cursor);
            default -> call(() -> arena.pin(Pointer.createConstant(arena.hashCode()), 8));
          };
      if (used) {
        violated("an arena was used that is another thread's, or closed");
      }
    }
  }

  /** What ends with a scope of Java's, and throws. */
  private void track(Place place) {
    if (place.ctx != null) {
      call(() -> place.ctx.track(MaliceThread::strike));
    }
  }

  // ---- bytes

  private void check(Item item) {
    if (item == null) {
      return;
    }
    if (item.isAlive()) {
      compare(item.pointer.getFloatArray(0, item.cells.contents.length), item.cells);
    } else if (!item.endAsked) {
      violated("bytes have ended, and nobody ended them");
    }
  }

  private void check(Pinned pin) {
    if (pin != null && pin.real().isOpen()) {
      compare(pin.real().bytes().getFloatArray(0, pin.cells().contents.length), pin.cells());
    }
  }

  private void check(Handle handle) {
    if (handle != null && handle.real().isOpen()) {
      compare(handle.real().toFloatArray(), handle.cells());
    }
  }

  private void compare(float[] is, Cells cells) {
    float[] expected = cells.contents;
    int at = Arrays.mismatch(is, expected);
    if (at >= 0) {
      violated(is[at] + " instead of " + expected[at] + " at " + at);
    }
  }

  private void write(Item item) {
    if (item == null) {
      return;
    }
    float[] contents = item.cells.contents.clone();
    int at = random.nextInt(contents.length);
    contents[at] = random.nextInt(1000);
    boolean isOver = random.nextInt(8) == 0;
    if (item.cells.isFrozen && !item.cells.isShared && !isOver) {
      return; // nothing prevents it, and others read it
    }
    boolean written =
        call(() -> item.pointer.setFloat(isOver ? 4L * contents.length : 4L * at, contents[at]));
    if (written) {
      item.cells.contents = contents;
      if (isOver) {
        violated("a float was written behind the end");
      } else if (item.cells.isShared) {
        violated("frozen bytes were written");
      }
    }
  }

  /** Gives bytes to C, which reads them after Java has done something. */
  private void callC(Item item, Handle handle) {
    Cells cells = item != null ? item.cells : handle != null ? handle.cells() : null;
    if (cells == null || item != null && !item.isAlive()) {
      return;
    }
    int length = cells.contents.length;
    double[] sum = new double[1];
    boolean called =
        call(
            () ->
                sum[0] =
                    item == null
                        ? JnaThings.C.client_call_back_and_sum(handle.real(), length, meanwhile)
                        : JnaThings.C.client_call_back_and_sum(item.pointer, length, meanwhile));
    // Bytes that JNA has allocated are not held for C.
    boolean isHeld = item == null || item.tensor != null || item.isAlive();
    double expected = cells.sum();
    if (called && isHeld && sum[0] != expected) {
      violated("C reads a sum of " + sum[0] + ", not " + expected);
    }
  }

  // ---- pins and handles

  private void pin(Place place, Item item) {
    if (item == null || pins.size() >= MAX_HOLDS) {
      close(any(pins));
      return;
    }
    call(
        () -> {
          ChunkPin pin = place.arena.pin(item.pointer, 4L * item.cells.contents.length);
          if (pin != null) {
            pins.add(new Pinned(pin, item.cells));
          } else if (item.place == place && item.tensor == null) {
            violated("bytes that are alive cannot be pinned");
          }
        });
  }

  private void usePin(Pinned pin) {
    if (pin == null) {
      return;
    }
    int which = random.nextInt(4);
    Cells cells = pin.cells();
    if (which == 0) {
      close(pin);
    } else if (which == 1) {
      call(() -> pins.add(new Pinned(pin.real().retain(), cells)));
    } else if (which == 2) {
      cells.isFrozen = true;
      if (shared.pins.offer(pin)) {
        pins.remove(pin);
      }
    } else {
      call(pin.real()::handle);
    }
  }

  private void close(Pinned pin) {
    if (pin != null) {
      call(pin.real()::close);
      pins.remove(pin);
    }
  }

  private void share(Item item) {
    if (item == null || item.tensor == null || handles.size() >= MAX_HOLDS) {
      close(any(handles));
      return;
    }
    call(
        () -> {
          SharedTensor handle = item.tensor.share();
          item.cells.isFrozen = true;
          item.cells.isShared = true;
          handles.add(new Handle(handle, item.cells));
        });
  }

  private void useHandle(Handle handle, Place place) {
    if (handle == null) {
      return;
    }
    int which = random.nextInt(4);
    if (which == 0) {
      close(handle);
    } else if (which == 1) {
      handles.remove(handle);
      if (!shared.handles.offer(handle)) {
        handles.add(handle);
      }
    } else if (which == 2 && place.ctx != null) {
      mutable(handle, place);
    } else {
      call(() -> handle.real().track(MaliceThread::strike));
    }
  }

  private void mutable(Handle handle, Place place) {
    handles.remove(handle);
    float[] contents = handle.cells().contents.clone();
    contents[0] = random.nextInt(1000);
    int time = ++place.time; // what the handle tracks may begin scopes when the tensor is made
    boolean taken =
        call(
            () -> {
              Tensor mine = handle.real().mutable(place.ctx);
              mine.setFloatAt(0, contents[0]);
              add(new Item(TensorPointer.of(mine), mine, new Cells(contents), place, time));
            });
    if (!taken) {
      unfinished.add(handle.real());
    }
  }

  private void close(Handle handle) {
    if (handle != null) {
      handles.remove(handle); // first: what it tracks must not hand it on
      if (!call(handle.real()::close)) {
        unfinished.add(handle.real());
      }
    }
  }

  private void takeHandedOn() {
    Pinned pin = shared.pins.poll();
    if (pin != null) {
      pins.add(pin);
      check(pin);
    }
    Handle handle = shared.handles.poll();
    if (handle != null) {
      handles.add(handle);
      check(handle);
    }
  }
}
