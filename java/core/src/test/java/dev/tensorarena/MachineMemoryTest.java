package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the kernel's files say about memory, as they are on different machines. */
class MachineMemoryTest {
  private static final long PHYSICAL = 8L << 30;
  private static final String NONE_IN_V1 = "9223372036854771712";

  @TempDir Path root;

  private void file(String path, String... lines) throws IOException {
    Path file = root.resolve(path);
    Files.createDirectories(file.getParent());
    Files.write(file, java.util.List.of(lines));
  }

  private long bytes() {
    return MachineMemory.bytes(root, PHYSICAL);
  }

  @Test
  void thisMachineHasSomeMemory() {
    assertTrue(MachineMemory.bytes() > 64L << 20, "" + MachineMemory.bytes());
    assertTrue(NativeArena.physicalMemory() >= MachineMemory.bytes());
  }

  @Test
  void withoutControlGroupsItIsTheMachines() {
    assertEquals(PHYSICAL, bytes());
    assertEquals(NativeArena.UNLIMITED, MachineMemory.bytes(root, 0));
  }

  @Test
  void aContainerWithANamespaceSeesItsOwnGroupAsTheOutermost() throws IOException {
    file("proc/self/cgroup", "0::/");
    file("sys/fs/cgroup/memory.max", "536870912");
    assertEquals(512L << 20, bytes());
    assertEquals(512L << 20, MachineMemory.bytes(root, 0));
    assertEquals(1L << 20, MachineMemory.bytes(root, 1L << 20), "the machine has even less");
  }

  @Test
  void maxIsNoLimit() throws IOException {
    file("proc/self/cgroup", "0::/");
    file("sys/fs/cgroup/memory.max", "max");
    assertEquals(PHYSICAL, bytes());
  }

  @Test
  void theLeastOfAllGroupsAroundTheProcessCounts() throws IOException {
    file("proc/self/cgroup", "0::/system.slice/a.service/inner");
    file("sys/fs/cgroup/system.slice/memory.max", "2147483648");
    file("sys/fs/cgroup/system.slice/a.service/memory.max", "1073741824");
    file("sys/fs/cgroup/system.slice/a.service/inner/memory.max", "max");
    file("sys/fs/cgroup/system.slice/b.service/memory.max", "1024");
    assertEquals(1L << 30, bytes());
  }

  @Test
  void theFirstVersionOfControlGroupsIsRead() throws IOException {
    file("proc/self/cgroup", "9:name=systemd:/", "4:cpu,memory:/docker/abc", "0::/");
    file("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "268435456");
    file("sys/fs/cgroup/memory/docker/memory.limit_in_bytes", NONE_IN_V1);
    file("sys/fs/cgroup/memory/memory.limit_in_bytes", NONE_IN_V1);
    assertEquals(256L << 20, bytes());
  }

  @Test
  void aPathOfTheHostIsReadAsTheContainersOwnGroup() throws IOException {
    file("proc/self/cgroup", "4:memory:/docker/abc");
    file("sys/fs/cgroup/memory/memory.limit_in_bytes", "134217728");
    assertEquals(128L << 20, bytes());
  }

  @Test
  void whatIsNoLimitIsIgnored() throws IOException {
    file("proc/self/cgroup", "", "nonsense", "4:memory:/../../..", "0::/x:y");
    file("sys/fs/cgroup/memory/memory.limit_in_bytes", "18446744073709551615");
    file("sys/fs/cgroup/memory.max", "0");
    file("sys/fs/cgroup/x:y/memory.max", "many");
    file("memory.limit_in_bytes", "1");
    assertEquals(PHYSICAL, bytes());
  }
}
