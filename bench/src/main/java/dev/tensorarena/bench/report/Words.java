package dev.tensorarena.bench.report;

import java.util.Locale;

/** Names of code in words. */
final class Words {
  private static final String HUMP = "(?<=[a-z0-9])(?=[A-Z])";

  private Words() {}

  /** As in "share and close", of {@code shareAndClose}. */
  static String of(String camelCase) {
    return camelCase.replaceAll(HUMP, " ").toLowerCase(Locale.ROOT);
  }
}
