package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.function.Executable;

/** What several test classes need. */
final class TestSupport {
  private TestSupport() {}

  /** How a forked JVM ended, and all that it printed. */
  record Outcome(int exit, String output) {
    Outcome assertSucceeded() {
      assertTrue(exit == 0, () -> "exit status " + exit + ":\n" + output);
      return this;
    }

    void assertPrinted(String... parts) {
      for (String part : parts) {
        assertTrue(output.contains(part), () -> "\"" + part + "\" is not in:\n" + output);
      }
    }
  }

  /** Runs a main class of the tests in a JVM of its own. */
  static Outcome fork(List<String> jvmArguments, Class<?> main, String... arguments)
      throws IOException, InterruptedException {
    return fork(System.getProperty("java.class.path"), jvmArguments, main, arguments);
  }

  static Outcome fork(
      String classPath, List<String> jvmArguments, Class<?> main, String... arguments)
      throws IOException, InterruptedException {
    return run(command(classPath, jvmArguments, main, arguments));
  }

  /** How a JVM is started, for a command around it. */
  static List<String> command(
      String classPath, List<String> jvmArguments, Class<?> main, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(java());
    command.addAll(List.of("-cp", classPath, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
    command.add("--enable-native-access=ALL-UNNAMED");
    command.addAll(jvmArguments);
    command.add(main.getName());
    command.addAll(List.of(arguments));
    return command;
  }

  /** Puts a copy of the native library into a folder, and returns it. */
  static Path copyLibrary(Path folder) throws IOException {
    String name = System.mapLibraryName("tensorarena");
    String resource = "/natives/" + NativeLibrary.platform() + "/" + name;
    Path copy = folder.resolve(name);
    try (InputStream bytes = NativeArena.class.getResourceAsStream(resource)) {
      Files.copy(bytes, copy);
    }
    return copy;
  }

  /** Lets other tests of this JVM run under the limit of all contexts that is there by default. */
  static void limitByDefault() {
    NativeArena.setPoolMemoryLimit(MachineMemory.bytes());
  }

  /** The JVM that runs the tests. */
  static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  static Outcome run(List<String> command) throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().remove("XDG_CACHE_HOME"); // where it is depends on user.home then
    Process process = builder.start();
    process.getOutputStream().close();
    byte[] output = process.getInputStream().readAllBytes();
    return new Outcome(process.waitFor(), new String(output, StandardCharsets.UTF_8));
  }

  /** Runs a task on a new thread, which has ended when this returns. */
  static <T> T onThread(String name, Callable<T> task) throws Exception {
    FutureTask<T> future = new FutureTask<>(task);
    Thread thread = new Thread(future, name);
    thread.start();
    thread.join();
    try {
      return future.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Error) {
        throw (Error) e.getCause();
      }
      throw (Exception) e.getCause();
    }
  }

  /** Runs a task on a new thread, which has ended when this returns. */
  static void runOnThread(String name, Executable task) throws Exception {
    onThread(
        name,
        () -> {
          try {
            task.execute();
          } catch (Error | Exception e) {
            throw e;
          } catch (Throwable e) {
            throw new AssertionError(e);
          }
          return null;
        });
  }

  /** Starts a virtual thread, or aborts the test: there are some from JDK 21 on. */
  static Thread startVirtualThread(Runnable task) {
    try {
      Method start = Thread.class.getMethod("startVirtualThread", Runnable.class);
      return (Thread) start.invoke(null, task);
    } catch (NoSuchMethodException e) {
      return Assumptions.abort("no virtual threads on this JDK");
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  /** Asserts an exception and that its message gives the values. */
  static <T extends Throwable> T assertRefuses(Class<T> type, Executable call, String... parts) {
    T thrown = assertThrows(type, call);
    for (String part : parts) {
      assertTrue(
          String.valueOf(thrown.getMessage()).contains(part),
          () -> "\"" + part + "\" is not in: " + thrown.getMessage());
    }
    return thrown;
  }

  /** Asserts the exception of a tensor, scope or context that cannot be used. */
  static void assertRefuses(Executable call, String... parts) {
    assertRefuses(IllegalStateException.class, call, parts);
  }

  /** The floats 0, 1, 2, ... */
  static float[] counting(int length) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = i;
    }
    return values;
  }
}
