package dev.tensorarena.bench.report;

import java.util.Map;

/**
 * Names a row among the results.
 *
 * @param name question and method, as in {@code Share.copy}
 * @param params those that tell it from other rows of the same name
 */
record Row(String name, Map<String, String> params) {
  /** Classes of their own for rows that need a later JDK, or more of it, ask the same question. */
  private static final String SIBLING = "(Vectors)?(On\\d+)?$";

  /** Benchmarks that are programs in C, and the question that those of a JVM do not answer. */
  private static final String IN_C = "native.";

  private static final String C = "Native";

  Row {
    params = params == null ? Map.of() : params;
  }

  static Row of(String name) {
    return new Row(name, Map.of());
  }

  boolean matches(Measurement row) {
    return name.equals(row.question() + "." + row.method())
        && row.params().entrySet().containsAll(params.entrySet());
  }

  /** What a benchmark's class asks, as in {@code Share}. */
  static String question(String benchmark) {
    String type = benchmark.substring(0, benchmark.lastIndexOf('.'));
    String name = type.substring(type.lastIndexOf('.') + 1).replaceFirst(SIBLING, "");
    return benchmark.startsWith(IN_C) ? C + name : name;
  }

  /** As in {@code Free.reset, tensors 10}. */
  static String label(String benchmark, Map<String, String> params) {
    StringBuilder label = new StringBuilder(question(benchmark));
    label.append(benchmark.substring(benchmark.lastIndexOf('.')));
    params.forEach((name, value) -> label.append(", ").append(name).append(' ').append(value));
    return label.toString();
  }
}
