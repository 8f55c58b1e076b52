package dev.tensorarena.bench.report;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What runs say to a question.
 *
 * @param entries the rows of the question
 * @param params that have more than one value among them
 */
record Answer(Question question, List<Entry> entries, Set<String> params) {
  /** Rows that are compared with each other: other methods at the same work. */
  record Case(Map<String, String> params, int threads, String unit) {
    /** As in "bytes 4000, 2 threads"; empty if there is but one case. */
    String title() {
      List<String> parts = new ArrayList<>();
      params.forEach((name, value) -> parts.add(Words.of(name) + " " + value));
      if (threads > 1) {
        parts.add(threads + " threads");
      }
      return String.join(", ", parts);
    }
  }

  /** To each question that the runs have rows of: first those that something is said about. */
  static List<Answer> all(List<Run> runs) {
    Map<String, List<Entry>> byQuestion = new LinkedHashMap<>();
    Question.all().forEach(question -> byQuestion.put(question.name(), new ArrayList<>()));
    for (Run run : runs) {
      for (Measurement row : run.results().all()) {
        byQuestion.computeIfAbsent(row.question(), n -> new ArrayList<>()).add(new Entry(run, row));
      }
    }
    byQuestion.values().removeIf(List::isEmpty);
    List<Answer> all = new ArrayList<>();
    byQuestion.forEach(
        (name, entries) -> all.add(new Answer(Question.named(name), entries, varied(entries))));
    return all;
  }

  private static Set<String> varied(List<Entry> entries) {
    Map<String, Set<String>> values = new TreeMap<>();
    for (Entry entry : entries) {
      entry
          .row()
          .params()
          .forEach(
              (name, value) -> values.computeIfAbsent(name, n -> new LinkedHashSet<>()).add(value));
    }
    values.values().removeIf(distinct -> distinct.size() < 2);
    return values.keySet();
  }

  /** The cases, each with its rows. */
  Map<Case, List<Entry>> cases() {
    return entries.stream()
        .collect(Collectors.groupingBy(this::caseOf, LinkedHashMap::new, Collectors.toList()));
  }

  private Case caseOf(Entry entry) {
    Measurement row = entry.row();
    Map<String, String> told = new TreeMap<>(row.params());
    told.keySet().retainAll(params);
    return new Case(told, row.threads(), row.unit());
  }

  Collection<List<Entry>> rivals() {
    return cases().values();
  }
}
