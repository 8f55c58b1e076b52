package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Where the jar's library is extracted to if nothing can be loaded from the temporary folder, or on
 * a system that does not delete what is loaded.
 */
class ExtractedLibraryTest {
  private static final String FILE = System.mapLibraryName("tensorarena");

  @TempDir Path folder;

  /** java.io.tmpdir of the forked JVM, and user.home. */
  private Path temporary;

  private Path home;

  @BeforeEach
  void makeFolders() throws IOException {
    temporary = folder.resolve("temporary");
    home = Files.createDirectory(folder.resolve("home"));
  }

  private TestSupport.Outcome load(String... properties) throws Exception {
    return TestSupport.run(command(LoaderTest.Load.class, properties));
  }

  private List<String> command(Class<?> main, String... properties) {
    List<String> arguments = new ArrayList<>();
    arguments.add("-Djava.io.tmpdir=" + temporary);
    arguments.add("-Duser.home=" + home);
    for (String property : properties) {
      arguments.add("-D" + property);
    }
    return TestSupport.command(System.getProperty("java.class.path"), arguments, main);
  }

  private Path caches() {
    return home.resolve(".cache/tensorarena");
  }

  private List<Path> kept() throws IOException {
    return filesIn(caches());
  }

  private static List<Path> filesIn(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).toList();
    }
  }

  private void assertLoaded(Path file) throws Exception {
    load().assertPrinted(file.toString());
  }

  @Test
  void itIsKeptInTheUsersFolderForCachesAndUsedAgain() throws Exception {
    load();
    Path file = kept().get(0);
    assertEquals(FILE, file.getFileName().toString());
    for (Path own : List.of(caches(), file.getParent())) {
      assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(own)));
    }
    Object first = Files.readAttributes(file, "unix:ino").get("ino");
    assertLoaded(file);
    assertEquals(List.of(file), kept());
    assertEquals(first, Files.readAttributes(file, "unix:ino").get("ino"));
  }

  @Test
  void aDamagedOneIsReplaced() throws Exception {
    load();
    Path file = kept().get(0);
    byte[] bytes = Files.readAllBytes(file);
    for (byte[] damaged : new byte[][] {{}, {1, 2, 3}, flipped(bytes)}) {
      Files.write(file, damaged);
      assertLoaded(file);
      assertEquals(-1, Arrays.mismatch(bytes, Files.readAllBytes(file)));
    }
  }

  private static byte[] flipped(byte[] bytes) {
    byte[] flipped = bytes.clone();
    flipped[flipped.length / 2] ^= 1;
    return flipped;
  }

  /** By the loader's account it is Windows, whose library is here one that this system loads. */
  @Test
  void onWindowsItIsKeptInTheTemporaryFolderAndUsedAgain() throws Exception {
    Path jar = folder.resolve("jar");
    String windows = NativeLibrary.platform().replaceFirst("^[a-z]+", "windows");
    TestSupport.copyLibrary(Files.createDirectories(jar.resolve("natives").resolve(windows)));
    String classPath = System.getProperty("java.class.path") + File.pathSeparator + jar;
    List<String> start =
        TestSupport.command(
            classPath,
            List.of("-Djava.io.tmpdir=" + temporary, "-Dos.name=Windows 11"),
            LoaderTest.Load.class);
    TestSupport.run(start).assertSucceeded();
    Path kept = temporary.resolve("tensorarena");
    Path file = filesIn(kept).get(0);
    byte[] bytes = Files.readAllBytes(file);
    Object first = Files.readAttributes(file, "unix:ino").get("ino");

    TestSupport.run(start).assertSucceeded().assertPrinted(file + "\n");
    assertEquals(List.of(file), filesIn(kept));
    assertEquals(first, Files.readAttributes(file, "unix:ino").get("ino"));

    Files.write(file, flipped(bytes));
    TestSupport.run(start).assertSucceeded().assertPrinted(file + "\n");
    assertEquals(List.of(file), filesIn(kept));
    assertEquals(-1, Arrays.mismatch(bytes, Files.readAllBytes(file)));
  }

  @Test
  void whatOthersMayWriteIsRefusedByName() throws Exception {
    load();
    Path file = kept().get(0);
    for (Path open : List.of(caches(), file.getParent(), file)) {
      String before = PosixFilePermissions.toString(Files.getPosixFilePermissions(open));
      Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
      TestSupport.Outcome outcome = load();
      assertFalse(outcome.exit() == 0, outcome.output());
      outcome.assertPrinted(open + " may be written by others: rwxrwxrwx");
      Files.setPosixFilePermissions(open, PosixFilePermissions.fromString(before));
    }
    assertLoaded(file);
  }

  @Test
  void whatOthersOwnIsRefusedByName() throws Exception {
    load();
    Path file = kept().get(0);
    for (Path foreign : List.of(caches(), file.getParent(), file)) {
      Object owner = Files.getAttribute(foreign, "unix:uid");
      try {
        Files.setAttribute(foreign, "unix:uid", 4711);
      } catch (IOException e) {
        Assumptions.abort("only root can give files away: " + e);
      }
      load().assertPrinted(foreign + " belongs to 4711 and not to ");
      Files.setAttribute(foreign, "unix:uid", owner);
    }
    assertLoaded(file);
  }

  @Test
  void aLinkInPlaceOfTheFolderIsNotFollowed() throws Exception {
    Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
    Files.createDirectories(caches().getParent());
    Files.createSymbolicLink(caches(), elsewhere);
    TestSupport.Outcome outcome = load();
    assertFalse(outcome.exit() == 0, outcome.output());
    outcome.assertPrinted("extracting to " + caches().getParent() + " failed");
    try (Stream<Path> files = Files.list(elsewhere)) {
      assertEquals(List.of(), files.toList());
    }
  }

  @Test
  void eachClassLoaderHasACopyOfItsOwn() throws Exception {
    TestSupport.run(command(LoaderTest.TwoLoaders.class)).assertPrinted("2 libraries");
    assertEquals(2, kept().size());
  }

  @Test
  void aFolderThatIsNamedIsTheOnlyOne() throws Exception {
    Path named = Files.createDirectory(folder.resolve("named"));
    Files.createDirectory(temporary);
    load("tensorarena.extract.path=" + named)
        .assertSucceeded()
        .assertPrinted(named.toString(), "(deleted)");
    Path missing = folder.resolve("missing");
    TestSupport.Outcome outcome = load("tensorarena.extract.path=" + missing);
    assertFalse(outcome.exit() == 0, outcome.output());
    outcome.assertPrinted(
        "extracting to " + missing + " failed",
        "name a folder that you can write to with -Dtensorarena.extract.path");
    assertFalse(Files.exists(caches()));
  }

  @Test
  void aTemporaryFolderThatIsMountedNoexecIsPassedOver() throws Exception {
    Files.createDirectory(temporary);
    List<String> mounted =
        new ArrayList<>(
            List.of(
                "unshare", "-rm", "sh", "-c", "mount -t tmpfs -o noexec none $0 && exec \"$@\""));
    mounted.add(temporary.toString());
    List<String> probe = new ArrayList<>(mounted);
    probe.add("true");
    Assumptions.assumeTrue(succeeds(probe), "this system lets nobody mount");
    List<String> named = new ArrayList<>(mounted);
    named.addAll(command(LoaderTest.Load.class, "tensorarena.extract.path=" + temporary));
    TestSupport.run(named)
        .assertPrinted(
            "the jar, extracted: " + temporary,
            "mounted noexec",
            "-Dtensorarena.extract.path",
            "-Dtensorarena.library.path");
    mounted.addAll(command(LoaderTest.Load.class));
    TestSupport.run(mounted).assertSucceeded().assertPrinted(caches().toString());
    assertTrue(kept().size() == 1);
  }

  private static boolean succeeds(List<String> command) throws InterruptedException {
    try {
      return TestSupport.run(command).exit() == 0;
    } catch (IOException e) {
      return false;
    }
  }
}
