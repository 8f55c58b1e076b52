package dev.tensorarena.bench;

import java.nio.Buffer;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Warmup;

/**
 * How rows are measured unless they say otherwise: nanoseconds per operation, three JVMs each.
 *
 * <p>The heap is touched beforehand and of one size, so that the rows that fill it pay for their
 * collections but not for the system's first pages.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Fork(
    value = 3,
    jvmArgsAppend = {
      "--enable-native-access=ALL-UNNAMED",
      "--add-opens=java.base/java.nio=ALL-UNNAMED", // for Arrow
      "-Dio.netty.noUnsafe=false", // faster on JDK 25, where Netty does without by default
      "-Xms512m",
      "-Xmx512m",
      "-XX:+AlwaysPreTouch"
    })
public abstract class AverageTime {
  static {
    // Else loops over direct buffers, ours and the rivals', are ten times as slow in a third of all
    // JVMs: the JIT compiles them while a class that Buffer's methods name is unloaded, and then
    // leaves calls in them. Listing the methods loads it; our library does it for its users.
    Buffer.class.getDeclaredMethods();
  }

  /** For the rows' classes. */
  protected AverageTime() {}
}
