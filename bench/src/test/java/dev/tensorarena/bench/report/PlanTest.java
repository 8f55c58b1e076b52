package dev.tensorarena.bench.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Holds what the resources say against the benchmarks that there are. */
class PlanTest {
  private static final String IN_C = "Native";

  private final List<Job> full = Plan.full();
  private final List<Job> quick = Plan.quick();

  @Test
  void theShortSetShowsEveryPromise() {
    List<String> wrong =
        Promise.all().stream()
            .flatMap(Promise::rows)
            .distinct()
            .filter(row -> !row.name().startsWith(IN_C))
            .filter(row -> full.stream().filter(job -> job.is(row)).count() != 1)
            .map(Row::toString)
            .toList();
    List<String> slow =
        Promise.all().stream()
            .flatMap(Promise::rows)
            .filter(row -> !row.name().startsWith(IN_C))
            .filter(row -> quick.stream().noneMatch(job -> job.is(row)))
            .map(Row::toString)
            .toList();
    assertEquals(List.of(), slow, "rows that promises name and that the short set lacks");
    assertEquals(List.of(), wrong, "rows that promises name and that are not exactly one");
  }

  @Test
  void everyPromiseHasOneBound() {
    for (Promise promise : Promise.all()) {
      assertTrue(promise.atMost() == null ^ promise.atLeast() == null, promise.what());
    }
  }

  @Test
  void everyQuestionIsAskedInWordsAndAnsweredInTheShortSet() {
    Set<String> asked =
        Question.all().stream()
            .map(Question::name)
            .filter(name -> !name.startsWith(IN_C))
            .collect(Collectors.toSet());
    assertEquals(asked, names(full));
    assertEquals(asked, names(quick));
    Question.all()
        .forEach(
            question ->
                assertTrue(
                    question.asks().endsWith("?") || question.asks().contains("? "),
                    question.name()));
  }

  private static Set<String> names(List<Job> jobs) {
    return jobs.stream().map(Job::question).collect(Collectors.toSet());
  }

  @Test
  void whatAQuestionNamesExists() {
    for (Question question : Question.all()) {
      if (question.name().startsWith(IN_C)) {
        continue; // whose programs CMake builds
      }
      List<Job> jobs = full.stream().filter(job -> job.question().equals(question.name())).toList();
      Stream.of(question.subject())
          .filter(subject -> subject != null)
          .forEach(
              subject ->
                  assertTrue(jobs.stream().anyMatch(job -> job.method().equals(subject)), subject));
      question
          .quick()
          .forEach(
              (name, values) ->
                  values.forEach(
                      value ->
                          assertTrue(
                              jobs.stream().anyMatch(job -> value.equals(job.params().get(name))),
                              question.name() + " has no " + name + " of " + value)));
    }
  }

  @Test
  void theShortSetIsASelectionOfAll() {
    assertTrue(full.containsAll(quick));
    assertTrue(quick.size() < full.size());
  }
}
