package dev.tensorarena.examples.reversedictionary;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/** Bytes that threads have allocated on the Java heap since they started. */
final class Garbage {

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private Garbage() {}

  static long ofThread(Thread thread) {
    return THREADS.getThreadAllocatedBytes(thread.getId());
  }

  static long ofThisThread() {
    return THREADS.getCurrentThreadAllocatedBytes();
  }
}
