package dev.tensorarena.bench.phase1;

import java.util.Locale;
import java.util.stream.Collectors;
import org.openjdk.jmh.infra.BenchmarkParams;
import oshi.SystemInfo;
import oshi.hardware.CentralProcessor;
import oshi.hardware.HardwareAbstractionLayer;

/** What the rows were measured on and with, in lines for a person. */
final class Machine {
  private static final double GIB = 1L << 30;

  private Machine() {}

  static String describe(Results results) {
    BenchmarkParams settings = results.settings();
    SystemInfo system = new SystemInfo();
    HardwareAbstractionLayer hardware = system.getHardware();
    CentralProcessor processor = hardware.getProcessor();
    return String.format(
        Locale.ROOT,
        """
        machine  %s (%s), %d cores, %d threads, %.0f GiB
        system   %s
        JVM      %s %s (JDK %s)
                 %s
        flags    %s
        JMH      %s, %d rounds with a JVM a row, each %d x %s after %d x %s; ± is 99.9 %%
        """,
        processor.getProcessorIdentifier().getName().strip(),
        processor.getProcessorIdentifier().getMicroarchitecture(),
        processor.getPhysicalProcessorCount(),
        processor.getLogicalProcessorCount(),
        hardware.getMemory().getTotal() / GIB,
        system.getOperatingSystem(),
        settings.getVmName(),
        settings.getVmVersion(),
        settings.getJdkVersion(),
        settings.getJvm(),
        settings.getJvmArgs().stream().distinct().collect(Collectors.joining(" ")),
        settings.getJmhVersion(),
        results.rounds(),
        settings.getMeasurement().getCount(),
        settings.getMeasurement().getTime(),
        settings.getWarmup().getCount(),
        settings.getWarmup().getTime());
  }
}
