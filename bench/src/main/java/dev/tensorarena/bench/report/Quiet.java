package dev.tensorarena.bench.report;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;

/** JDK 24 and later warn of JMH's use of Unsafe, on the standard error. */
final class Quiet {
  private Quiet() {}

  /** Does something without a word on the standard error; what fails is thrown. */
  static <T> T errors(Action<T> action) throws IOException {
    PrintStream errors = System.err;
    System.setErr(new PrintStream(OutputStream.nullOutputStream()));
    try {
      return action.run();
    } finally {
      System.setErr(errors);
    }
  }

  /** What is done. */
  interface Action<T> {
    T run() throws IOException;
  }
}
