package dev.tensorarena.examples.reversedictionary;

import dev.tensorarena.SharedTensor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * The whole way of a query, tokenise → embed → pool → score → top k, over one index and in two
 * variants that give the same hits: with tensors in arenas, and with heap arrays.
 *
 * @param index {@code float[nouns][WIDTH]}, each row of length one; must outlive the pipelines
 * @param topK how many hits a query gets
 */
record Search(WordPieces wordPieces, MiniLm model, SharedTensor index, int topK) {

  Pipeline<List<String>, List<List<Hit>>> withArenas(Tally tally) {
    ArenaEmbedding embedding = new ArenaEmbedding(wordPieces::encode, model, tally);
    return new ArenaScoring(index, topK, tally).stages(embedding.stages()).start();
  }

  Pipeline<List<String>, List<List<Hit>>> withHeapArrays(Tally tally) {
    return new HeapPipeline(wordPieces::encode, model, index.toFloatArray(), topK, tally)
        .stages()
        .start();
  }

  /** Bytes that the tokenizer and ONNX Runtime themselves have allocated on the Java heap. */
  long libraryGarbage() {
    return wordPieces.garbage() + model.garbage();
  }

  /**
   * Sends the queries through one by one, as many under way as the queues hold.
   *
   * @return the hits of each, best first, in the order of the queries
   * @throws ExecutionException if a query failed; its cause is what the stage threw
   */
  static List<List<Hit>> answer(
      Pipeline<List<String>, List<List<Hit>>> pipeline, List<String> queries)
      throws InterruptedException, ExecutionException {
    List<CompletableFuture<List<List<Hit>>>> pending = new ArrayList<>();
    for (String query : queries) {
      pending.add(pipeline.submit(List.of(query)));
    }
    List<List<Hit>> answers = new ArrayList<>();
    for (CompletableFuture<List<List<Hit>>> answer : pending) {
      answers.addAll(answer.get());
    }
    return answers;
  }
}
