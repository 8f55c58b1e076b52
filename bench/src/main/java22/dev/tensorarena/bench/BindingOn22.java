package dev.tensorarena.bench;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import org.openjdk.jmh.annotations.Benchmark;

/** The rows of {@link Binding} that call C through {@code java.lang.foreign}. */
public class BindingOn22 extends AverageTime {
  private static final MethodHandle NOTHING = function();

  @SuppressWarnings("restricted") // the whole point
  private static MethodHandle function() {
    NativeLoops.nothing(); // has the library loaded
    return Linker.nativeLinker()
        .downcallHandle(
            SymbolLookup.loaderLookup().find("bench_nothing").orElseThrow(),
            FunctionDescriptor.ofVoid());
  }

  /**
   * A C function without arguments that does nothing.
   *
   * @throws Throwable never
   */
  @Benchmark
  public void ffm() throws Throwable {
    NOTHING.invokeExact();
  }
}
