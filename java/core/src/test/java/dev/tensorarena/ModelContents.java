package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.Buffer;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.IntUnaryOperator;

/** The steps of a {@link ModelProgram} that write, read and compare what tensors contain. */
abstract class ModelContents extends ModelState {
  ModelContents(Random random) {
    super(random);
  }

  final void write(Model.Handle h) throws Exception {
    String type = ModelElements.javaType(h.dtype());
    int[] values = values(h.at.length);
    if (!h.isUsable(actor) || h.isFrozen()) {
      refused(ISE, () -> ModelElements.copyFrom(h.real, type, values));
      refused(ISE, () -> ModelElements.fill(h.real, 1, random.nextBoolean()));
      refused(ISE, () -> run(() -> ModelElements.write(h.real, type, 1, 0, (long[]) null)));
      return;
    }
    switch (random.nextInt(5)) {
      case 0:
        assertSame(h.real, ModelElements.copyFrom(h.real, type, values));
        set(h, i -> values[i]);
        refused(IAE, () -> ModelElements.copyFrom(h.real, type, new int[values.length + 1]));
        break;
      case 1:
        int value = random.nextInt(ModelElements.MOST);
        assertSame(h.real, ModelElements.fill(h.real, value, random.nextBoolean()));
        set(h, i -> value);
        break;
      case 2:
        copyFrom(h, isSquare(h) ? transposed(h) : any());
        break;
      default:
        if (values.length > 0) {
          writeOne(h, type, random.nextInt(values.length), values[0]);
        }
    }
  }

  private void set(Model.Handle h, IntUnaryOperator values) {
    for (int i = 0; i < h.at.length; i++) {
      h.cells.bits[h.at[i]] = ModelElements.bits(h.dtype(), values.applyAsInt(i));
    }
  }

  private void writeOne(Model.Handle h, String type, int flat, int value) {
    int way = random.nextInt(3);
    if (way == 0 && h.isContiguous()) {
      ModelElements.put(ModelElements.view(h.real), flat, ModelElements.bits(h.dtype(), value));
    } else if (way == 1) {
      ModelElements.write(h.real, type, value, 0, Model.Handle.index(h.dims, flat));
    } else {
      ModelElements.write(h.real, type, value, flat, (long[]) null);
    }
    h.cells.bits[h.at[flat]] = ModelElements.bits(h.dtype(), value);
  }

  private static boolean isSquare(Model.Handle h) {
    return h.dims.length == 2 && h.dims[0] == h.dims[1];
  }

  /** The same elements in another order: source and target of a copy overlap. */
  private Model.Handle transposed(Model.Handle h) {
    addView(h, h.real.transpose(), h.dims, index -> new long[] {index[1], index[0]});
    return handles.get(handles.size() - 1);
  }

  private void copyFrom(Model.Handle h, Model.Handle source) throws Exception {
    if (!source.isUsable(actor)) {
      refused(ISE, () -> h.real.copyFrom(source.real));
    } else if (source.dtype() != h.dtype() || !Arrays.equals(source.dims, h.dims)) {
      refused(IAE, () -> h.real.copyFrom(source.real));
    } else {
      long[] bits = source.bits(); // they may overlap
      h.real.copyFrom(source.real);
      for (int i = 0; i < bits.length; i++) {
        h.cells.bits[h.at[i]] = bits[i];
      }
    }
  }

  final void compare(Model.Handle h, Model.Handle other) throws Exception {
    if (!h.isUsable(actor) || !other.isUsable(actor)) {
      refused(ISE, () -> h.real.contentEquals(other.real));
      refused(ISE, () -> h.real.mismatch(other.real));
    } else if (h.dtype() != other.dtype() || !Arrays.equals(h.dims, other.dims)) {
      assertEquals(false, h.real.contentEquals(other.real));
      refused(IAE, () -> h.real.mismatch(other.real));
    } else {
      int at = Arrays.mismatch(h.bits(), other.bits());
      assertEquals(at, h.real.mismatch(other.real));
      assertEquals(at < 0, h.real.contentEquals(other.real));
    }
  }

  final void outOfBounds(Model.Handle h) throws Exception {
    Set<Class<? extends Throwable>> errors = h.isUsable(actor) ? IOOBE : ISE;
    String type = ModelElements.javaType(h.dtype());
    long past = random.nextBoolean() ? h.at.length : random.nextLong() | Long.MIN_VALUE;
    refused(errors, () -> ModelElements.read(h.real, type, past, (long[]) null));
    int rank = h.dims.length;
    refused(errors, () -> h.real.stride(rank));
    refused(errors, () -> h.real.select(-1, 0));
    if (rank > 0) {
      refused(errors, () -> h.real.slice(0, 1, 0));
      refused(errors, () -> h.real.slice(0, 0, h.dims[0] + 1));
      refused(errors, () -> h.real.select(0, h.dims[0]));
    }
    Set<Class<? extends Throwable>> arguments = h.isUsable(actor) ? IAE : ISE;
    refused(arguments, () -> h.real.transpose(new int[rank + 1]));
    refused(arguments, () -> ModelElements.read(h.real, type, 0, new long[rank + 1]));
    String other = type.equals("Float") ? "Int" : "Float";
    refused(arguments, () -> ModelElements.readAll(h.real, other));
  }

  final void checkAll() throws Exception {
    for (Model.Handle h : new HashSet<>(handles)) {
      check(h);
    }
  }

  /** Every handle of one allocation. */
  final void checkAll(Model.Cells cells) throws Exception {
    for (Model.Handle h : List.copyOf(handles)) {
      if (h.cells == cells) {
        check(h);
      }
    }
  }

  final void check(Model.Handle h) throws Exception {
    String type = ModelElements.javaType(h.dtype());
    assertEquals(h.isAlive(), h.real.isAlive());
    assertEquals(Shape.of(h.dims), h.real.shape());
    assertNotNull(h.real.toString());
    if (!h.isUsable(actor)) {
      refused(ISE, () -> ModelElements.readAll(h.real, type));
      refused(ISE, h.real::asByteBuffer);
      refused(ISE, h.real::size);
      return;
    }
    assertArrayEquals(h.bits(), ModelElements.readAll(h.real, type));
    assertEquals(h.at.length, h.real.size());
    assertEquals(h.isContiguous(), h.real.isContiguous());
    assertEquals(!h.isFrozen(), h.real.isWritable());
    assertTrue(h.real.address() != 0);
    if (h.at.length > 0) {
      int flat = random.nextInt(h.at.length);
      long[] index = Model.Handle.index(h.dims, flat);
      long expected = h.cells.bits[h.at[flat]];
      assertEquals(expected, ModelElements.read(h.real, type, flat, (long[]) null));
      assertEquals(expected, ModelElements.read(h.real, type, 0, index));
    }
    if (h.isContiguous()) {
      Buffer view = ModelElements.view(h.real);
      assertEquals(h.isFrozen(), view.isReadOnly());
      assertEquals(h.at.length, view.remaining());
      if (h.at.length > 0) {
        int flat = h.at.length - 1;
        long mask = -1L >>> 64 - 8 * h.dtype().byteSize();
        assertEquals(h.cells.bits[h.at[flat]] & mask, ModelElements.get(view, flat) & mask);
      }
    } else {
      refused(ISE, () -> ModelElements.view(h.real));
    }
  }
}
