package dev.tensorarena.bench.report;

import dev.tensorarena.bench.windows.LeastOfWindows;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.results.format.ResultFormatFactory;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Runs rows in rounds, each round with a new JVM for each row. What a neighbour on the machine
 * takes for a minute thereby falls on one sample of many rows, and shows in their errors, rather
 * than on all samples of one. JMH's own words go into a log.
 */
final class RowRunner {
  private final Pace pace;
  private final Options settings;
  private final PrintStream progress;
  private final Map<Job, RunResult> results = new LinkedHashMap<>();
  private final List<String> failures = new ArrayList<>();
  private final List<String> skipped = new ArrayList<>();

  /**
   * For one run.
   *
   * @param pace how long rows are measured
   * @param settings what JMH shall do otherwise; its forks are the rounds
   * @param progress gets a line for each question of each round, a dot for each row
   */
  RowRunner(Pace pace, Options settings, PrintStream progress) {
    this.pace = pace;
    this.settings = settings;
    this.progress = progress;
  }

  /**
   * Runs rows, and goes on when one fails.
   *
   * @param json gets the results as JMH writes them
   * @param log gets JMH's output
   * @return the results that were written
   * @throws BadInputException if no row could be measured
   */
  Results run(List<Job> jobs, Path json, Path log) throws IOException {
    Files.createDirectories(json.toAbsolutePath().getParent());
    Files.createDirectories(log.toAbsolutePath().getParent());
    try (PrintStream words = new PrintStream(Files.newOutputStream(log), true, "UTF-8")) {
      run(able(jobs), words);
    }
    if (results.isEmpty()) {
      throw new BadInputException("No row could be measured: " + failures + ", see " + log);
    }
    try (PrintStream raw =
        new PrintStream(Files.newOutputStream(json), false, StandardCharsets.UTF_8)) {
      ResultFormatFactory.getInstance(ResultFormatType.JSON, raw).writeOut(results.values());
    }
    return Results.read(json);
  }

  /** Rows that could not be measured, each with its reason. */
  List<String> failures() {
    return failures;
  }

  /** Rows that need a later JDK. */
  List<String> skipped() {
    return skipped;
  }

  private List<Job> able(List<Job> jobs) {
    List<Job> able = new ArrayList<>();
    for (Job job : jobs) {
      if (job.needsLaterJdk()) {
        skipped.add(job.toString());
      } else {
        able.add(job);
      }
    }
    return able;
  }

  private void run(List<Job> jobs, PrintStream log) {
    int all = jobs.stream().mapToInt(this::rounds).sum();
    int rounds = jobs.stream().mapToInt(this::rounds).max().orElse(0);
    int done = 0;
    long start = System.nanoTime();
    for (int round = 1; round <= rounds; round++) {
      for (List<Job> question : byQuestion(jobs, round)) {
        progress.printf("round %d of %d, %-15s ", round, rounds, question.get(0).question());
        for (Job job : question) {
          progress.print(measure(job, log) ? '.' : '!');
          progress.flush();
        }
        done += question.size();
        long taken = System.nanoTime() - start;
        progress.printf(
            " %d of %d, %s, about %s left%n",
            done, all, time(taken), time(taken / done * (all - done)));
      }
    }
  }

  private Collection<List<Job>> byQuestion(List<Job> jobs, int round) {
    return jobs.stream()
        .filter(job -> rounds(job) >= round)
        .collect(Collectors.groupingBy(Job::question, LinkedHashMap::new, Collectors.toList()))
        .values();
  }

  private int rounds(Job job) {
    return Math.max(1, settings.getForkCount().orElse(pace.rounds(job)));
  }

  private boolean measure(Job job, PrintStream log) {
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .parent(settings)
            .include(job.include())
            .mode(job.mode())
            .forks(Math.min(1, settings.getForkCount().orElse(1)))
            // Before the other, so that it measures after it has counted.
            .addProfiler(LeastOfWindows.class, String.valueOf(pace.windows(rounds(job)).toMillis()))
            .addProfiler(GCProfiler.class)
            .shouldFailOnError(true);
    pace.set(options, job, settings);
    job.params().forEach(options::param);
    try {
      Collection<RunResult> found =
          new Runner(
                  options.build(),
                  OutputFormatFactory.createFormatInstance(log, VerboseMode.NORMAL))
              .run();
      if (found.size() != 1) {
        throw new RunnerException(job + " is " + found.size() + " benchmarks");
      }
      results.merge(job, found.iterator().next(), RowRunner::join);
      return true;
    } catch (RunnerException e) {
      failures.add(job + ": " + e.getMessage());
      return false;
    }
  }

  private static RunResult join(RunResult earlier, RunResult later) {
    List<BenchmarkResult> all = new ArrayList<>(earlier.getBenchmarkResults());
    all.addAll(later.getBenchmarkResults());
    return new RunResult(earlier.getParams(), all);
  }

  private static String time(long nanoseconds) {
    Duration time = Duration.ofNanos(nanoseconds);
    return String.format(Locale.ROOT, "%d:%02d", time.toMinutes(), time.toSecondsPart());
  }
}
