package dev.tensorarena.bench.report;

import java.util.Map;
import java.util.regex.Pattern;
import org.openjdk.jmh.annotations.Mode;

/**
 * A benchmark that is run, with a value for each of its parameters.
 *
 * @param benchmark JMH's name of it
 * @param type the class that has it
 * @param rounds in how many JVMs its author wants it measured
 */
record Job(String benchmark, String type, Mode mode, Map<String, String> params, int rounds) {
  /** The regular expression that JMH finds the benchmark by, and no other. */
  String include() {
    return "^" + Pattern.quote(benchmark) + "$";
  }

  /** As in {@code Share}. */
  String question() {
    return Row.question(benchmark);
  }

  String method() {
    return benchmark.substring(benchmark.lastIndexOf('.') + 1);
  }

  boolean is(Row row) {
    return row.name().equals(question() + "." + method())
        && params.entrySet().containsAll(row.params().entrySet());
  }

  /** Whether this JVM is too old for it. */
  boolean needsLaterJdk() {
    try {
      Class.forName(type, false, Job.class.getClassLoader());
      return false;
    } catch (UnsupportedClassVersionError e) {
      return true;
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(e);
    }
  }

  /** As in {@code Free.reset, tensors 10}. */
  @Override
  public String toString() {
    return Row.label(benchmark, params);
  }
}
