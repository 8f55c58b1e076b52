package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random programs on two contexts against plain arrays: what each tensor must contain, which are
 * dead, which are frozen, and so which calls must throw.
 */
class RandomProgramTest {
  /** The values of an allocation, as all its handles and views must show them. */
  private static final class Bytes {
    final float[] values;
    boolean shared;
    Entry writer;

    Bytes(float[] values) {
      this.values = values;
    }
  }

  /** An open scope, or a closed one. */
  private static final class Mark {
    final Scope scope;
    final Mark parent;
    boolean open = true;

    Mark(Scope scope, Mark parent) {
      this.scope = scope;
      this.parent = parent;
    }
  }

  /** A handle and what is known about it. */
  private static final class Entry {
    final Tensor tensor;
    final Bytes bytes;
    final int from;
    final int length;

    /** Where it lives; null for shared handles and views of them. */
    final Mark mark;

    /** The handle that it is a view of, or itself. */
    final Entry origin;

    boolean closed;

    Entry(Tensor tensor, Bytes bytes, int from, int length, Mark mark, Entry origin) {
      this.tensor = tensor;
      this.bytes = bytes;
      this.from = from;
      this.length = length;
      this.mark = mark;
      this.origin = origin == null ? this : origin;
    }

    boolean isAlive() {
      return mark != null ? mark.open : !origin.closed;
    }

    boolean isWritable() {
      return !bytes.shared || bytes.writer == origin;
    }

    float[] values() {
      return Arrays.copyOfRange(bytes.values, from, from + length);
    }
  }

  private final ExecutionContext[] contexts = {ExecutionContext.open(), ExecutionContext.open()};
  private final Mark[] marks = {new Mark(null, null), new Mark(null, null)};
  private final List<Entry> entries = new ArrayList<>();
  private Random random;

