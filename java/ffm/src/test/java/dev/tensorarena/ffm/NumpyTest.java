package dev.tensorarena.ffm;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ForkedJvm;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** DLPack with NumPy itself: Debian's, and one that is newer if Python has it. */
class NumpyTest {
  private static final String DEBIAN = "/usr/lib/python3/dist-packages";
  private static final List<String> JVM = List.of("--enable-native-access=ALL-UNNAMED");

  private static String run(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(ForkedJvm.command(NumpyProgram.class, JVM));
    command.addAll(List.of(arguments));
    return ForkedJvm.run(command);
  }

  private static String python(String command, String program) throws Exception {
    Process python;
    try {
      python = new ProcessBuilder(command, "-c", program).start();
    } catch (IOException e) {
      return "";
    }
    String printed = new String(python.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return python.waitFor() == 0 ? printed.strip() : "";
  }

  @Test
  void withTheNumpyOfDebian() throws Exception {
    String version =
        python(
            "/usr/bin/python3.11",
            "import sys; sys.path.insert(0, '"
                + DEBIAN
                + "'); import numpy; print(numpy.__version__)");
    Assumptions.assumeFalse(
        !Python.isThere() || version.isEmpty(),
        "There is no Python 3.11 with NumPy: install both to test DLPack with it"
            + " (Debian: libpython3.11 python3-numpy)");
    String run = run(DEBIAN);
    assertTrue(run.equals(version), run);
  }

  /** Of versions from 2.1 on, which know the struct that says what is read-only. */
  @Test
  void withANumpyThatKnowsVersionsOfDlpack() throws Exception {
    String found =
        python(
            "python3",
            """
            import os, sys, numpy
            new = tuple(map(int, numpy.__version__.split('.')[:2])) >= (2, 1)
            if new and sys.version_info[:2] == (3, 11):
                print(numpy.__version__, os.path.dirname(os.path.dirname(numpy.__file__)))
            """);
    Assumptions.assumeFalse(
        !Python.isThere() || found.isEmpty(),
        "There is no Python 3.11 with a NumPy of 2.1 or later");
    String[] versionAndFolder = found.split(" ", 2);
    String run = run(versionAndFolder[1], "versioned");
    assertTrue(run.equals(versionAndFolder[0]), run);
  }
}
