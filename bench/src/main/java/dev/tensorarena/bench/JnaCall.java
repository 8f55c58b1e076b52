package dev.tensorarena.bench;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Tensor;
import dev.tensorarena.jna.TensorPointer;
import dev.tensorarena.jna.TensorTypeMapper;
import java.util.Map;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** What does JNA take for a call with a tensor, beside one with a raw pointer? C does nothing. */
@State(Scope.Thread)
public class JnaCall extends AverageTime {
  private static final Map<String, ?> MAPPED =
      Map.of(Library.OPTION_TYPE_MAPPER, TensorTypeMapper.INSTANCE);

  private ExecutionContext context;
  private Tensor tensor;
  private Pointer raw;
  private Pointers pointers;
  private Tensors tensors;

  /** The function, by a library interface. */
  interface Pointers extends Library {
    int bench_length(Pointer x, int n);
  }

  /** The function, by a library interface with the type mapper. */
  interface Tensors extends Library {
    int bench_length(Tensor x, int n);
  }

  /** The function, direct mapped. */
  static final class DirectPointers {
    private DirectPointers() {}

    static native int bench_length(Pointer x, int n);

    static {
      Native.register(
          DirectPointers.class, NativeLibrary.getInstance(BenchLibrary.PATH.toString()));
    }
  }

  /** The function, direct mapped with the type mapper. */
  static final class DirectTensors {
    private DirectTensors() {}

    static native int bench_length(Tensor x, int n);

    static {
      Native.register(
          DirectTensors.class, NativeLibrary.getInstance(BenchLibrary.PATH.toString(), MAPPED));
    }
  }

  /** A tensor and a pointer to the same. */
  @Setup
  public void open() {
    context = ExecutionContext.open();
    tensor = context.allocSlice(1f, 2f, 3f);
    raw = new Pointer(tensor.address());
    pointers = Native.load(BenchLibrary.PATH.toString(), Pointers.class);
    tensors = Native.load(BenchLibrary.PATH.toString(), Tensors.class, MAPPED);
  }

  /** Gives the memory back. */
  @TearDown
  public void close() {
    context.close();
  }

  /**
   * Direct mapped, a pointer that was made before, and nothing checked.
   *
   * @return what C does
   */
  @Benchmark
  public int directRawPointer() {
    return DirectPointers.bench_length(raw, 3);
  }

  /**
   * Direct mapped, a tensor that is checked for this call.
   *
   * @return what C does
   */
  @Benchmark
  public int directTensorPointer() {
    return DirectPointers.bench_length(TensorPointer.of(tensor), 3);
  }

  /**
   * Direct mapped with a declared {@code Tensor}: JNA calls back into Java to convert it.
   *
   * @return what C does
   */
  @Benchmark
  public int directDeclaredTensor() {
    return DirectTensors.bench_length(tensor, 3);
  }

  /**
   * By an interface, a pointer that was made before.
   *
   * @return what C does
   */
  @Benchmark
  public int interfaceRawPointer() {
    return pointers.bench_length(raw, 3);
  }

  /**
   * By an interface with a declared {@code Tensor}, checked and pinned for this call.
   *
   * @return what C does
   */
  @Benchmark
  public int interfaceDeclaredTensor() {
    return tensors.bench_length(tensor, 3);
  }
}
