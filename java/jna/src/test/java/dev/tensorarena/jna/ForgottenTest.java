package dev.tensorarena.jna;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import java.lang.ref.WeakReference;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The memory of forgotten contexts is taken back before an arena of JNA's is refused. In a JVM of
 * its own, since no other test may leave contexts to be forgotten.
 */
class ForgottenTest {
  @Test
  void theForgottenGiveWayBeforeThePoolRefuses() throws Exception {
    List<String> command = new ArrayList<>();
    command.add(ProcessHandle.current().info().command().orElseThrow());
    command.add("-Dtensorarena.maxMemory=48m");
    for (String name : System.getProperties().stringPropertyNames()) {
      if (name.startsWith("jna.") || name.equals("tensorarena.library.path")) {
        command.add("-D" + name + "=" + System.getProperty(name));
      }
    }
    command.addAll(
        List.of("-cp", System.getProperty("java.class.path"), AtTheLimit.class.getName()));
    Process jvm = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(jvm.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, jvm.waitFor(), output);
  }

  /** Has room for one large allocation and not for two. */
  static final class AtTheLimit {
    private static final long LARGE = 32 << 20;

    private static void forget() {
      ExecutionContext.open().empty(DType.INT8, LARGE);
      WeakReference<Object> last = new WeakReference<>(new Object());
      while (last.get() != null) {
        System.gc();
      }
    }

    public static void main(String[] args) {
      for (int round = 0; round < 10; round++) {
        forget();
        try (JnaArena arena = JnaArena.create(0, JnaArena.UNLIMITED)) {
          assertNotNull(arena.allocate(LARGE, 0), "round " + round);
          assertNull(arena.allocate(LARGE, 0), "what lives stays");
        }
        forget();
        try (JnaArena arena = JnaArena.create(0, JnaArena.UNLIMITED)) {
          assertEquals(Status.OK, arena.reserve(LARGE, 0));
          assertNotNull(arena.allocate(LARGE, 0));
          assertEquals(Status.POOL_LIMIT, arena.reserve(LARGE, 0));
        }
      }
    }
  }
}
