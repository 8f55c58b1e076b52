package dev.tensorarena;

import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the system's loader says, that of glibc, musl, macOS or Windows, and what usually helps,
 * which it does not say.
 */
final class LoaderMessages {
  private static final String BUILD_HERE =
      ": build it here with CMake and name its folder with -Dtensorarena.library.path)";

  private LoaderMessages() {}

  /** Returns the message without the file's path, which stands there up to three times. */
  static String withoutPath(String message, Path file) {
    String path = Pattern.quote(file.toString());
    String name = Matcher.quoteReplacement(file.getFileName().toString());
    return message
        .replaceFirst("^(" + path + ": )+", "")
        .replaceAll("(?<![^ '(])" + path, name); // macOS tries it below other folders, too
  }

  /** Returns the advice in parentheses, with a space before it; empty if nothing is known. */
  static String advice(String message, String platform) {
    if (isNoexec(message)) {
      return " (the folder is mounted noexec: name another with -Dtensorarena.extract.path, or unpack"
          + " the library and name its folder with -Dtensorarena.library.path)";
    }
    if (has(message, "library load disallowed", "code signature")) {
      return " (macOS refuses a file that was downloaded or is not signed: build it here with CMake,"
          + " or sign it, `codesign -s - FILE`)";
    }
    if (has(message, "virus", "blocked", "Application Control")) {
      return " (Windows has rules or a scanner that refuse it: have it allowed, or name a folder that"
          + " is, with -Dtensorarena.extract.path)";
    }
    // Before what musl begins every message with.
    if (has(message, "wrong ELF class", "invalid ELF header", "Exec format", "relocation type")
        || has(message, "file too short", "cannot read file data", "mach-o")
        || has(message, "cannot open shared object file: No such file", "wrong architecture")
        || has(
            message, "incompatible architecture", "not a valid Win32 application", ".dll on a")) {
      return " (it is damaged, or was built for another system than " + platform + BUILD_HERE;
    }
    if (has(message, "Error relocating", "Error loading shared library")) {
      return " (this system's C library, musl, lacks what it was built with" + BUILD_HERE;
    }
    if (has(message, "undefined symbol", "' not found (required by", "Symbol not found")
        || has(message, "procedure could not be found")) {
      return " (this system is older than those that it was built for" + BUILD_HERE;
    }
    if (message.contains("Can't find dependent libraries")) {
      return " (a DLL that it needs is missing: it was built with another compiler than those that"
          + " are tested)";
    }
    if (message.contains("abiVersion")) {
      return " (it was built without JNI entry points: build it with CMake where a JDK is found)";
    }
    return "";
  }

  /** Whether the file may be loaded where programs may lie, since it was refused for its place. */
  static boolean isNoexec(String message) {
    return has(message, "failed to map segment", "Operation not permitted");
  }

  private static boolean has(String message, String... parts) {
    for (String part : parts) {
      if (message.contains(part)) {
        return true;
      }
    }
    return false;
  }
}
