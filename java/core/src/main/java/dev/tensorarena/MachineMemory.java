package dev.tensorarena;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * How much memory this process may use at most: that of the machine, or what a container's control
 * groups leave of it. Past that the kernel kills the process, and no exception tells why.
 */
final class MachineMemory {
  /** The files of one version of control groups. */
  private enum ControlGroups {
    V1("sys/fs/cgroup/memory", "memory.limit_in_bytes"),
    V2("sys/fs/cgroup", "memory.max");

    final String mount;
    final String limit;

    ControlGroups(String mount, String limit) {
      this.mount = mount;
      this.limit = limit;
    }
  }

  private MachineMemory() {}

  /** Returns bytes; {@link NativeArena#UNLIMITED} where the system does not tell. */
  static long bytes() {
    return bytes(Path.of("/"), NativeArena.physicalMemory());
  }

  /**
   * Does the same with the files of another system.
   *
   * @param root the folder that has its {@code proc} and {@code sys}
   * @param physical what the machine has; 0 if the system does not tell
   */
  static long bytes(Path root, long physical) {
    long least = physical > 0 ? physical : Long.MAX_VALUE;
    for (String line : lines(root.resolve("proc/self/cgroup"))) {
      String[] parts = line.split(":", 3); // id, controllers, path; version 2 names no controllers
      if (parts.length == 3 && parts[1].isEmpty()) {
        least = Math.min(least, limit(root, ControlGroups.V2, parts[2]));
      } else if (parts.length == 3 && List.of(parts[1].split(",")).contains("memory")) {
        least = Math.min(least, limit(root, ControlGroups.V1, parts[2]));
      }
    }
    return least == Long.MAX_VALUE ? NativeArena.UNLIMITED : least;
  }

  /**
   * The least limit of a group and of those around it. In a container the path may be the host's,
   * of which only the container's own group is mounted, as the outermost one.
   */
  private static long limit(Path root, ControlGroups groups, String group) {
    Path outermost = root.resolve(groups.mount);
    Path inside = Path.of("/", group).normalize();
    long least = Long.MAX_VALUE;
    for (int depth = inside.getNameCount(); depth >= 0; depth--) {
      Path folder = depth == 0 ? outermost : outermost.resolve(inside.subpath(0, depth).toString());
      for (String line : lines(folder.resolve(groups.limit))) {
        least = Math.min(least, number(line));
      }
    }
    return least;
  }

  /** A limit as the kernel writes it: "max", or a number that may be too large for a long. */
  private static long number(String text) {
    try {
      long bytes = Long.parseLong(text.trim());
      return bytes > 0 ? bytes : Long.MAX_VALUE;
    } catch (NumberFormatException e) {
      return Long.MAX_VALUE;
    }
  }

  /** The lines of a file; none if there is no such file or it may not be read. */
  private static List<String> lines(Path file) {
    try {
      return Files.isReadable(file) ? Files.readAllLines(file) : List.of();
    } catch (IOException e) {
      return List.of(); // a limit that nobody may know
    }
  }
}
