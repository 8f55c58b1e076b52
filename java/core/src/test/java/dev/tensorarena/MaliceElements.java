package dev.tensorarena;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/** What an actor does with the elements of tensors. */
abstract class MaliceElements extends MaliceActor {
  MaliceElements(MaliceProgram program, int number, long seed) {
    super(program, number, seed);
  }

  final <T> T anyOf(List<T> list) {
    return list.isEmpty() ? null : list.get(random.nextInt(list.size()));
  }

  /** Mostly one of its own, else another actor's, which refuses. */
  final Malice.Context anyContext() {
    return anyOf(random.nextInt(20) == 0 ? program.anySeenBy(this).contexts : contexts);
  }

  final Malice.Holding any() {
    Malice.Holding h = anyOf(random.nextInt(20) == 0 ? program.anySeenBy(this).holdings : holdings);
    return h == null || h.real == null ? null : h;
  }

  final long[] anyBits(int length) {
    long[] bits = new long[length];
    long first = random.nextLong();
    for (int i = 0; i < length; i++) {
      bits[i] = first + i;
    }
    return bits;
  }

  final void write(Malice.Holding h) {
    if (h == null) {
      return;
    }
    int length = h.length();
    Malice.Holding from = any();
    int way = random.nextInt(4);
    if (way == 0 && length > 0) {
      int i = random.nextInt(length);
      long value = random.nextLong();
      long[] bits = h.expected() == null ? null : h.expected().clone();
      if (bits != null) {
        bits[i] = value;
      }
      write(h, bits, () -> h.real.setLongAt(i, value));
    } else if (way == 1) {
      long value = random.nextLong();
      long[] bits = new long[length];
      Arrays.fill(bits, value);
      write(h, bits, () -> h.real.fill(value));
    } else if (way == 2 && from != null && from.length() == length && from != h) {
      writeFrom(h, from);
    } else {
      write(h, anyBits(length));
    }
  }

  private void writeFrom(Malice.Holding h, Malice.Holding from) {
    long[] base = from.base();
    write(
        h,
        from.expected(),
        () -> {
          try {
            h.real.copyFrom(from.real);
          } finally {
            if (base != from.base()) {
              h.cells.writes++; // the source was written meanwhile, so who knows what was copied
            }
          }
        });
  }

  final void write(Malice.Holding h, long[] bits) {
    write(h, bits, () -> h.real.copyFrom(bits));
  }

  final void writeAny(Malice.Holding h) {
    write(h, anyBits(h.length()));
  }

  /** Writes, after which all elements are as given, or those that were not reached as before. */
  private void write(Malice.Holding h, long[] bits, Malice.Body body) {
    Malice.Cells cells = h.cells;
    long[] before = cells.bits;
    cells.bits = null; // not known while it is written
    int write = ++cells.writes;
    Throwable thrown = call("write", h, body);
    if (thrown == null && h.isShared()) {
      violated(h.real + " was written, and is frozen");
    }
    boolean alone = cells.writes == write; // nothing that was called meanwhile wrote, too
    long[] all;
    if (!alone || before == null) {
      all = alone && thrown == null && h.at == null ? bits : null;
    } else if (thrown == null) {
      all = bits == null ? null : merged(h, before, bits);
    } else {
      all = h.isAlive() && !h.isShared() ? partly(h, before, bits) : before;
    }
    cells.bits = all;
    check(h);
  }

  private static long[] merged(Malice.Holding h, long[] before, long[] bits) {
    long[] all = before.clone();
    for (int i = 0; i < bits.length; i++) {
      all[h.place(i)] = bits[i];
    }
    return all;
  }

  /** After an error in the middle: each element is as it was or as it was to be. */
  private long[] partly(Malice.Holding h, long[] before, long[] after) {
    long[] now = before.clone();
    if (isUsable(h)) {
      quietly(
          () -> {
            for (int i = 0; i < h.length(); i++) {
              long is = h.real.getLongAt(i);
              if (after != null && is != after[i] && is != before[h.place(i)]) {
                violated(h.real + " has neither what it had nor what was written");
              }
              now[h.place(i)] = is;
            }
          });
    }
    return now;
  }

  final boolean isUsable(Malice.Holding h) {
    return h.isAlive()
        && (h.isShared() || h.real.scope.owner == this)
        && !(h.cells.foreign != null && h.cells.foreign.isGone());
  }

  final void read(Malice.Holding h, Malice.Holding other) {
    if (h == null || other == null) {
      return;
    }
    long[] base = h.base();
    long[][] actual = new long[1][];
    switch (random.nextInt(5)) {
      case 0 -> call("toLongArray", h, () -> actual[0] = h.real.toLongArray());
      case 1 -> call("mismatch", h, () -> h.real.mismatch(other.real));
      case 2 -> call("contentEquals", h, () -> h.real.contentEquals(other.real));
      case 3 -> call("toString", h, () -> Objects.requireNonNull(h.real.toString()));
      default -> call("memory", h, () -> h.real.memory());
    }
    if (actual[0] != null && base == h.base()) {
      compare(h, h.expected(), actual[0]);
    }
  }

  /** The elements of a tensor that is alive, read in quiet; else null. */
  final long[] read(Malice.Holding h) {
    long[][] bits = new long[1][];
    if (h.isAlive()) {
      quietly(() -> bits[0] = h.real.toLongArray());
    }
    return bits[0];
  }
}
