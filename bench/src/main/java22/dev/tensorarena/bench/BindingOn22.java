package dev.tensorarena.bench;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.openjdk.jmh.annotations.Benchmark;

/**
 * The rows of {@link Binding} that call C through {@code java.lang.foreign}: plainly, and with the
 * promise that the function is short and calls nothing back, which spares the thread its change of
 * state.
 */
public class BindingOn22 extends AverageTime {
  private static final FunctionDescriptor NOTHING = FunctionDescriptor.ofVoid();
  private static final FunctionDescriptor ALLOCATE =
      FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG);
  private static final Linker.Option CRITICAL = Linker.Option.critical(false);

  private static final MethodHandle PLAIN_NOTHING = function("bench_nothing", NOTHING);
  private static final MethodHandle PLAIN_ALLOCATE = function("bench_allocate", ALLOCATE);
  private static final MethodHandle CRITICAL_NOTHING = function("bench_nothing", NOTHING, CRITICAL);
  private static final MethodHandle CRITICAL_ALLOCATE =
      function("bench_allocate", ALLOCATE, CRITICAL);

  @SuppressWarnings("restricted") // the whole point
  private static MethodHandle function(
      String name, FunctionDescriptor type, Linker.Option... options) {
    BenchLibrary.use();
    return Linker.nativeLinker()
        .downcallHandle(SymbolLookup.loaderLookup().find(name).orElseThrow(), type, options);
  }

  /**
   * A C function without arguments that does nothing.
   *
   * @throws Throwable never
   */
  @Benchmark
  public void ffm() throws Throwable {
    PLAIN_NOTHING.invokeExact();
  }

  /**
   * As {@link #ffm}, critical.
   *
   * @throws Throwable never
   */
  @Benchmark
  public void ffmCritical() throws Throwable {
    CRITICAL_NOTHING.invokeExact();
  }

  /**
   * As {@link #ffm}.
   *
   * @return the address
   * @throws Throwable never
   */
  @Benchmark
  public long ffmAllocate() throws Throwable {
    return (long) PLAIN_ALLOCATE.invokeExact((long) Binding.BYTES);
  }

  /**
   * As {@link #ffmCritical}.
   *
   * @return the address
   * @throws Throwable never
   */
  @Benchmark
  public long ffmCriticalAllocate() throws Throwable {
    return (long) CRITICAL_ALLOCATE.invokeExact((long) Binding.BYTES);
  }
}
