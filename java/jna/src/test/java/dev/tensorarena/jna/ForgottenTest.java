package dev.tensorarena.jna;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import java.lang.ref.WeakReference;
import org.junit.jupiter.api.Test;

/**
 * The memory of forgotten contexts is taken back before an arena of JNA's is refused. In a JVM of
 * its own, since no other test may leave contexts to be forgotten.
 */
class ForgottenTest {
  @Test
  void theForgottenGiveWayBeforeThePoolRefuses() throws Exception {
    Forked.run(AtTheLimit.class, "-Dtensorarena.maxMemory=48m");
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
