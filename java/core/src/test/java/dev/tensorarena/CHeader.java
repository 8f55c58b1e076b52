package dev.tensorarena;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** The constants and the structs of a C header of this repository, as far as Java repeats them. */
final class CHeader {
  private static final Pattern COMMENT = Pattern.compile("/\\*.*?\\*/", Pattern.DOTALL);
  private static final Pattern SHIFTED = Pattern.compile("\\(UINT64_C\\((\\d+)\\) << (\\d+)\\)");
  private static final Pattern FIELD = Pattern.compile("(\\w+) (\\w+)(?:\\[(\\d+)])?;");

  private final String text;

  private CHeader(String text) {
    this.text = COMMENT.matcher(text).replaceAll("");
  }

  /**
   * Reads a header.
   *
   * @param file below {@code native/}
   */
  static CHeader read(String file) {
    Path path = Path.of("..", "..", "native").resolve(file);
    try {
      return new CHeader(Files.readString(path));
    } catch (IOException e) {
      throw new UncheckedIOException("no header " + path.toAbsolutePath().normalize(), e);
    }
  }

  /** Returns the value that a name is defined as. */
  Optional<Long> constant(String name) {
    return Pattern.compile("^#define " + name + " (.*)$", Pattern.MULTILINE)
        .matcher(text)
        .results()
        .map(found -> valueOf(found.group(1).strip()))
        .findFirst();
  }

  private static long valueOf(String expression) {
    if (expression.equals("UINT64_MAX")) {
      return -1;
    }
    var shifted = SHIFTED.matcher(expression);
    return shifted.matches()
        ? Long.parseLong(shifted.group(1)) << Integer.parseInt(shifted.group(2))
        : Long.decode(expression.replaceFirst("u$", ""));
  }

  /** Returns the names of a struct's words of 64 bits, of which alone it must consist. */
  List<String> words(String struct) {
    String body =
        Pattern.compile("typedef struct " + struct + " \\{(.*?)\\} " + struct + ";", Pattern.DOTALL)
            .matcher(text)
            .results()
            .map(found -> found.group(1))
            .findFirst()
            .orElseThrow(() -> new AssertionError("no struct " + struct + " in the header"));
    List<String> words = new ArrayList<>();
    for (MatchResult field : FIELD.matcher(body).results().toList()) {
      if (!List.of("uint64_t", "int64_t").contains(field.group(1))) {
        throw new AssertionError(struct + "." + field.group(2) + " is a " + field.group(1));
      }
      int length = field.group(3) == null ? 1 : Integer.parseInt(field.group(3));
      for (int i = 0; i < length; i++) {
        words.add(field.group(2));
      }
    }
    return words;
  }
}
