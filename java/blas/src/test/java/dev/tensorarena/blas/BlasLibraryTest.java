package dev.tensorarena.blas;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Tensor;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Where the BLAS library is looked for, and what a failure says. Each case has a JVM of its own.
 * The system's library is played by the jar's, in a folder where the loader looks first.
 */
class BlasLibraryTest {
  private static final String OPENBLAS = "libopenblas.so.0";
  private static final String GFORTRAN = "libgfortran.so.5";
  private static final List<String> NEEDED_BY_IT =
      List.of("libgcc_s.so.1", "libquadmath.so.0", GFORTRAN);
  private static final String JAR = jar();

  @TempDir private Path folder;

  /** java.io.tmpdir of the JVM. */
  private Path temporary;

  /** Where the system's loader looks first. */
  private Path system;

  private int exit;
  private String output;

  @BeforeEach
  void makeFolders() throws IOException {
    temporary = Files.createDirectory(folder.resolve("temporary"));
    system = Files.createDirectory(folder.resolve("system"));
  }

  private static String jar() {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
        .filter(entry -> Path.of(entry).getFileName().toString().startsWith("openblas-"))
        .findFirst()
        .orElseThrow();
  }

  private static String classPathWithoutTheJar() {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
        .filter(entry -> !entry.equals(JAR))
        .collect(Collectors.joining(File.pathSeparator));
  }

  /** Puts one of the jar's files into a folder, under a name. */
  private static void unpack(String file, Path folder, String name) throws IOException {
    String platform = System.getProperty("os.arch").equals("aarch64") ? "arm64" : "x86_64";
    copy("/org/bytedeco/openblas/linux-" + platform + "/" + file, folder.resolve(name));
  }

  private static void copy(String resource, Path to) throws IOException {
    try (InputStream bytes = BlasLibraryTest.class.getResourceAsStream(resource)) {
      if (bytes != null) { // not every platform needs all of the jar's files
        Files.copy(bytes, to);
      }
    }
  }

  private static void unpackOpenBlas(Path folder, String name) throws IOException {
    unpack(OPENBLAS, folder, name);
    for (String file : NEEDED_BY_IT) {
      unpack(file, folder, file);
    }
  }

  /** Computes in a JVM with this class path and these properties. */
  private void compute(String classPath, String... properties)
      throws IOException, InterruptedException {
    List<String> arguments = new ArrayList<>();
    arguments.add("-Djava.io.tmpdir=" + temporary);
    for (String property : properties) {
      arguments.add("-D" + property);
    }
    Map<String, String> environment = Map.of("LD_LIBRARY_PATH", system.toString());
    Jvm jvm = Jvm.run(Compute.class, environment, classPath, arguments);
    exit = jvm.exit();
    output = jvm.output();
  }

  private void assertComputedWith(Path library) {
    assertEquals(0, exit, output);
    assertTrue(output.contains("computed with " + library), output);
  }

