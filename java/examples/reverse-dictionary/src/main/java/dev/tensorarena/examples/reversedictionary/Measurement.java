package dev.tensorarena.examples.reversedictionary;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;

/**
 * What one variant of the pipeline cost for a number of queries.
 *
 * @param queries number of queries
 * @param seconds time from the first query in to the last answer out
 * @param tally what the stages allocated and copied
 * @param garbage bytes allocated on the Java heap, by stage
 */
record Measurement(int queries, double seconds, Tally tally, Map<String, Long> garbage) {

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** Sends the queries through and counts what they cost; the tally starts anew. */
  static Measurement of(
      Pipeline<List<String>, List<List<Hit>>> pipeline, List<String> queries, Tally tally)
      throws InterruptedException, ExecutionException {
    tally.reset();
    Map<String, Long> before = allocatedBytes(pipeline);
    long start = System.nanoTime();
    Search.answer(pipeline, queries);
    double seconds = (System.nanoTime() - start) / 1e9;
    Map<String, Long> garbage = allocatedBytes(pipeline);
    garbage.replaceAll((stage, bytes) -> bytes - before.get(stage));
    return new Measurement(queries.size(), seconds, tally, garbage);
  }

  /** Garbage of all stages, for one query. */
  long garbagePerQuery() {
    return garbage.values().stream().mapToLong(Long::longValue).sum() / queries;
  }

  private static Map<String, Long> allocatedBytes(Pipeline<?, ?> pipeline) {
    Map<String, Long> bytes = new LinkedHashMap<>();
    for (Thread thread : pipeline.threads()) {
      bytes.put(thread.getName(), THREADS.getThreadAllocatedBytes(thread.getId()));
    }
    return bytes;
  }
}
