package dev.tensorarena.bench;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Tensor;
import dev.tensorarena.ffm.Dlpack;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What does it cost to hand a tensor over as a struct of DLPack's, and to take one: without a copy,
 * and by the copy that is made for a library which takes memory of its own?
 */
@State(Scope.Thread)
public class InteropOn22 extends AverageTime {
  /** Elements of f32. */
  @Param("10000")
  public int elements;

  private ExecutionContext context;
  private Tensor tensor;

  /** Makes a tensor. */
  @Setup
  public void open() {
    context = ExecutionContext.open();
    tensor = context.zeros(DType.FLOAT32, elements);
  }

  /** Gives it back. */
  @TearDown
  public void close() {
    context.close();
  }

  /** A struct over the tensor, made and deleted. */
  @Benchmark
  public void toDlpack() {
    Dlpack.delete(Dlpack.toDlpack(tensor));
  }

  /** The same over a copy of the tensor, in a scope of its own. */
  @Benchmark
  public void toDlpackByCopy() {
    dev.tensorarena.Scope scope = context.scope();
    Dlpack.delete(Dlpack.toDlpack(tensor.copy(context)));
    scope.close();
  }

  /**
   * A struct over the tensor, and a tensor over the struct, in a scope of its own, read once.
   *
   * @return an element
   */
  @Benchmark
  public float toDlpackAndBack() {
    dev.tensorarena.Scope scope = context.scope();
    float read = Dlpack.fromDlpack(context, Dlpack.toDlpack(tensor)).getFloatAt(0);
    scope.close();
    return read;
  }

  /**
   * The same, and the tensor over the struct is copied.
   *
   * @return an element
   */
  @Benchmark
  public float toDlpackAndBackByCopy() {
    dev.tensorarena.Scope scope = context.scope();
    Tensor taken = Dlpack.fromDlpack(context, Dlpack.toDlpack(tensor));
    float read = taken.copy(context).getFloatAt(0);
    scope.close();
    return read;
  }
}
