package dev.tensorarena.bench.report;

/** What the user gave cannot be used; the message is a sentence for the user. */
final class BadInputException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  BadInputException(String sentence) {
    super(sentence);
  }
}