  /** Calls every function and prints which library it was. */
  static final class Compute {
    public static void main(String[] args) throws IOException {
      try (ExecutionContext ctx = ExecutionContext.open()) {
        for (DType dtype : List.of(DType.FLOAT32, DType.FLOAT64)) {
          Tensor ones = ctx.zeros(dtype, 3, 3).fill(1f);
          Tensor x = ctx.zeros(dtype, 3).fill(1f);
          Blas.axpy(1, ones.select(0, 0), x); // 2
          Blas.scal(3, x); // 6
          Tensor y = ctx.empty(dtype, 3);
          Blas.gemv(1, ones, x, 0, y); // 18
          Tensor threes = ctx.empty(dtype, 3, 3);
          Blas.gemm(1, ones, ones, 0, threes);
          double sum = Blas.dot(threes.select(1, 2), y);
          if (sum != 3 * 3 * 18) {
            throw new AssertionError(dtype + ": " + sum);
          }
        }
      }
      try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
        maps.filter(line -> line.contains("blas"))
            .map(line -> "computed with " + line.substring(line.indexOf('/')))
            .distinct()
            .forEach(System.out::println);
      }
    }
  }

  @Test
  void theJarsComesFirstAndIsDeletedOnceLoaded() throws Exception {
    unpackOpenBlas(system, OPENBLAS);
    compute(System.getProperty("java.class.path"));
    assertComputedWith(temporary.resolve("openblas"));
    assertTrue(output.contains(OPENBLAS + " (deleted)"), output);
    try (Stream<Path> left = Files.list(temporary)) {
      List<String> names = left.map(file -> file.getFileName().toString()).toList();
      assertTrue(names.stream().noneMatch(name -> name.startsWith("openblas")), names.toString());
    }
  }

  @Test
  void withoutTheJarItIsTheSystems() throws Exception {
    unpackOpenBlas(system, OPENBLAS);
    compute(classPathWithoutTheJar());
    assertComputedWith(system.resolve(OPENBLAS));
  }

  @Test
  void whereTheTemporaryFolderTakesNothingItIsTheSystems() throws Exception {
    unpackOpenBlas(system, OPENBLAS);
    // The tensors' own library and JNA's are found elsewhere.
    String natives = "/natives/linux-" + System.getProperty("os.arch").replace("amd64", "x86_64");
    copy(natives + "/libtensorarena.so", system.resolve("libtensorarena.so"));
    Path jna = Files.createDirectory(folder.resolve("jna"));
    Path none = folder.resolve("none");
    compute(System.getProperty("java.class.path"), "java.io.tmpdir=" + none, "jna.tmpdir=" + jna);
    assertComputedWith(system.resolve(OPENBLAS));
  }

  @Test
  void oneWithoutTheFunctionsIsPassedOver() throws Exception {
    unpack("libgcc_s.so.1", system, OPENBLAS);
    unpackOpenBlas(system, "libblas.so.3");
    compute(classPathWithoutTheJar());
    assertComputedWith(system.resolve("libblas.so.3"));
  }

  @Test
  void thePropertyIsStrongerThanTheJar() throws Exception {
    Path own = Files.createDirectory(folder.resolve("own"));
    unpackOpenBlas(own, "libown-blas.so");
    Path library = own.resolve("libown-blas.so");
    compute(System.getProperty("java.class.path"), "tensorarena.blas.library=" + library);
    assertComputedWith(library);
  }

  @Test
  void whatThePropertyNamesIsAllThatIsTried() {
    String message =
        assertThrows(
                UnsatisfiedLinkError.class,
                () -> BlasLibrary.find("no-such-blas", List.of(OPENBLAS)))
            .getMessage();
    assertTrue(message.contains("Tried tensorarena.blas.library: no-such-blas: "), message);
    assertTrue(!message.contains("org.bytedeco:openblas of"), message);
    assertTrue(!message.contains(OPENBLAS), message);
  }

  @Test
  void aFailureSaysWhatWasTriedAndHowToInstallOne() throws Exception {
    // Folders in place of libraries, which the loader finds before the system's and cannot load.
    for (String name : List.of(OPENBLAS, "libblas.so.3", "libcblas.so.3")) {
      Files.createDirectory(system.resolve(name));
    }
    // JNA goes on looking in folders that it knows itself.
    compute(classPathWithoutTheJar(), "jna.platform.library.path=" + system);
    assertEquals(1, exit, output);
    assertTrue(output.contains("UnsatisfiedLinkError: No BLAS library was found. Tried "), output);
    int at = 0;
    for (String part :
        List.of(
            "org.bytedeco:openblas of linux-",
            "it is not there",
            "system's libopenblas.so.0: ",
            "/libopenblas.so.0: cannot read",
            "system's libblas.so.3: ",
            "/libblas.so.3: cannot read",
            "system's libcblas.so.3: ",
            "/libcblas.so.3: cannot read",
            "Add the dependency org.bytedeco:openblas",
            "apt-get install libopenblas0",
            "-Dtensorarena.blas.library")) {
      at = output.indexOf(part, at);
      assertTrue(at >= 0, part + " does not follow in:\n" + output);
    }
  }
}
