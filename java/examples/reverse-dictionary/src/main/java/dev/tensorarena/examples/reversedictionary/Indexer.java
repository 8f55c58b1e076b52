package dev.tensorarena.examples.reversedictionary;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/** Embeds the glosses of nouns, batch by batch: row i of the index is the vector of noun i. */
final class Indexer {

  /** What an index holds depends on the code too: to be raised when this class changes it. */
  private static final String RECIPE = "1";

  private static final int BATCH = 32;

  private final WordPieces wordPieces;
  private final MiniLm model;

  Indexer(WordPieces wordPieces, MiniLm model) {
    this.wordPieces = wordPieces;
    this.model = model;
  }

  /**
   * Everything that decides what is in an index.
   *
   * @param nouns how its nouns were chosen
   */
  Map<String, String> origin(String nouns) throws IOException {
    Map<String, String> origin = new LinkedHashMap<>();
    origin.put("recipe", RECIPE);
    origin.put("nouns", nouns);
    origin.put("wordnet", Sha256.of(Resources.open(WordNet.NOUNS)));
    origin.put("tokenizer", Sha256.of(Resources.open(WordPieces.TOKENIZER)));
    origin.put("model", Sha256.of(Resources.open(MiniLm.MODEL)));
    origin.put("onnxruntime", model.runtimeVersion());
    return origin;
  }

  /**
   * Computes the index.
   *
   * @param context where the result lives
   * @param progress told how many more nouns are done, from another thread
   * @return {@code float[nouns][WIDTH]}, each row of length one
   */
  Tensor index(ExecutionContext context, List<Noun> nouns, IntConsumer progress)
      throws InterruptedException, ExecutionException {
    Tensor index = context.empty(DType.FLOAT32, nouns.size(), MiniLm.WIDTH);
    // Glosses of like length share a batch, so that little of it is padding.
    int[] order =
        IntStream.range(0, nouns.size())
            .boxed()
            .sorted(Comparator.comparingInt(i -> nouns.get(i).gloss().length()))
            .mapToInt(Integer::intValue)
            .toArray();
    Collector collector = new Collector(index.asFloatBuffer(), order, progress);
    ArenaEmbedding embedding = new ArenaEmbedding(wordPieces::encodeTruncated, model, new Tally());
    try (Pipeline<List<String>, Integer> pipeline =
        embedding.stages().then("collect", collector::collect).start()) {
      List<CompletableFuture<Integer>> batches = new ArrayList<>();
      for (int from = 0; from < order.length; from += BATCH) {
        int to = Math.min(from + BATCH, order.length);
        batches.add(
            pipeline.submit(
                IntStream.range(from, to).mapToObj(i -> nouns.get(order[i]).gloss()).toList()));
      }
      for (CompletableFuture<Integer> batch : batches) {
        batch.get();
      }
    }
    return index;
  }

  /**
   * The last stage: puts each vector where it belongs. It writes to the index through a view that
   * was taken before; the index's owner waits meanwhile.
   */
  private static final class Collector {

    private final FloatBuffer index;
    private final int[] order;
    private final IntConsumer progress;
    private int collected;

    Collector(FloatBuffer index, int[] order, IntConsumer progress) {
      this.index = index;
      this.order = order;
      this.progress = progress;
    }

    int collect(SharedTensor vectors) {
      int count = (int) vectors.shape().dim(0);
      FloatBuffer rows = vectors.asFloatBuffer();
      for (int i = 0; i < count; i++) {
        // Batches come out in the order in which they went in.
        int row = order[collected++];
        index.put(row * MiniLm.WIDTH, rows, i * MiniLm.WIDTH, MiniLm.WIDTH);
      }
      progress.accept(count);
      return count;
    }
  }
}
