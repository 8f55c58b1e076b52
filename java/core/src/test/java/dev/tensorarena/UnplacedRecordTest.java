package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.management.LockInfo;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.reflect.Field;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A record that was made when it could not be placed is given back. */
class UnplacedRecordTest {
  @Test
  void recordsThatSeveralThreadsCannotPlaceAtTheSameTimeAreAllGivenBack() throws Exception {
    TestSupport.fork(List.of(), TwoAtATime.class).assertSucceeded();
  }

  /** Whoever places a record waits for the table, and whoever gives one back for the class. */
  static final class TwoAtATime {
    public static void main(String[] args) throws Exception {
      ExecutionContext ctx = ExecutionContext.open();
      ctx.allocTemp(1f);
      Remains.Table table = ctx.arena().control.remains;
      Field parts = Remains.Table.class.getDeclaredField("parts");
      parts.setAccessible(true);
      Object whole = parts.get(table);
      long inUse = ChunkPool.stats().inUseChunks();
      Thread[] threads = {new Thread(TwoAtATime::allocate), new Thread(TwoAtATime::allocate)};
      synchronized (Remains.class) {
        synchronized (table) {
          parts.set(table, new Remains[0][]);
          for (Thread each : threads) {
            each.start();
          }
          awaitBlocked(threads, table);
          parts.set(table, null); // what they find next makes them fail
        }
        awaitBlocked(threads, Remains.class);
        parts.set(table, whole);
      }
      for (Thread each : threads) {
        each.join();
      }
      assertEquals(inUse, ChunkPool.stats().inUseChunks());
      ctx.close();
    }

    private static void allocate() {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        assertThrows(NullPointerException.class, () -> ctx.allocTemp(1f));
      }
    }

    private static void awaitBlocked(Thread[] threads, Object lock) {
      for (Thread each : threads) {
        while (!isBlocked(each, lock)) {
          Thread.onSpinWait();
        }
      }
    }

    private static boolean isBlocked(Thread thread, Object lock) {
      ThreadInfo info = ManagementFactory.getThreadMXBean().getThreadInfo(thread.getId());
      LockInfo waitsFor = info.getLockInfo();
      return waitsFor != null && waitsFor.getIdentityHashCode() == System.identityHashCode(lock);
    }
  }
}
