package dev.tensorarena.examples.reversedictionary;

/** What was asked for cannot be done; the message is a sentence for the person who asked. */
final class RefusedException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  RefusedException(String sentence) {
    super(sentence);
  }

  RefusedException(String sentence, Throwable cause) {
    super(sentence, cause);
  }
}
