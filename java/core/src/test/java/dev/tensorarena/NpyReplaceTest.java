package dev.tensorarena;

import static dev.tensorarena.TestSupport.assertRefuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What {@link Npy#write} leaves of the file that it replaces, and of one that it cannot replace.
 */
class NpyReplaceTest {
  @TempDir Path folder;

  private ExecutionContext ctx;
  private Path path;

  @BeforeEach
  void open() {
    assumeTrue(folder.getFileSystem().supportedFileAttributeViews().contains("unix"));
    ctx = ExecutionContext.open();
    path = folder.resolve("a.npy");
  }

  @AfterEach
  void close() {
    if (ctx != null) {
      ctx.close();
    }
  }

  private void write(float value, Path where) throws IOException {
    Npy.write(ctx.allocTemp(value), where);
  }

  private float read(Path where) throws IOException {
    return Npy.read(ctx, where).getFloatAt(0);
  }

  private String mode(Path file) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  // ---- what a file keeps that is replaced

  @ParameterizedTest
  @ValueSource(strings = {"rw-------", "rw-rw-r--", "r--r-----", "rwxrwxrwx"})
  void itsMode(String mode) throws IOException {
    write(1, path);
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
    Object old = Files.getAttribute(path, "unix:ino");
    write(2, path);
    assertEquals(mode, mode(path));
    assertEquals(2, read(path));
    assertNotEquals(old, Files.getAttribute(path, "unix:ino"), "a new file took its place");
  }

  @Test
  void aNewFileHasTheModeThatAnyProgramsHas() throws IOException {
    write(1, path);
    Path plain = Files.createFile(folder.resolve("plain"));
    assertEquals(mode(plain), mode(path));
  }

  @Test
  void nobodyElseReadsTheBytesOnTheirWay() throws IOException {
    write(1, path);
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
    List<String> modes = new ArrayList<>();
    FileReplacement.write(
        path,
        channel -> {
          for (Path file : files()) {
            modes.add(mode(file));
          }
        });
    assertEquals(List.of("rw-------", "rw-------"), modes);
  }

  @Test
  void itsOwnerAndGroup() throws IOException {
    write(1, path);
    try {
      Files.setAttribute(path, "unix:uid", 12_345);
      Files.setAttribute(path, "unix:gid", 23_456);
    } catch (FileSystemException e) {
      assumeTrue(false, "this user may not give files away");
    }
    PosixFileAttributes old = Files.readAttributes(path, PosixFileAttributes.class);
    write(2, path);
    PosixFileAttributes now = Files.readAttributes(path, PosixFileAttributes.class);
    assertEquals(old.owner(), now.owner());
    assertEquals(old.group(), now.group());
    assertEquals(old.permissions(), now.permissions());
  }

  @Test
  void itsOtherHardLinks() throws IOException {
    Npy.write(ctx.allocSlice(new float[1000]), path);
    Path link = Files.createLink(folder.resolve("b.npy"), path);
    write(2, path); // shorter than it was
    assertEquals(2, read(link));
    Npy.write(ctx.allocSlice(TestSupport.counting(1000)), link); // and longer
    assertArrayEquals(TestSupport.counting(1000), Npy.read(ctx, path).toFloatArray());
    assertTrue(Files.isSameFile(path, link));
    assertEquals(List.of(path, link), files());
  }

  @Test
  void aSymbolicLinkThatLeadsToNoFileYetLeadsToOne() throws IOException {
    Path there = Files.createDirectory(folder.resolve("there")).resolve("b.npy");
    Path link = Files.createSymbolicLink(folder.resolve("link.npy"), Path.of("there", "b.npy"));
    Path outer = Files.createSymbolicLink(folder.resolve("outer.npy"), link);
    write(5, outer);
    assertTrue(Files.isSymbolicLink(link));
    assertTrue(Files.isSymbolicLink(outer));
    assertFalse(Files.isSymbolicLink(there));
    assertEquals(5, read(there));
  }

  @Test
  void symbolicLinksInACircleAreRefused() throws IOException {
    Path link = Files.createSymbolicLink(path, path.getFileName());
    assertRefuses(FileSystemException.class, () -> write(5, link), link + ": ", "symbolic links");
    assertEquals(List.of(link), files());
  }

  // ---- files that cannot be replaced

  @Test
  void whereNoFileMayBeMadeTheCallersPathAndTheReasonAreInTheMessage() {
    // A folder whose path is so long that the file's own name still fits, and no longer one.
    Path deep = folder;
    int room = 4095 - "/a".length();
    assumeTrue(Files.exists(Path.of("/proc/self")), "a limit that Linux has");
    while (deep.toString().length() < room - 1) {
      int left = room - deep.toString().length() - 1;
      int next = left > 250 ? 200 : left;
      deep = deep.resolve("d".repeat(next));
    }
    Path made = deep;
    assertRefuses(
        FileSystemException.class,
        () -> {
          Files.createDirectories(made);
          write(1, made.resolve("a"));
        },
        made.resolve("a") + ": a new file in " + made + " is refused: ");
  }

  /** Writes 2 into the file that it is given, and says what happened. */
  public static final class Program {
    private Program() {}

    public static void main(String[] args) {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Npy.write(ctx.allocTemp(2f), Path.of(args[0]));
        System.out.println("written");
      } catch (IOException e) {
        System.out.println(e.getClass().getSimpleName() + " " + e.getMessage());
      }
    }
  }

  /**
   * Runs the program where a script has mounted things, $0 being the folder; nobody else sees it.
   */
  private TestSupport.Outcome whereMounted(String script) throws Exception {
    List<String> command = new ArrayList<>(List.of("unshare", "-rm", "sh", "-c"));
    assumeTrue(succeeds(command, script + " && true"), "this user may not mount");
    command.addAll(List.of(script + " && exec \"$@\"", folder.toString()));
    command.addAll(
        TestSupport.command(
            System.getProperty("java.class.path"), List.of(), Program.class, path.toString()));
    return TestSupport.run(command).assertSucceeded();
  }

  private boolean succeeds(List<String> command, String script) throws InterruptedException {
    List<String> trial = new ArrayList<>(command);
    trial.addAll(List.of(script, folder.toString()));
    try {
      return TestSupport.run(trial).exit() == 0;
    } catch (IOException e) {
      return false; // no such command
    }
  }

  private static final String MOUNT_FILE = "mount --bind \"$0\"/a.npy \"$0\"/a.npy";
  private static final String MOUNT_READ_ONLY =
      "mount --bind \"$0\" \"$0\" && mount -o remount,ro,bind \"$0\"";

  @Test
  void aMountedFileIsWrittenInto() throws Exception {
    Npy.write(ctx.allocSlice(new float[1000]), path);
    Object old = Files.getAttribute(path, "unix:ino");
    whereMounted(MOUNT_FILE).assertPrinted("written");
    assertEquals(2, read(path));
    assertEquals(old, Files.getAttribute(path, "unix:ino"));
    assertEquals(List.of(path), files());
  }

  @Test
  void aFileThatMayBeWrittenInAFolderThatMayNotIsWrittenInto() throws Exception {
    write(1, path);
    String script =
        "mount --bind \"$0\" /mnt && mount --bind /mnt \"$0\" && mount -o remount,ro,bind \"$0\""
            + " && mount --bind /mnt/a.npy \"$0\"/a.npy";
    whereMounted(script).assertPrinted("written");
    assertEquals(2, read(path));
    assertEquals(List.of(path), files());
  }

  @Test
  void aFileThatCanNeitherBeReplacedNorWrittenStaysAndTheMessageNamesItAndSaysWhy()
      throws Exception {
    write(1, path);
    TestSupport.Outcome outcome = whereMounted(MOUNT_READ_ONLY);
    outcome.assertPrinted(
        "FileSystemException " + path + ": writing into it is refused: Read-only file system");
    assertFalse(outcome.output().contains(".tmp"), outcome.output());
    assertEquals(1, read(path));
    assertEquals(List.of(path), files());
  }

  @Test
  void afterAFailureTheFileAndItsLinksAreAsTheyWere() throws IOException {
    write(1, path);
    Path link = Files.createLink(folder.resolve("b.npy"), path);
    assertThrows(
        IOException.class,
        () ->
            FileReplacement.write(
                path,
                channel -> {
                  channel.write(ByteBuffer.allocate(10));
                  throw new IOException("half way");
                }));
    assertEquals(1, read(link));
    assertEquals(List.of(path, link), files());
  }
}
