package dev.tensorarena.examples.reversedictionary;

import ai.onnxruntime.OrtException;
import dev.tensorarena.blas.DotProduct;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * The same stages with heap arrays, for comparison: ONNX Runtime copies the model's input in and
 * its output out, and each stage copies what it receives, since nothing keeps the sender of an
 * array from writing to it. (Whoever trusts the sender can pass the array itself and save that
 * copy.)
 */
final class HeapPipeline {

  private static final int LONG = Long.BYTES;
  private static final int FLOAT = Float.BYTES;

  private final Function<String, long[]> encoder;
  private final MiniLm model;
  private final float[] index;
  private final int topK;
  private final Tally tally;
  private final MeanPooling pooling = new MeanPooling();

  /**
   * @param index the index's rows one after the other
   */
  HeapPipeline(
      Function<String, long[]> encoder, MiniLm model, float[] index, int topK, Tally tally) {
    this.encoder = encoder;
    this.model = model;
    this.index = index;
    this.topK = topK;
    this.tally = tally;
  }

  /** All five stages. */
  Pipeline.Builder<List<String>, List<List<Hit>>> stages() {
    return Pipeline.<List<String>, Tokens>of("tokenise", this::tokenise)
        .then("embed", this::embed)
        .then("pool", this::pool)
        .then("score", this::score)
        .then("top k", this::best);
  }

  private Tokens tokenise(List<String> texts) {
    List<long[]> encoded = texts.stream().map(encoder).toList();
    int tokens = encoded.stream().mapToInt(ids -> ids.length).max().orElse(0);
    Tokens batch =
        new Tokens(
            new long[texts.size()][tokens],
            new long[texts.size()][tokens],
            new long[texts.size()][tokens]);
    for (int i = 0; i < encoded.size(); i++) {
      long[] text = encoded.get(i);
      System.arraycopy(text, 0, batch.ids[i], 0, text.length);
      Arrays.fill(batch.mask[i], 0, text.length, 1);
    }
    tally.array(3L * texts.size() * tokens * LONG);
    return batch;
  }

  private Embedded embed(Tokens received) throws OrtException {
    Tokens batch = new Tokens(copyOf(received.ids), copyOf(received.mask), copyOf(received.types));
    float[][][] states = model.run(batch.ids, batch.mask, batch.types);
    // ONNX Runtime's copies: the three inputs in, the output out.
    tally.copy(3L * batch.ids.length * batch.ids[0].length * LONG);
    tally.copy((long) states.length * states[0].length * MiniLm.WIDTH * FLOAT);
    return new Embedded(batch.mask, states);
  }

  private float[][] pool(Embedded received) {
    long[][] mask = copyOf(received.mask);
    float[][][] states = new float[received.states.length][][];
    for (int i = 0; i < states.length; i++) {
      states[i] = copyOf(received.states[i]);
    }
    float[][] vectors = new float[states.length][MiniLm.WIDTH];
    for (int i = 0; i < states.length; i++) {
      for (int j = 0; j < mask[i].length && mask[i][j] != 0; j++) {
        pooling.add(states[i][j]);
      }
      pooling.finish(vectors[i]);
    }
    tally.array((long) vectors.length * MiniLm.WIDTH * FLOAT);
    return vectors;
  }

  private float[][] score(float[][] received) {
    float[][] queries = copyOf(received);
    int nouns = index.length / MiniLm.WIDTH;
    float[][] scores = new float[queries.length][nouns];
    DotProduct.Floats vectors = i -> index[i];
    for (int i = 0; i < queries.length; i++) {
      for (int j = 0; j < nouns; j++) {
        scores[i][j] = DotProduct.of(queries[i], vectors, j * MiniLm.WIDTH);
      }
    }
    tally.array((long) queries.length * nouns * FLOAT);
    return scores;
  }

  private List<List<Hit>> best(float[][] received) {
    List<List<Hit>> answers = new ArrayList<>(received.length);
    for (float[] scores : copyOf(received)) {
      TopK best = new TopK(topK);
      for (int row = 0; row < scores.length; row++) {
        best.offer(row, scores[row]);
      }
      answers.add(best.hits());
    }
    return answers;
  }

  private long[][] copyOf(long[][] matrix) {
    tally.copy((long) matrix.length * matrix[0].length * LONG);
    return Arrays.stream(matrix).map(long[]::clone).toArray(long[][]::new);
  }

  private float[][] copyOf(float[][] matrix) {
    tally.copy((long) matrix.length * matrix[0].length * FLOAT);
    return Arrays.stream(matrix).map(float[]::clone).toArray(float[][]::new);
  }

  private record Tokens(long[][] ids, long[][] mask, long[][] types) {}

  private record Embedded(long[][] mask, float[][][] states) {}
}
