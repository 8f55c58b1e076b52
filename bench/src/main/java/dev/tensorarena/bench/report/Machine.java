package dev.tensorarena.bench.report;

import oshi.SystemInfo;
import oshi.hardware.CentralProcessor;
import oshi.hardware.HardwareAbstractionLayer;

/**
 * What rows were measured on.
 *
 * @param memory GiB, rounded
 */
record Machine(String processor, int cores, int threads, long memory, String system) {
  private static final double GIB = 1L << 30;

  /** OSHI's word for a processor that is newer than its list. */
  private static final String UNKNOWN = "unknown";

  static Machine here() {
    SystemInfo system = new SystemInfo();
    HardwareAbstractionLayer hardware = system.getHardware();
    CentralProcessor processor = hardware.getProcessor();
    String name = processor.getProcessorIdentifier().getName().strip();
    String design = processor.getProcessorIdentifier().getMicroarchitecture();
    return new Machine(
        design.equals(UNKNOWN) ? name : name + " (" + design + ")",
        processor.getPhysicalProcessorCount(),
        processor.getLogicalProcessorCount(),
        Math.round(hardware.getMemory().getTotal() / GIB),
        system.getOperatingSystem().toString());
  }

  /** Whether times can be compared; the system may have been updated. */
  boolean isLike(Machine other) {
    return processor.equals(other.processor)
        && cores == other.cores
        && threads == other.threads
        && memory == other.memory;
  }

  @Override
  public String toString() {
    return processor + ", " + cores + " cores, " + threads + " threads, " + memory + " GiB";
  }
}
