package dev.tensorarena.examples.reversedictionary;

import dev.tensorarena.ArenaStats;
import java.util.List;
import java.util.concurrent.atomic.LongAccumulator;
import java.util.concurrent.atomic.LongAdder;

/** Counts what the stages allocate and copy; they call it from their threads. */
final class Tally {

  private final LongAdder tensors = new LongAdder();
  private final LongAdder bytes = new LongAdder();
  private final LongAdder copiedBytes = new LongAdder();
  private final LongAdder contexts = new LongAdder();
  private final LongAdder chunks = new LongAdder();
  private final LongAdder refills = new LongAdder();
  private final LongAccumulator peakBytes = new LongAccumulator(Math::max, 0);

  /** A context that is about to close, and how many tensors were allocated in it. */
  void context(ArenaStats stats, int tensorCount) {
    contexts.increment();
    tensors.add(tensorCount);
    bytes.add(stats.allocatedBytes());
    chunks.add(stats.chunks());
    refills.add(stats.refills());
    peakBytes.accumulate(stats.peakBytes());
  }

  /** An array in a tensor's place. */
  void array(long byteSize) {
    tensors.increment();
    bytes.add(byteSize);
  }

  /** An array that is the copy of another, or of native memory. */
  void copy(long byteSize) {
    array(byteSize);
    copiedBytes.add(byteSize);
  }

  /** Forgets what was counted so far; only while no query is under way. */
  void reset() {
    for (LongAdder adder : List.of(tensors, bytes, copiedBytes, contexts, chunks, refills)) {
      adder.reset();
    }
    peakBytes.reset();
  }

  long tensors() {
    return tensors.sum();
  }

  long bytes() {
    return bytes.sum();
  }

  long copiedBytes() {
    return copiedBytes.sum();
  }

  long contexts() {
    return contexts.sum();
  }

  long chunks() {
    return chunks.sum();
  }

  long refills() {
    return refills.sum();
  }

  long peakBytes() {
    return peakBytes.get();
  }
}
