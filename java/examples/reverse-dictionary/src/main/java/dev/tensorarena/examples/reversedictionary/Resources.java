package dev.tensorarena.examples.reversedictionary;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;

/** The files that the model's, the tokenizer's and WordNet's jars bring along. */
final class Resources {

  private Resources() {}

  static InputStream open(String name) throws IOException {
    InputStream stream = Resources.class.getResourceAsStream(name);
    if (stream == null) {
      throw new FileNotFoundException(name + " is in none of the jars on the class path");
    }
    return stream;
  }

  static byte[] read(String name) throws IOException {
    try (InputStream stream = open(name)) {
      return stream.readAllBytes();
    }
  }
}
