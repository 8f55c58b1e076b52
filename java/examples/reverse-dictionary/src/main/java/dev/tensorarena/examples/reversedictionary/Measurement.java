package dev.tensorarena.examples.reversedictionary;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.function.LongSupplier;

/**
 * What one variant of the pipeline cost for a number of queries.
 *
 * @param queries number of queries
 * @param seconds time from the first query in to the last answer out
 * @param tally what the stages allocated and copied
 * @param garbage bytes allocated on the Java heap, by stage
 * @param libraryGarbage of these, what the tokenizer and ONNX Runtime allocated inside
 */
record Measurement(
    int queries, double seconds, Tally tally, Map<String, Long> garbage, long libraryGarbage) {

  /** Sends the queries through and counts what they cost; the tally starts anew. */
  static Measurement of(
      Pipeline<List<String>, List<List<Hit>>> pipeline,
      List<String> queries,
      Tally tally,
      LongSupplier libraryGarbage)
      throws InterruptedException, ExecutionException {
    tally.reset();
    Map<String, Long> garbageBefore = garbage(pipeline);
    long libraryGarbageBefore = libraryGarbage.getAsLong();
    long start = System.nanoTime();
    Search.answer(pipeline, queries);
    double seconds = (System.nanoTime() - start) / 1e9;
    Map<String, Long> garbage = garbage(pipeline);
    garbage.replaceAll((stage, bytes) -> bytes - garbageBefore.get(stage));
    return new Measurement(
        queries.size(), seconds, tally, garbage, libraryGarbage.getAsLong() - libraryGarbageBefore);
  }

  /** Bytes allocated on the Java heap by all stages. */
  long totalGarbage() {
    return garbage.values().stream().mapToLong(Long::longValue).sum();
  }

  private static Map<String, Long> garbage(Pipeline<?, ?> pipeline) {
    Map<String, Long> bytes = new LinkedHashMap<>();
    for (Thread thread : pipeline.threads()) {
      bytes.put(thread.getName(), Garbage.ofThread(thread));
    }
    return bytes;
  }
}
