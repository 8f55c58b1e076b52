package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;
import org.junit.jupiter.api.io.TempDir;

/** Where the native library is looked for, and what a failure says. Each case has its own JVM. */
class LoaderTest {
  private static final String FILE = System.mapLibraryName("tensorarena");

  @TempDir static Path shared;

  /** The classes without the native library. */
  private static Path classes;

  @TempDir Path folder;

  /** java.io.tmpdir of the forked JVM. */
  private Path temporary;

  @BeforeAll
  static void copyClasses() throws Exception {
    classes = shared.resolve("classes");
    for (Class<?> any : List.of(NativeLibrary.class, LoaderTest.class)) {
      Path from = home(any).resolve("dev/tensorarena");
      Files.createDirectories(classes.resolve("dev/tensorarena"));
      try (Stream<Path> files = Files.list(from)) {
        for (Path file : files.filter(Files::isRegularFile).toList()) {
          Files.copy(file, classes.resolve("dev/tensorarena").resolve(file.getFileName()));
        }
      }
    }
  }

  @BeforeEach
  void makeTemporary() throws IOException {
    temporary = Files.createDirectory(folder.resolve("temporary"));
  }

  /** A folder with a copy of the library. */
  private Path library(String name) throws IOException {
    Path copy = Files.createDirectory(folder.resolve(name));
    TestSupport.copyLibrary(copy);
    return copy;
  }

  private TestSupport.Outcome load(boolean withJar, String... properties) throws Exception {
    List<String> arguments = new ArrayList<>();
    arguments.add("-Djava.io.tmpdir=" + temporary);
    for (String property : properties) {
      arguments.add("-D" + property);
    }
    String classPath = withJar ? System.getProperty("java.class.path") : classes.toString();
    return TestSupport.fork(classPath, arguments, Load.class);
  }

  private void assertFails(TestSupport.Outcome outcome, String... parts) throws IOException {
    assertFalse(outcome.exit() == 0, outcome.output());
    outcome.assertPrinted("UnsatisfiedLinkError");
    outcome.assertPrinted(parts);
    assertTemporaryIsEmpty();
  }

  private void assertTemporaryIsEmpty() throws IOException {
    try (Stream<Path> left = Files.list(temporary)) {
      assertEquals(List.of(), left.filter(file -> !isTheJvms(file)).toList());
    }
  }

  private static boolean isTheJvms(Path file) {
    return file.getFileName().toString().startsWith("hsperfdata");
  }