  static IntStream seeds() {
    return IntStream.range(0, 100);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void everyTensorIsWhatThePlainArraysSay(int seed) {
    random = new Random(seed);
    for (int step = 0; step < 300; step++) {
      step();
      check(any());
    }
    entries.forEach(this::check);
    for (int i = 0; i < 2; i++) {
      contexts[i].close();
      for (Mark mark = marks[i]; mark != null; mark = mark.parent) {
        mark.open = false;
      }
    }
    entries.forEach(this::check);
    for (Entry entry : entries) {
      if (entry.tensor instanceof SharedTensor) {
        ((SharedTensor) entry.tensor).close();
      }
    }
  }

  private Entry any() {
    if (entries.isEmpty()) {
      allocate();
    }
    // The newest mostly: the old ones are dead.
    int back = Math.min(entries.size(), 1 + random.nextInt(random.nextInt(3) == 0 ? 100 : 10));
    return entries.get(entries.size() - back);
  }

  private void step() {
    int which = random.nextInt(28);
    int c = random.nextInt(2);
    if (which < 5) {
      allocate();
    } else if (which < 8) {
      marks[c] = new Mark(contexts[c].scope(), marks[c]);
    } else if (which < 10 && marks[c].parent != null) {
      Mark mark = pickMark(c);
      mark.scope.close();
      end(c, mark);
    } else if (which < 12 && marks[c].parent != null) {
      closeKeeping(c);
    } else if (which == 12 && random.nextInt(6) == 0) {
      contexts[c].reset();
      while (marks[c].parent != null) {
        end(c, marks[c]);
      }
      marks[c].open = false;
      marks[c] = new Mark(null, null);
    } else if (which < 16) {
      share(any());
    } else if (which < 19) {
      release(any());
    } else if (which < 21) {
      mutable(any(), c);
    } else if (which < 23) {
      slice(any());
    } else if (which < 24) {
      copy(any(), c);
    } else {
      write(any());
    }
  }

  private void allocate() {
    int c = random.nextInt(2);
    int length = 1 + random.nextInt(random.nextInt(20) == 0 ? 40_000 : 40);
    float[] values = new float[length];
    float first = random.nextInt(1 << 20);
    for (int i = 0; i < length; i++) {
      values[i] = first + i;
    }
    add(contexts[c].allocSlice(values), new Bytes(values), 0, length, marks[c], null);
  }

  private Entry add(Tensor tensor, Bytes bytes, int from, int length, Mark mark, Entry origin) {
    Entry entry = new Entry(tensor, bytes, from, length, mark, origin);
    entries.add(entry);
    return entry;
  }

  private Mark pickMark(int c) {
    Mark mark = marks[c];
    while (mark.parent.parent != null && random.nextInt(3) == 0) {
      mark = mark.parent;
    }
    return mark;
  }

  private void end(int c, Mark outermost) {
    for (boolean done = false; !done; ) {
      done = marks[c] == outermost;
      marks[c].open = false;
      marks[c] = marks[c].parent;
    }
  }

  private void closeKeeping(int c) {
    Mark mark = pickMark(c);
    Entry result = any();
    if (!result.isAlive()) {
      assertThrows(IllegalStateException.class, () -> mark.scope.closeKeeping(result.tensor));
      return;
    }
    boolean ends = false;
    for (Mark outer = result.mark; outer != null; outer = outer.parent) {
      ends |= outer == mark;
    }
    Tensor kept = mark.scope.closeKeeping(result.tensor);
    end(c, mark);
    if (ends) {
      add(kept, new Bytes(result.values()), 0, result.length, marks[c], null);
      assertTrue(kept.isWritable());
    } else {
      assertSame(result.tensor, kept);
    }
  }

  private void share(Entry entry) {
    if (!entry.isAlive()) {
      assertThrows(IllegalStateException.class, entry.tensor::share);
      assertNull(entry.tensor.tryShare());
      return;
    }
    SharedTensor shared = random.nextBoolean() ? entry.tensor.share() : entry.tensor.tryShare();
    entry.bytes.shared = true;
    entry.bytes.writer = null;
    add(shared, entry.bytes, entry.from, entry.length, null, null);
  }

  private void release(Entry entry) {
    if (entry.tensor instanceof SharedTensor) {
      ((SharedTensor) entry.tensor).close();
      entry.closed = true;
    }
  }

  private void mutable(Entry entry, int c) {
    if (!entry.isAlive()) {
      assertThrows(IllegalStateException.class, () -> entry.tensor.mutable(contexts[c]));
      return;
    }
    long address = entry.tensor.address();
    float[] values = entry.values();
    Tensor writable = entry.tensor.mutable(contexts[c]);
    assertTrue(writable.isWritable());
    if (writable == entry.tensor) {
      assertTrue(entry.isWritable());
      return;
    }
    if (entry.tensor instanceof SharedTensor) {
      entry.closed = true;
    }
    boolean same = writable.address() == address;
    if (same) {
      for (Entry other : entries) {
        boolean holds = other.tensor instanceof SharedTensor && !other.closed;
        assertFalse(holds && other.bytes == entry.bytes, "somebody else holds the bytes");
      }
    }
    Mark mark = entry.mark != null && same ? entry.mark : marks[c];
    Bytes bytes = same ? entry.bytes : new Bytes(values);
    int from = same ? entry.from : 0;
    bytes.writer = add(writable, bytes, from, entry.length, mark, null);
  }

  private void slice(Entry entry) {
    int from = random.nextInt(entry.length);
    int to = from + 1 + random.nextInt(entry.length - from);
    if (!entry.isAlive()) {
      assertThrows(IllegalStateException.class, () -> entry.tensor.slice(0, from, to));
      return;
    }
    Tensor view = entry.tensor.slice(0, from, to);
    add(view, entry.bytes, entry.from + from, to - from, entry.mark, entry.origin);
  }

  private void copy(Entry entry, int c) {
    if (!entry.isAlive()) {
      assertThrows(IllegalStateException.class, () -> entry.tensor.copy(contexts[c]));
      return;
    }
    Tensor copy = entry.tensor.copy(contexts[c]);
    assertTrue(copy.contentEquals(entry.tensor));
    add(copy, new Bytes(entry.values()), 0, entry.length, marks[c], null);
  }

  private void write(Entry entry) {
    float value = random.nextInt(1 << 20);
    if (!entry.isAlive() || !entry.isWritable()) {
      assertThrows(IllegalStateException.class, () -> entry.tensor.fill(value));
      assertThrows(IllegalStateException.class, () -> entry.tensor.copyFrom(entry.values()));
    } else {
      int at = random.nextInt(entry.length);
      entry.tensor.setFloatAt(at, value);
      entry.bytes.values[entry.from + at] = value;
      entry.tensor.asFloatBuffer().put(0, value + 1);
      entry.bytes.values[entry.from] = value + 1;
    }
  }

  private void check(Entry entry) {
    assertEquals(entry.isAlive(), entry.tensor.isAlive());
    if (entry.isAlive()) {
      assertEquals(entry.isWritable(), entry.tensor.isWritable());
      assertArrayEquals(entry.values(), entry.tensor.toFloatArray());
    } else {
      assertThrows(IllegalStateException.class, entry.tensor::toFloatArray);
    }
  }
}
