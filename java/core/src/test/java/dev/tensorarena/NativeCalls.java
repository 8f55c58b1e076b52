package dev.tensorarena;

import java.nio.file.Path;
import java.util.List;

/** Notes calls of the core's native methods, in a JVM that was started with the agent for it. */
final class NativeCalls {
  private NativeCalls() {}

  private static String agent() {
    String folder = System.getProperty("tensorarena.test.natives");
    return Path.of(folder, System.mapLibraryName("native_calls")).toAbsolutePath().toString();
  }

  /** What starts a JVM with the agent. */
  static List<String> jvmArguments() {
    return List.of(
        "-agentpath:" + agent(),
        "-Dtensorarena.test.natives=" + System.getProperty("tensorarena.test.natives"));
  }

  /** To be called once in that JVM. */
  static void load() {
    System.load(agent());
  }

  /** The native methods that a task calls, in order, with a blank between them. */
  static String of(Runnable task) {
    if (begin() != 0) {
      throw new IllegalStateException("the JVM does not tell of calls");
    }
    String called;
    try {
      task.run();
    } finally {
      called = end();
    }
    return called;
  }

  private static native int begin();

  private static native String end();
}