  /** Uses the library and prints where it was loaded from. */
  static final class Load {
    public static void main(String[] args) throws IOException {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        if (ctx.allocTemp(1f).getFloat() != 1f) {
          throw new AssertionError();
        }
      }
      Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
      if (Files.exists(temporary)) {
        try (Stream<Path> files = Files.list(temporary)) {
          System.out.println("temporary: " + files.filter(file -> !isTheJvms(file)).toList());
        }
      }
      try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
        maps.filter(line -> line.contains("libtensorarena")).forEach(System.out::println);
      }
    }
  }

  @Test
  void fromTheJarItIsExtractedAndDeletedOnceLoaded() throws Exception {
    TestSupport.Outcome outcome = load(true).assertSucceeded();
    outcome.assertPrinted("temporary: []", temporary.toString(), "(deleted)");
    assertTemporaryIsEmpty();
  }

  @Test
  void theConfiguredFolderComesFirst() throws Exception {
    Path first = library("first");
    Path second = library("second");
    load(true, "tensorarena.library.path=" + first, "java.library.path=" + second)
        .assertSucceeded()
        .assertPrinted(first.resolve(FILE).toString());
  }

  @Test
  void thenTheLibraryPathOfTheJvm() throws Exception {
    Path second = library("second");
    load(true, "java.library.path=" + second)
        .assertSucceeded()
        .assertPrinted(second.resolve(FILE).toString());
  }

  @Test
  void aConfiguredFolderWithoutItIsPassedOver() throws Exception {
    load(true, "tensorarena.library.path=" + temporary)
        .assertSucceeded()
        .assertPrinted("(deleted)");
  }

  @Test
  void aFailureSaysAllThatWasTriedAndWhatToDo() throws Exception {
    assertFails(
        load(false, "java.library.path=/nowhere"),
        "No native library for Tensor Arena on " + NativeLibrary.platform(),
        "tensorarena.library.path: not set",
        "java.library.path: ",
        "/nowhere",
        "the jar: it has no /natives/" + NativeLibrary.platform() + "/" + FILE,
        "build the library for this platform with CMake",
        "-Dtensorarena.library.path");
    assertFails(
        load(false, "tensorarena.library.path=" + temporary),
        "there is no " + temporary.resolve(FILE));
  }

  @Test
  void aMessageOfTheSystemRepeatsNoPath() throws Exception {
    Path broken = Files.createDirectory(folder.resolve("broken"));
    Files.writeString(broken.resolve(FILE), "no library");
    String output = load(false, "tensorarena.library.path=" + broken).output();
    String path = broken.resolve(FILE).toString();
    int first = output.indexOf(path, output.indexOf("UnsatisfiedLinkError")); // the JVM warns, too
    assertTrue(first >= 0 && output.indexOf(path, first + 1) < 0, output);
  }

  @Test
  void aJvmOf32BitsIsRefusedByName() throws Exception {
    assertFails(
        load(true, "sun.arch.data.model=32", "os.arch=i386"),
        "needs a JVM of 64 bits, and this one, for i386, has 32");
  }

  @Test
  void aFileThatIsNoLibraryIsNamedWithWhatToDo() throws Exception {
    Path broken = Files.createDirectory(folder.resolve("broken"));
    Files.writeString(broken.resolve(FILE), "this is no library\n".repeat(100));
    assertFails(
        load(false, "tensorarena.library.path=" + broken),
        "tensorarena.library.path: " + broken.resolve(FILE),
        "another system than " + NativeLibrary.platform());
    load(true, "tensorarena.library.path=" + broken).assertSucceeded();
  }

  @Test
  void aLibraryOfAnotherArchitectureIsNamedWithWhatToDo() throws Exception {
    Path foreign = library("foreign");
    byte[] elf = Files.readAllBytes(foreign.resolve(FILE));
    elf[18] = (byte) (elf[18] == 62 ? 183 : 62); // e_machine: x86-64 or AArch64
    Files.write(foreign.resolve(FILE), elf);
    assertFails(
        load(false, "tensorarena.library.path=" + foreign),
        foreign.resolve(FILE).toString(),
        "another system than " + NativeLibrary.platform());
  }

  @Test
  void theTemporaryFolderMayBeRelative() throws Exception {
    Path relative = Path.of("").toAbsolutePath().relativize(temporary);
    load(true, "java.io.tmpdir=" + relative).assertSucceeded().assertPrinted("(deleted)");
    assertTemporaryIsEmpty();
  }

  /** A shared library from a line of C. */
  private Path compiled(String source) throws Exception {
    Path built = Files.createDirectory(folder.resolve("built"));
    Files.writeString(built.resolve("fake.c"), source);
    try {
      Process cc =
          new ProcessBuilder("cc", "-shared", "-fPIC", "-o", FILE, "fake.c")
              .directory(built.toFile())
              .inheritIO()
              .start();
      Assumptions.assumeTrue(cc.waitFor() == 0);
    } catch (IOException e) {
      Assumptions.abort("no C compiler: " + e);
    }
    return built;
  }

  @Test
  void aLibraryOfAnotherAbiIsNamedWithWhatToDo() throws Exception {
    Path other =
        compiled(
            "int Java_dev_tensorarena_NativeArena_abiVersion(void *e, void *c) { return 99; }");
    assertFails(
        load(false, "tensorarena.library.path=" + other),
        "tensorarena.library.path: " + other.resolve(FILE),
        "ABI version 99",
        "needs " + NativeArena.ABI_VERSION,
        "remove it");
    load(true, "java.library.path=" + other).assertSucceeded();
  }

  /** As CMake builds it on a machine without a JDK. */
  @Test
  void aLibraryWithoutTheEntryPointsOfTheJvmIsNamedWithWhatToDo() throws Exception {
    Path other = compiled("unsigned ta_abi_version(void) { return 1; }");
    assertFails(
        load(false, "tensorarena.library.path=" + other),
        "tensorarena.library.path: " + other.resolve(FILE),
        "without JNI entry points",
        "build it");
    load(true, "java.library.path=" + other).assertSucceeded();
  }

  /** Where everybody can write, others may have left files with the names that are looked for. */
  @Test
  void whatOthersPlantedInTheTemporaryFolderIsNotLoaded() throws Exception {
    Path planted =
        compiled(
            "#include <stdlib.h>\n__attribute__((constructor)) static void run(void) { _Exit(66); }");
    Path likely = Files.createDirectory(temporary.resolve("tensorarena"));
    Path nested = Files.createDirectories(temporary.resolve("natives/" + NativeLibrary.platform()));
    for (Path place : List.of(temporary, likely, nested)) {
      Files.copy(planted.resolve(FILE), place.resolve(FILE));
    }
    TestSupport.Outcome fooled = load(true, "tensorarena.library.path=" + likely);
    assertEquals(66, fooled.exit(), fooled.output());
    load(true).assertSucceeded().assertPrinted("(deleted)");
    load(false).assertPrinted("UnsatisfiedLinkError", "the jar: it has no");
  }

  @Nested
  class OnTheModulePath {
    private String path;

    /** An application's own module, compiled against the library's. */
    @BeforeEach
    void compile() throws Exception {
      Path sources = Files.createDirectories(folder.resolve("app"));
      Path info = sources.resolve("module-info.java");
      Files.writeString(info, "module app { requires dev.tensorarena; }");
      Path main = sources.resolve("Main.java");
      Files.writeString(
          main,
          """
          package app;
          public class Main {
            public static void main(String[] args) {
              try (var ctx = dev.tensorarena.ExecutionContext.open()) {
                System.out.println(ctx.getClass().getModule() + ": " + ctx.allocTemp(42f).getFloat());
              }
            }
          }
          """);
      Path modules = Files.createDirectory(folder.resolve("modules"));
      int status =
          ToolProvider.findFirst("javac")
              .orElseThrow()
              .run(
                  System.out,
                  System.err,
                  List.of("-p", home(NativeLibrary.class), "-d", modules, info, main).stream()
                      .map(Object::toString)
                      .toArray(String[]::new));
      assertEquals(0, status);
      path = home(NativeLibrary.class) + File.pathSeparator + modules;
    }

    private TestSupport.Outcome run(String... jvmArguments) throws Exception {
      return start(jvmArguments, "-p", path, "-m", "app/app.Main");
    }

    @Test
    void itIsAModuleThatWorks() throws Exception {
      run("-Xlog:disable").assertSucceeded().assertPrinted("module dev.tensorarena: 42.0");
    }

    @Test
    @EnabledForJreRange(min = JRE.JAVA_24)
    void deniedNativeAccessNamesTheModuleToEnable() throws Exception {
      assertFails(
          run("--illegal-native-access=deny"),
          "denies native access",
          "start it with --enable-native-access=dev.tensorarena");
    }

    @Test
    @EnabledForJreRange(min = JRE.JAVA_24)
    void enabledNativeAccessIsEnough() throws Exception {
      TestSupport.Outcome outcome =
          run("--illegal-native-access=deny", "--enable-native-access=dev.tensorarena");
      assertEquals("module dev.tensorarena: 42.0", outcome.assertSucceeded().output().strip());
    }
  }

  @Nested
  @EnabledForJreRange(min = JRE.JAVA_24)
  class OnTheClassPathWithoutNativeAccess {
    private TestSupport.Outcome run(String... jvmArguments) throws Exception {
      return start(
          jvmArguments, "-cp", System.getProperty("java.class.path"), Load.class.getName());
    }

    @Test
    void deniedNativeAccessNamesWhatToEnable() throws Exception {
      assertFails(
          run("--illegal-native-access=deny"),
          "denies native access",
          "start it with --enable-native-access=ALL-UNNAMED");
    }

    @Test
    void enabledNativeAccessIsEnough() throws Exception {
      TestSupport.Outcome outcome =
          run("--illegal-native-access=deny", "--enable-native-access=ALL-UNNAMED");
      outcome.assertSucceeded().assertPrinted("(deleted)");
      assertFalse(outcome.output().contains("WARNING"), outcome.output());
    }

    @Test
    void byDefaultTheJvmOnlyWarns() throws Exception {
      run().assertSucceeded().assertPrinted("WARNING", "(deleted)");
    }
  }

  /** The folder or jar that a class comes from. */
  private static Path home(Class<?> any) throws URISyntaxException {
    return Path.of(any.getProtectionDomain().getCodeSource().getLocation().toURI());
  }

  /** A JVM with no more arguments than these. */
  private TestSupport.Outcome start(String[] jvmArguments, String... program) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(TestSupport.java());
    command.add("-Djava.io.tmpdir=" + temporary);
    command.addAll(List.of(jvmArguments));
    command.addAll(List.of(program));
    return TestSupport.run(command);
  }

  @Test
  void twoClassLoadersHaveALibraryEach() throws Exception {
    TestSupport.fork(List.of("-Djava.io.tmpdir=" + temporary), TwoLoaders.class)
        .assertSucceeded()
        .assertPrinted("2 libraries");
    assertTemporaryIsEmpty();
    Path path = library("path");
    TestSupport.fork(
            List.of(
                "-Djava.io.tmpdir=" + temporary,
                "-Dtensorarena.library.path=" + path,
                "-Djava.library.path=" + path),
            TwoLoaders.class)
        .assertSucceeded()
        .assertPrinted("2 libraries");
  }

  static final class TwoLoaders {
    public static void main(String[] args) throws Exception {
      URL url = ExecutionContext.class.getProtectionDomain().getCodeSource().getLocation();
      ClassLoader platform = ClassLoader.getPlatformClassLoader();
      try (URLClassLoader loader = new URLClassLoader(new URL[] {url}, platform)) {
        Class<?> other = loader.loadClass(ExecutionContext.class.getName());
        assertFalse(other == ExecutionContext.class);
        try (ExecutionContext ctx = ExecutionContext.open();
            AutoCloseable context = (AutoCloseable) other.getMethod("open").invoke(null)) {
          Object tensor = other.getMethod("allocTemp", float.class).invoke(context, 2f);
          Object value = tensor.getClass().getMethod("getFloatAt", long.class).invoke(tensor, 0L);
          assertEquals(2f, value);
          assertEquals(1f, ctx.allocTemp(1f).getFloat());
          assertTrue(ctx.memoryUsage() > 0);
        }
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
          long count =
              maps.filter(line -> line.contains("libtensorarena") && line.contains("r-xp")).count();
          System.out.println(count + " libraries");
        }
      }
    }
  }
}
