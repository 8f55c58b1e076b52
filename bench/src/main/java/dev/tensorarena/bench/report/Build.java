package dev.tensorarena.bench.report;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarFile;

/**
 * What is measured, and where it was built.
 *
 * @param folder that the jar lies in
 * @param commit of this project; "unknown" outside of a repository
 */
public record Build(Path folder, String commit) {
  /** Of the jar's manifest. */
  static final String COMMIT = "Commit";

  private static final String UNKNOWN = "unknown";

  /** Returns what this class was loaded from: the jar or, in tests, a folder of classes. */
  public static Build here() {
    try {
      return of(Path.of(Build.class.getProtectionDomain().getCodeSource().getLocation().toURI()));
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  static Build of(Path classes) {
    return new Build(
        classes.toAbsolutePath().getParent(),
        Files.isRegularFile(classes) ? commitIn(classes) : UNKNOWN);
  }

  private static String commitIn(Path jar) {
    try (JarFile file = new JarFile(jar.toFile())) {
      String commit = file.getManifest().getMainAttributes().getValue(COMMIT);
      // Outside of a repository the build leaves the name of the property.
      return commit == null || commit.isBlank() || commit.startsWith("$") ? UNKNOWN : commit;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the manifest of " + jar, e);
    }
  }
}
