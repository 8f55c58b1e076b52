package dev.tensorarena.bench.report;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.type.TypeReference;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What a class of benchmarks asks, and how it is shown. A class that {@code questions.json} does
 * not name is a question too, with nothing said about it.
 *
 * @param name of the class
 * @param title above it
 * @param asks the question in words
 * @param subject the method that others are compared with; or null
 * @param ours a regular expression that finds the methods that are this library's
 * @param quick the values of parameters that the short set takes; all of those not named
 * @param readme the case whose chart the root's README shows; or null
 * @param slow a regular expression that finds the rows, as {@link Job#toString} names them, that
 *     the short set leaves out besides; or null
 */
record Question(
    @JsonProperty(required = true) String name,
    String title,
    String asks,
    String subject,
    String ours,
    Map<String, List<String>> quick,
    Map<String, String> readme,
    String slow) {
  Question {
    title = title == null ? name.toLowerCase(Locale.ROOT) : title;
    asks = asks == null ? "" : asks;
    ours = ours == null ? "" : ours;
    quick = quick == null ? Map.of() : quick;
    slow = slow == null ? "" : slow;
  }

  /** Those that something is said about, in the order of showing. */
  static List<Question> all() {
    return Json.resource("questions.json", new TypeReference<>() {});
  }

  /** The question of a class. */
  static Question named(String name) {
    return all().stream()
        .filter(question -> question.name.equals(name))
        .findFirst()
        .orElseGet(() -> new Question(name, null, null, null, null, null, null, null));
  }

  boolean isOurs(String method) {
    return Pattern.matches(ours, method);
  }

  /** Whether the case with these parameters is the README's; others of the question may be told. */
  boolean isForReadme(Map<String, String> params) {
    return readme != null && readme.entrySet().containsAll(params.entrySet());
  }

  /** Whether the short set takes a row. */
  boolean isQuick(Job job) {
    return !Pattern.matches(slow, job.toString())
        && job.params().entrySet().stream().allMatch(this::isQuick);
  }

  private boolean isQuick(Map.Entry<String, String> param) {
    return !quick.containsKey(param.getKey())
        || quick.get(param.getKey()).contains(param.getValue());
  }
}
