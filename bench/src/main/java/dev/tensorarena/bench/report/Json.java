package dev.tensorarena.bench.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Reads and writes JSON, and says in a sentence what is wrong with a file. */
final class Json {
  private static final ObjectMapper MAPPER =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private Json() {}

  /**
   * A file's contents.
   *
   * @param what the file is for, for the error
   */
  static <T> T read(Path file, String what, TypeReference<T> type) {
    try (InputStream bytes = Files.newInputStream(file)) {
      return MAPPER.readValue(bytes, type);
    } catch (NoSuchFileException e) {
      throw new BadInputException(
          "There is no " + file.toAbsolutePath() + " to read " + what + " from");
    } catch (JsonProcessingException e) {
      throw new BadInputException(
          file.toAbsolutePath()
              + " is not "
              + what
              + " as JSON, or was cut off: "
              + e.getOriginalMessage().lines().findFirst().orElse("")
              + " (line "
              + (e.getLocation() == null ? "?" : e.getLocation().getLineNr())
              + ")");
    } catch (IOException e) {
      throw new BadInputException(
          "Cannot read " + what + " from " + file.toAbsolutePath() + ": " + e);
    }
  }

  /** A resource of this package, which is right unless the build is wrong. */
  static <T> T resource(String name, TypeReference<T> type) {
    try (InputStream bytes = Json.class.getResourceAsStream(name)) {
      return MAPPER.readValue(bytes, type);
    } catch (IOException e) {
      throw new IllegalStateException(name, e);
    }
  }

  static void write(Path file, Object value) throws IOException {
    MAPPER.writeValue(file.toFile(), value);
  }

  /** As maps, lists, strings and numbers, which is what a template reads. */
  static Object tree(Object value) {
    return MAPPER.convertValue(value, Object.class);
  }
}
