package dev.tensorarena.examples.reversedictionary;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The stages from query vectors to the best rows of the index, with tensors in arenas. The index is
 * one shared tensor that every query reads; it goes through a small heap array block by block, since
 * loops over a {@code float[]} are faster than loops over a buffer.
 */
final class ArenaScoring {

  private static final int BLOCK_ROWS = 16;
  private static final int BLOCK_SCORES = 1024;

  private final SharedTensor index;
  private final int topK;
  private final Tally tally;
  private final float[] query = new float[MiniLm.WIDTH];
  private final float[] rows = new float[BLOCK_ROWS * MiniLm.WIDTH];
  private final float[] rowScores = new float[BLOCK_ROWS];
  private final float[] block = new float[BLOCK_SCORES];

  /**
   * @param index {@code float[nouns][WIDTH]}, each row of length one; must live as long as the stages
   */
  ArenaScoring(SharedTensor index, int topK, Tally tally) {
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
      FloatBuffer vectors = queries.asFloatBuffer();
      FloatBuffer indexRows = index.asFloatBuffer();
      FloatBuffer result = scores.asFloatBuffer();
      for (int i = 0; i < texts; i++) {
        vectors.get(i * MiniLm.WIDTH, query);
        for (int from = 0; from < nouns; from += BLOCK_ROWS) {
          int count = Math.min(BLOCK_ROWS, nouns - from);
          indexRows.get(from * MiniLm.WIDTH, rows, 0, count * MiniLm.WIDTH);
          for (int j = 0; j < count; j++) {
            rowScores[j] = DotProduct.of(query, rows, j * MiniLm.WIDTH);
          }
          result.put(i * nouns + from, rowScores, 0, count);
        }
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
      for (int from = 0; from < nouns; from += BLOCK_SCORES) {
        int count = Math.min(BLOCK_SCORES, nouns - from);
        buffer.get(i * nouns + from, block, 0, count);
        best.offer(from, block, count);
      }
      answers.add(best.hits());
    }
    return answers;
  }
}
