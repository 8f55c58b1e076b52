package dev.tensorarena.blas;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Finds the BLAS library, in the order that the package's description gives. */
final class BlasLibrary {
  private static final String PROPERTY = "tensorarena.blas.library";

  /** The last function of {@link Cblas}: a library of Fortran's names alone has none of them. */
  private static final String NEEDED = "cblas_dgemm";

  /** What the jar's library needs, and last the library. */
  private static final String[] FILES = {
    "libgcc_s.so.1", "libquadmath.so.0", "libgfortran.so.5", "libopenblas.so.0"
  };

  private static final List<String> SYSTEM_NAMES =
      Platform.isLinux()
          ? List.of("libopenblas.so.0", "libblas.so.3", "libcblas.so.3")
          : List.of("openblas", "blas", "cblas");

  /** What was tried and why it was not it, for the message of a failure. */
  private final List<String> tried = new ArrayList<>();

  private BlasLibrary() {}

  /**
   * Returns the library, as it is: its settings are the process's.
   *
   * @throws UnsatisfiedLinkError if there is none, with all that was tried
   */
  static NativeLibrary find() {
    return find(System.getProperty(PROPERTY), SYSTEM_NAMES);
  }

  /** As {@link #find()}, with the property's value, or null, and other names for the system's. */
  static NativeLibrary find(String configured, List<String> systemNames) {
    BlasLibrary search = new BlasLibrary();
    NativeLibrary library = search.search(configured, systemNames);
    if (library == null) {
      throw new UnsatisfiedLinkError(search.failure());
    }
    return library;
  }

  private NativeLibrary search(String configured, List<String> systemNames) {
    if (configured != null && !configured.isEmpty()) {
      return load(PROPERTY + ": " + configured, configured);
    }
    NativeLibrary library = fromJar();
    for (int i = 0; library == null && i < systemNames.size(); i++) {
      library = load("the system's " + systemNames.get(i), systemNames.get(i));
    }
    return library;
  }

  /** Loads a library; null if it is not there or not one. */
  private NativeLibrary load(String where, String name) {
    NativeLibrary library;
    try {
      library = NativeLibrary.getInstance(name);
    } catch (UnsatisfiedLinkError e) {
      tried.add(where + ": " + reason(e));
      return null;
    }
    if (function(library, NEEDED) == null) {
      tried.add(where + ": it has no function " + NEEDED);
      return null;
    }
    return library;
  }

  /** Unpacks and loads the jar's files; null if there is no jar for this platform. */
  private NativeLibrary fromJar() {
    String platform = Platform.isARM() ? "linux-arm64" : "linux-x86_64";
    String where = "the jar org.bytedeco:openblas of " + platform;
    String folder = "org/bytedeco/openblas/" + platform + "/";
    // Asked of the loader and not of the class: on the module path the jar is another module.
    ClassLoader loader = BlasLibrary.class.getClassLoader();
    if (!Platform.isLinux() || loader.getResource(folder + FILES[FILES.length - 1]) == null) {
      tried.add(where + ": it is not there");
      return null;
    }
    try {
      Path unpacked = Files.createTempDirectory("openblas").toAbsolutePath();
      try {
        for (String file : FILES) {
          URL bytes = loader.getResource(folder + file);
          if (bytes != null) { // not every platform needs them all
            try (InputStream stream = bytes.openStream()) {
              Files.copy(stream, unpacked.resolve(file));
            }
          }
        }
        // Its runpath is its own folder, so that it finds what it needs there.
        return load(where, unpacked.resolve(FILES[FILES.length - 1]).toString());
      } finally { // what is loaded needs its file no longer
        for (String file : FILES) {
          Files.deleteIfExists(unpacked.resolve(file));
        }
        Files.delete(unpacked);
      }
    } catch (IOException e) {
      tried.add(where + ": it could not be unpacked to the temporary folder: " + e);
      return null;
    }
  }

  /** Returns a function of the library, or null if it has none of this name. */
  static Function function(NativeLibrary library, String name) {
    try {
      return library.getFunction(name);
    } catch (UnsatisfiedLinkError e) {
      return null;
    }
  }

  /** What the system's loader said, which is the second line of JNA's many. */
  private static String reason(UnsatisfiedLinkError e) {
    String message = String.valueOf(e.getMessage());
    return message.lines().skip(1).findFirst().orElse(message);
  }

  private String failure() {
    return "No BLAS library was found. Tried "
        + String.join("; ", tried)
        + ". Add the dependency org.bytedeco:openblas with the classifier of this platform, or"
        + " install one (Debian: apt-get install libopenblas0; Fedora: dnf install openblas-serial),"
        + " or name one with -D"
        + PROPERTY
        + ".";
  }
}
