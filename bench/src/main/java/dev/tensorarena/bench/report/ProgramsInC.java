package dev.tensorarena.bench.report;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The benchmarks that are programs in C, one for each allocator. CMake builds those whose library
 * it finds.
 */
final class ProgramsInC {
  private static final String SAMPLE_MILLIS = "100";
  private static final String QUESTION = "NativeAllocate.";
  private static final List<String> ALLOCATORS =
      List.of("ta_alloc", "malloc", "mimalloc", "jemalloc");

  private final Path built;
  private final Path results;

  /**
   * Of a build.
   *
   * @param built the folder with the programs
   * @param report the folder of the report, which keeps their results in one of its own
   */
  ProgramsInC(Path built, Path report) {
    this.built = built;
    this.results = report.resolve("native");
  }

  /** Those in whose rows' names it is found. */
  List<String> named(Pattern only) {
    return ALLOCATORS.stream().filter(name -> only.matcher(QUESTION + name).find()).toList();
  }

  /**
   * Runs programs, one after the other; one that was not built has no results afterwards.
   *
   * @param progress gets a line
   * @return rows that failed, each with its reason
   */
  List<String> measure(List<String> allocators, PrintStream progress) throws IOException {
    List<String> failures = new ArrayList<>();
    if (allocators.isEmpty()) {
      return failures;
    }
    Files.createDirectories(results);
    progress.print("programs in C   ");
    for (String allocator : allocators) {
      Path json = results.resolve(allocator + ".json");
      Files.deleteIfExists(json);
      Path program = built.resolve("allocate-" + allocator);
      if (Files.isExecutable(program)) {
        int status = run(program, json);
        progress.print(status == 0 ? '.' : '!');
        progress.flush();
        if (status != 0) {
          Files.delete(json);
          failures.add(QUESTION + allocator + ": " + program + " ended with " + status);
        }
      }
    }
    progress.println();
    return failures;
  }

  private static int run(Path program, Path json) throws IOException {
    try {
      return new ProcessBuilder(program.toString(), SAMPLE_MILLIS)
          .redirectError(ProcessBuilder.Redirect.INHERIT)
          .redirectOutput(json.toFile())
          .start()
          .waitFor();
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted while " + program + " measured", e);
    }
  }

  /** What was measured, if anything was. */
  Optional<Run> results() {
    return Run.inC(results);
  }

  /** A sentence for each that has no results. */
  List<String> missing() {
    return ALLOCATORS.stream()
        .filter(name -> Files.notExists(results.resolve(name + ".json")))
        .map(
            name ->
                "Missing row: "
                    + QUESTION
                    + name
                    + "; no program of it was built, or it was not run (bench/native)")
        .toList();
  }
}
