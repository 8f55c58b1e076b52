package dev.tensorarena.bench.report;

import java.io.OutputStream;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.format.OutputFormat;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Which rows are run, in which order. */
final class Plan {
  private static final int ROUNDS = 3;

  private Plan() {}

  /** Every benchmark with every value of its parameters. */
  static List<Job> full() {
    OutputFormat silent =
        OutputFormatFactory.createFormatInstance(
            new PrintStream(OutputStream.nullOutputStream()), VerboseMode.SILENT);
    List<Job> jobs = new ArrayList<>();
    for (BenchmarkListEntry entry : BenchmarkList.defaultList().getAll(silent, List.of())) {
      for (Map<String, String> params : combinations(entry)) {
        jobs.add(
            new Job(
                entry.getUsername(),
                entry.getUserClassQName(),
                entry.getMode(),
                params,
                entry.getForks().orElse(ROUNDS)));
      }
    }
    List<String> order = Question.all().stream().map(Question::name).toList();
    jobs.sort(
        Comparator.comparing(
            (Job job) ->
                order.contains(job.question()) ? order.indexOf(job.question()) : order.size()));
    return jobs;
  }

  /** A selection that answers every question, and shows every promise, in a few minutes. */
  static List<Job> quick() {
    return full().stream().filter(job -> Question.named(job.question()).isQuick(job)).toList();
  }

  /** Those of the original's first phase. */
  static List<Job> phase1() {
    return full().stream().filter(Phase1Tables::need).toList();
  }

  private static List<Map<String, String>> combinations(BenchmarkListEntry entry) {
    List<Map<String, String>> all = List.of(Map.of());
    Map<String, String[]> params = new TreeMap<>(entry.getParams().orElse(Map.of()));
    for (Map.Entry<String, String[]> param : params.entrySet()) {
      List<Map<String, String>> longer = new ArrayList<>();
      for (Map<String, String> shorter : all) {
        for (String value : param.getValue()) {
          Map<String, String> one = new LinkedHashMap<>(shorter);
          one.put(param.getKey(), value);
          longer.add(one);
        }
      }
      all = longer;
    }
    return all;
  }
}
