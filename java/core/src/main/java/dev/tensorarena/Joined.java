package dev.tensorarena;

/**
 * Tensors that are copied into one, for {@link ExecutionContext#concat} and {@link
 * ExecutionContext#stack}. Wrapped memory is asked whether it is there, by which a user's code can
 * end anything: so all is asked first, and each copy asks again for the two that it works on.
 */
final class Joined {
  private final ExecutionContext ctx;
  private final Tensor[] tensors;

  /**
   * Checks what does not depend on the axis.
   *
   * @param tensors copied, since the caller's code may change it meanwhile
   */
  Joined(ExecutionContext ctx, String done, Tensor[] tensors) {
    this.ctx = ctx;
    this.tensors = tensors.clone();
    for (Tensor each : this.tensors) {
      each.use();
    }
    for (Tensor each : this.tensors) {
      each.living();
    }
    ctx.innermost();
    if (this.tensors.length == 0) {
      throw new IllegalArgumentException("no tensor to " + done);
    }
    for (int i = 1; i < this.tensors.length; i++) {
      if (this.tensors[i].dtype != this.tensors[0].dtype) {
        throw mismatch(i, "are of different types");
      }
    }
  }

  /** Along an axis that the tensors have. */
  Tensor along(int axis) {
    long[] dims = tensors[0].shape.toArray();
    tensors[0].shape.dim(axis);
    for (int i = 1; i < tensors.length; i++) {
      Shape next = tensors[i].shape;
      if (next.rank() != dims.length) {
        throw mismatch(i, "have different ranks");
      }
      for (int j = 0; j < dims.length; j++) {
        if (j == axis) {
          dims[j] = sum(dims[j], next.extent(j), axis);
        } else if (dims[j] != next.extent(j)) {
          throw mismatch(i, "differ on axis " + j);
        }
      }
    }
    Tensor joined = ctx.empty(tensors[0].dtype, Shape.owning(dims));
    long from = 0;
    for (Tensor each : tensors) {
      long to = from + each.shape.extent(axis);
      copy(each, joined.slice(axis, from, to));
      from = to;
    }
    return joined;
  }

  private static long sum(long extent, long more, int axis) {
    if (extent + more < 0) {
      throw new IllegalArgumentException(
          "extents of " + extent + " and " + more + " on axis " + axis + " are more than 2^63 - 1");
    }
    return extent + more;
  }

  /** Along a new axis. */
  Tensor alongNew(int axis) {
    Shape shape = tensors[0].shape;
    if (axis < 0 || axis > shape.rank()) {
      throw new IndexOutOfBoundsException(
          "new axis " + axis + " of a stack of tensors of shape " + shape);
    }
    for (int i = 1; i < tensors.length; i++) {
      if (!tensors[i].shape.equals(shape)) {
        throw mismatch(i, "have different shapes");
      }
    }
    long[] dims = new long[shape.rank() + 1];
    for (int i = 0; i < dims.length; i++) {
      dims[i] = i == axis ? tensors.length : shape.extent(i < axis ? i : i - 1);
    }
    Tensor joined = ctx.empty(tensors[0].dtype, Shape.owning(dims));
    for (int i = 0; i < tensors.length; i++) {
      copy(tensors[i], joined.select(axis, i));
    }
    return joined;
  }

  private IllegalArgumentException mismatch(int index, String how) {
    return new IllegalArgumentException(
        "tensor 0, a "
            + tensors[0].describe()
            + ", and tensor "
            + index
            + ", a "
            + tensors[index].describe()
            + ", "
            + how);
  }

  /** Copies row by row where a buffer does not reach all of a part with gaps. */
  private static void copy(Tensor from, Tensor part) {
    boolean gapless = from.strides == null && part.strides == null;
    if (gapless || from.length != 0 && part.length != 0) {
      part.copyFrom(from);
      return;
    }
    if (from.shape.numElements() == 0) {
      return;
    }
    for (long i = 0; i < from.shape.extent(0); i++) {
      copy(from.select(0, i), part.select(0, i));
    }
  }
}
