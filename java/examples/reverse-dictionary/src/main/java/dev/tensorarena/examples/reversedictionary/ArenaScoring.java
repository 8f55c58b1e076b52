package dev.tensorarena.examples.reversedictionary;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import dev.tensorarena.blas.Blas;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The stages from query vectors to the best rows of the index, with tensors in arenas. The index is
 * one shared tensor that every query reads where it lies, by {@link Blas}: a matrix times a vector.
 */
final class ArenaScoring {

  private final SharedTensor index;
  private final int topK;
  private final Tally tally;

  /**
   * @param index {@code float[nouns][WIDTH]}, each row of length one; must live as long as the
   *     stages
   */
  ArenaScoring(SharedTensor index, int topK, Tally tally) {
    Blas.threads(1); // the queries have threads of their own
    this.index = index;
    this.topK = topK;
    this.tally = tally;
  }

  /** Lengthens an embedding by the two stages. */
  <I> Pipeline.Builder<I, List<List<Hit>>> stages(Pipeline.Builder<I, SharedTensor> embedding) {
    return embedding.then("score", this::score).then("top k", this::best);
  }

  private SharedTensor score(SharedTensor queries) {
    int texts = (int) queries.shape().dim(0);
    int nouns = (int) index.shape().dim(0);
    long bytes = (long) texts * nouns * DType.FLOAT32.byteSize();
    try (ExecutionContext context = ExecutionContext.withCapacity(bytes)) {
      Tensor scores = context.empty(DType.FLOAT32, texts, nouns);
      for (int i = 0; i < texts; i++) {
        Blas.gemv(1, index, queries.select(0, i), 0, scores.select(0, i));
      }
      tally.context(context.arenaStats(), 1);
      return scores.share();
    }
  }

  private List<List<Hit>> best(SharedTensor scores) {
    int texts = (int) scores.shape().dim(0);
    int nouns = (int) scores.shape().dim(1);
    FloatBuffer buffer = scores.asFloatBuffer();
    List<List<Hit>> answers = new ArrayList<>(texts);
    for (int i = 0; i < texts; i++) {
      TopK best = new TopK(topK);
      for (int row = 0; row < nouns; row++) {
        best.offer(row, buffer.get(i * nouns + row));
      }
      answers.add(best.hits());
    }
    return answers;
  }
}
