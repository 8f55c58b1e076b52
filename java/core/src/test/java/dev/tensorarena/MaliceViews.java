package dev.tensorarena;

import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** The views that an actor makes of tensors: such as are tensors, and raw ones. */
final class MaliceViews {
  private static final int MAX_RAW_VIEWS = 8;

  private final MaliceTensors actor;

  /** Of arenas, whose memory is never unmapped: they may be read for ever. */
  private final List<LongBuffer> rawViews = new ArrayList<>();

  MaliceViews(MaliceTensors actor) {
    this.actor = actor;
  }

  void view(Malice.Holding h) {
    Malice.Holding place = h == null ? null : actor.place();
    if (place == null) {
      return;
    }
    place.cells = h.cells;
    place.origin = h.origin;
    Shape shape = h.real.shape;
    int way = actor.random.nextInt(4);
    if (shape.rank() == 1 && way < 2) {
      slice(place, h, h.length());
    } else if (shape.rank() == 2 && way == 0) {
      transpose(place, h, (int) shape.dim(0), (int) shape.dim(1));
    } else if (shape.rank() == 2 && way == 1 && shape.dim(0) > 0) {
      select(place, h, (int) shape.dim(0), (int) shape.dim(1));
    } else {
      reshape(place, h, h.length());
    }
    actor.isFilled(place);
  }

  private void slice(Malice.Holding place, Malice.Holding h, int length) {
    int from = actor.random.nextInt(length + 1);
    int to = from + actor.random.nextInt(length - from + 1);
    place.at = IntStream.range(from, to).map(h::place).toArray();
    actor.call("slice", h, () -> place.real = h.real.slice(0, from, to));
  }

  private void transpose(Malice.Holding place, Malice.Holding h, int rows, int columns) {
    place.at =
        IntStream.range(0, rows * columns)
            .map(i -> h.place(i % rows * columns + i / rows))
            .toArray();
    actor.call("transpose", h, () -> place.real = h.real.transpose());
  }

  private void select(Malice.Holding place, Malice.Holding h, int rows, int columns) {
    int row = actor.random.nextInt(rows);
    place.at = IntStream.range(0, columns).map(i -> h.place(row * columns + i)).toArray();
    actor.call("select", h, () -> place.real = h.real.select(0, row));
  }

  private void reshape(Malice.Holding place, Malice.Holding h, int length) {
    int rows = 1 + actor.random.nextInt(3);
    Shape shape = length % rows == 0 ? Shape.of(rows, length / rows) : Shape.of(length);
    place.at = IntStream.range(0, length).map(h::place).toArray();
    actor.call("reshape", h, () -> place.real = h.real.reshape(shape));
  }

  /** Takes a raw view, and reads older ones, which may show anything. */
  void takeRaw(Malice.Holding h) {
    rawViews.forEach(
        view -> {
          for (int i = 0; i < view.capacity(); i++) {
            view.get(i);
          }
        });
    if (h == null || h.cells.foreign != null) {
      return;
    }
    LongBuffer[] taken = new LongBuffer[1];
    actor.call("asLongBuffer", h, () -> taken[0] = h.real.asLongBuffer());
    if (taken[0] == null) {
      return;
    }
    if (rawViews.size() == MAX_RAW_VIEWS) {
      rawViews.remove(0);
    }
    rawViews.add(taken[0]);
    if (actor.isUsable(h) && h.mustBeAlive()) {
      long[] seen = new long[taken[0].capacity()];
      taken[0].get(0, seen);
      actor.compare(h, h.expected(), seen);
    }
  }
}
