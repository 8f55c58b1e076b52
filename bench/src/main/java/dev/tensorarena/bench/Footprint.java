package dev.tensorarena.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What this process holds.
 *
 * @param heapBytes reachable on the Java heap
 * @param residentBytes of physical memory, the heap included: if all of that was touched when the
 *     JVM started, what comes later lies outside it; 0 where there is no {@code /proc}
 */
record Footprint(long heapBytes, long residentBytes) {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final String RESIDENT = "VmRSS:";
  private static final int KIBIBYTE = 1024;
  private static final int COLLECTIONS = 3;

  /** After collections, so that garbage does not count. */
  static Footprint now() {
    for (int i = 0; i < COLLECTIONS; i++) {
      System.gc();
    }
    return new Footprint(
        ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed(), resident());
  }

  private static long resident() {
    if (!Files.exists(STATUS)) {
      return 0;
    }
    try {
      return Files.readAllLines(STATUS).stream()
              .filter(line -> line.startsWith(RESIDENT))
              .map(line -> line.substring(RESIDENT.length()).replace("kB", "").strip())
              .mapToLong(Long::parseLong)
              .sum()
          * KIBIBYTE;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
