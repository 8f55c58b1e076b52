package dev.tensorarena;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntSupplier;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/**
 * Finds and loads the native library: first in {@code -Dtensorarena.library.path}, then on {@code
 * java.library.path}, then the one in this jar, {@linkplain ExtractedLibrary extracted} to {@code
 * -Dtensorarena.extract.path}. Without that property it is the temporary folder, and if nothing can
 * be written there or loaded from there, the folder for caches of this user.
 */
final class NativeLibrary {
  private static final String NAME = "tensorarena";

  private final IntSupplier version;
  private final int needed;

  /** The places that were tried and why each failed, for the message of a failure. */
  private final List<String> tried = new ArrayList<>();

  /** What the system said of the file that could not be loaded last. */
  private String refusal = "";

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
    if ("32".equals(System.getProperty("sun.arch.data.model"))) {
      throw new UnsatisfiedLinkError(
          "Tensor Arena needs a JVM of 64 bits, and this one, for "
              + System.getProperty("os.arch")
              + ", has 32");
    }
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
    return tryLoad("tensorarena.library.path: ", file);
  }

  private boolean loadFromSystemPath() {
    return tryLoad("java.library.path", UnaryOperator.identity(), () -> System.loadLibrary(NAME));
  }

  private boolean tryLoad(String where, Path file) {
    return tryLoad(
        where + file,
        message -> LoaderMessages.withoutPath(message, file),
        () -> System.load(file.toString()));
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
      return loadFrom(new ExtractedLibrary(bytes.readAllBytes(), System.mapLibraryName(NAME)));
    } catch (IOException e) {
      tried.add("the jar: " + resource + " cannot be read (" + e + ")");
      return false;
    }
  }

  private boolean loadFrom(ExtractedLibrary library) {
    String configured = System.getProperty("tensorarena.extract.path");
    if (configured != null && !configured.isEmpty()) {
      return extract(library, configured, isWindows());
    }
    if (extract(library, System.getProperty("java.io.tmpdir"), isWindows())) {
      return true;
    }
    String caches = isPlaceRefused() ? caches() : null;
    return caches != null && extract(library, caches, true);
  }

  /** Whether the library may be loaded elsewhere, since it was refused for where it lay. */
  private boolean isPlaceRefused() {
    return refusal.isEmpty() || LoaderMessages.isNoexec(refusal);
  }

  /**
   * Returns the folder for what this user's programs keep for themselves; null if there is none.
   */
  private static String caches() {
    String home = System.getProperty("user.home", "");
    String configured = System.getenv(isWindows() ? "LOCALAPPDATA" : "XDG_CACHE_HOME");
    Path caches =
        configured != null && Path.of(configured).isAbsolute()
            ? Path.of(configured)
            : Path.of(home, platform().startsWith("macos") ? "Library/Caches" : ".cache");
    return caches.isAbsolute() ? caches.toString() : null;
  }

  private boolean extract(ExtractedLibrary library, String folder, boolean kept) {
    refusal = "";
    Predicate<Path> loads = file -> tryLoad("the jar, extracted: ", file);
    try {
      Path parent = Path.of(folder);
      return kept
          ? library.loadKept(parent.resolve(NAME), loads, this::isTaken)
          : library.loadOnce(parent, loads);
    } catch (IOException | InvalidPathException e) {
      tried.add(
          "the jar: extracting to "
              + folder
              + " failed ("
              + e
              + "); name a folder that you can write to with -Dtensorarena.extract.path");
      return false;
    }
  }

  /** Returns whether the file that was refused last is another class loader's of this JVM. */
  private boolean isTaken() {
    boolean taken = refusal.contains("already loaded in another classloader");
    if (taken) {
      tried.remove(tried.size() - 1); // the next copy will do
    }
    return taken;
  }

  /**
   * Loads a library and asks for its version, which fails if it has no JNI entry points.
   *
   * @param shorten takes from a message of the system what {@code where} says already
   */
  private boolean tryLoad(String where, UnaryOperator<String> shorten, Runnable load) {
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
      refusal = shorten.apply(String.valueOf(e.getMessage()));
      tried.add(where + ": " + refusal + LoaderMessages.advice(refusal, platform()));
    }
    return false;
  }

  private static boolean isWindows() {
    return platform().startsWith("windows");
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
