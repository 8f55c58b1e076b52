package dev.tensorarena;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntSupplier;

/**
 * Finds and loads the native library: first in {@code -Dtensorarena.library.path}, then on {@code
 * java.library.path}, then the one in this jar, extracted to a fresh directory that only this user
 * can read and that is deleted once the library is loaded.
 */
final class NativeLibrary {
  private static final String NAME = "tensorarena";

  private final IntSupplier version;
  private final int needed;

  /** The places that were tried and why each failed, for the message of a failure. */
  private final List<String> tried = new ArrayList<>();

  private NativeLibrary(IntSupplier version, int needed) {
    this.version = version;
    this.needed = needed;
  }

  /**
   * Loads the library.
   *
   * @param version asks a library that has just been loaded for its ABI version
   * @param needed the ABI version that this jar was built for
   * @throws UnsatisfiedLinkError if no place has a library that loads and fits, with all that was
   *     tried; or if the JVM denies native access to this module
   */
  static void load(IntSupplier version, int needed) {
    NativeLibrary library = new NativeLibrary(version, needed);
    try {
      if (!library.loadConfigured() && !library.loadFromSystemPath() && !library.loadFromJar()) {
        throw new UnsatisfiedLinkError(library.failure());
      }
    } catch (IllegalCallerException e) { // every other place would be denied as well
      throw (Error) new UnsatisfiedLinkError(denial()).initCause(e);
    }
  }

  private static String denial() {
    Module module = NativeLibrary.class.getModule();
    return "The JVM denies native access to Tensor Arena: start it with --enable-native-access="
        + (module.isNamed() ? module.getName() : "ALL-UNNAMED");
  }

  private boolean loadConfigured() {
    String folder = System.getProperty("tensorarena.library.path");
    if (folder == null || folder.isEmpty()) {
      tried.add("tensorarena.library.path: not set");
      return false;
    }
    Path file = Path.of(folder, System.mapLibraryName(NAME)).toAbsolutePath();
    if (!Files.isRegularFile(file)) {
      tried.add("tensorarena.library.path: there is no " + file);
      return false;
    }
    return tryLoad("tensorarena.library.path: " + file, () -> System.load(file.toString()));
  }

  private boolean loadFromSystemPath() {
    return tryLoad("java.library.path", () -> System.loadLibrary(NAME));
  }

  private boolean loadFromJar() {
    String resource = "/natives/" + platform() + "/" + System.mapLibraryName(NAME);
    try (InputStream bytes = NativeLibrary.class.getResourceAsStream(resource)) {
      if (bytes == null) {
        tried.add(
            "the jar: it has no "
                + resource
                + "; build the library for this platform with CMake and name its folder with"
                + " -Dtensorarena.library.path");
        return false;
      }
      Path folder = Files.createTempDirectory(NAME).toAbsolutePath();
      Path file = folder.resolve(System.mapLibraryName(NAME));
      try {
        Files.copy(bytes, file);
        return tryLoad("the jar, extracted: " + file, () -> System.load(file.toString()));
      } finally {
        delete(file);
        delete(folder);
      }
    } catch (IOException e) {
      tried.add(
          "the jar: extracting to "
              + System.getProperty("java.io.tmpdir")
              + " failed ("
              + e
              + "); name a writable folder with -Djava.io.tmpdir");
      return false;
    }
  }

  /** Loads a library and asks for its version, which fails if it has no JNI entry points. */
  private boolean tryLoad(String where, Runnable load) {
    try {
      load.run();
      int found = version.getAsInt();
      if (found == needed) {
        return true;
      }
      tried.add(
          where
              + ": it has ABI version "
              + found
              + ", but this jar needs "
              + needed
              + " (remove it from there)");
    } catch (LinkageError e) { // a library of another version may lack methods, too
      tried.add(where + ": " + e.getMessage() + advice(e.getMessage()));
    }
    return false;
  }

  /**
   * Returns what usually helps, by the message of the system's loader; empty if nothing is known.
   */
  private static String advice(String message) {
    String text = String.valueOf(message);
    if (text.contains("failed to map segment") || text.contains("Operation not permitted")) {
      return " (the folder is mounted noexec: name another with -Djava.io.tmpdir, or unpack the"
          + " library and name its folder with -Dtensorarena.library.path)";
    }
    if (text.contains("wrong ELF class")
        || text.contains("cannot open shared object file: No such file")
        || text.contains("Exec format")
        || text.contains("invalid ELF header")) {
      return " (it was built for another system than "
          + platform()
          + ": build it here with CMake and name its folder with -Dtensorarena.library.path)";
    }
    if (text.contains("abiVersion")) {
      return " (it was built without JNI entry points: build it with CMake where a JDK is found)";
    }
    return "";
  }

  /** Deletes a file or folder; on systems that lock loaded files, at the JVM's exit. */
  private static void delete(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      path.toFile().deleteOnExit();
    }
  }

  /** Returns the folder of this platform's library in the jar, as CMake names it. */
  static String platform() {
    String os = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String arch = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
    String family = os.startsWith("windows") ? "windows" : os.startsWith("mac") ? "macos" : os;
    String cpu = arch.equals("amd64") ? "x86_64" : arch.equals("arm64") ? "aarch64" : arch;
    return family + "-" + cpu;
  }

  private String failure() {
    return "No native library for Tensor Arena on "
        + platform()
        + ". Tried "
        + String.join("; ", tried)
        + ".";
  }
}
