package dev.tensorarena.interop.jdk22;

import static org.apache.lucene.index.VectorSimilarityFunction.DOT_PRODUCT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Scope;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import dev.tensorarena.interop.jdk22.LuceneExamplesTest.TensorScorers;
import dev.tensorarena.interop.jdk22.LuceneExamplesTest.TensorVectors;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.lucene.codecs.hnsw.DefaultFlatVectorScorer;
import org.apache.lucene.codecs.hnsw.FlatVectorScorerUtil;
import org.apache.lucene.codecs.hnsw.FlatVectorsScorer;
import org.apache.lucene.index.VectorSimilarityFunction;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.util.VectorUtil;
import org.apache.lucene.util.hnsw.HnswGraphBuilder;
import org.apache.lucene.util.hnsw.HnswGraphSearcher;
import org.apache.lucene.util.hnsw.OnHeapHnswGraph;
import org.apache.lucene.util.hnsw.RandomVectorScorer;
import org.apache.lucene.util.hnsw.RandomVectorScorerSupplier;
import org.apache.lucene.util.hnsw.UpdateableRandomVectorScorer;
import org.junit.jupiter.api.Test;

/** What the recipes for Lucene rest on: the right neighbours, and rows that end with the tensor. */
class LuceneTest {
  private static final int ROWS = 500;
  private static final int DIMENSION = 19;
  private static final int NEAREST = 10;

  private static float[] unit(Random random) {
    float[] vector = new float[DIMENSION];
    for (int i = 0; i < DIMENSION; i++) {
      vector[i] = (float) random.nextGaussian();
    }
    return VectorUtil.l2normalize(vector);
  }

  /** Unit vectors, as rows. */
  private static Tensor rows(ExecutionContext ctx) {
    Random random = new Random(42);
    Tensor rows = ctx.empty(DType.FLOAT32, ROWS, DIMENSION);
    for (int i = 0; i < ROWS; i++) {
      rows.select(0, i).copyFrom(unit(random));
    }
    return rows;
  }

  private static List<Integer> nearestByAsking(Tensor rows, float[] query) {
    float[] scores = new float[ROWS];
    for (int i = 0; i < ROWS; i++) {
      scores[i] = VectorUtil.dotProduct(rows.select(0, i).toFloatArray(), query);
    }
    return IntStream.range(0, ROWS)
        .boxed()
        .sorted(Comparator.comparing(i -> -scores[i]))
        .limit(NEAREST)
        .toList();
  }

  private static List<Integer> nearest(RandomVectorScorer scorer, OnHeapHnswGraph graph)
      throws IOException {
    // Wider than asked for, so that the graph's few misses are not among the first.
    ScoreDoc[] found =
        HnswGraphSearcher.search(scorer, 100, graph, null, Integer.MAX_VALUE).topDocs().scoreDocs;
    return Arrays.stream(found).limit(NEAREST).map(hit -> hit.doc).toList();
  }

  private static OnHeapHnswGraph graph(RandomVectorScorerSupplier suppliers) throws IOException {
    return HnswGraphBuilder.create(suppliers, 16, 100, 42).build(ROWS);
  }

  @Test
  void aGraphOfCopiedRowsAndOneWithoutCopiesFindTheNearest() throws IOException {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor rows = rows(ctx);
      Random random = new Random(7);
      for (FlatVectorsScorer scorers :
          List.of(
              DefaultFlatVectorScorer.INSTANCE,
              FlatVectorScorerUtil.getLucene99FlatVectorsScorer())) {
        TensorVectors vectors = new TensorVectors(rows);
        OnHeapHnswGraph copied = graph(scorers.getRandomVectorScorerSupplier(DOT_PRODUCT, vectors));
        OnHeapHnswGraph inPlace = graph(new TensorScorers(rows));
        for (int i = 0; i < 20; i++) {
          float[] query = unit(random);
          List<Integer> expected = nearestByAsking(rows, query);
          RandomVectorScorer scorer = scorers.getRandomVectorScorer(DOT_PRODUCT, vectors, query);
          assertEquals(expected, nearest(scorer, copied));
          assertEquals(expected, nearest(scorer, inPlace));
        }
      }
    }
  }

  @Test
  void scoresInPlaceAreLucenes() throws IOException {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor rows = rows(ctx);
      TensorVectors vectors = new TensorVectors(rows);
      UpdateableRandomVectorScorer theirs =
          DefaultFlatVectorScorer.INSTANCE
              .getRandomVectorScorerSupplier(DOT_PRODUCT, vectors)
              .scorer();
      UpdateableRandomVectorScorer ours = new TensorScorers(rows).scorer();
      theirs.setScoringOrdinal(3);
      ours.setScoringOrdinal(3);
      assertEquals(theirs.maxOrd(), ours.maxOrd());
      for (int i = 0; i < ROWS; i++) {
        assertEquals(theirs.score(i), ours.score(i), 1e-5f);
      }
    }
  }

  @Test
  void everyFunctionOfLucenesScoresTheRows() throws IOException {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      TensorVectors vectors = new TensorVectors(rows(ctx));
      float[] first = vectors.vectorValue(0).clone();
      float[] second = vectors.vectorValue(1).clone();
      for (VectorSimilarityFunction function : VectorSimilarityFunction.values()) {
        RandomVectorScorer scorer =
            DefaultFlatVectorScorer.INSTANCE.getRandomVectorScorer(function, vectors, first);
        assertEquals(function.compare(first, second), scorer.score(1), 1e-6f);
      }
    }
  }

  @Test
  void vectorsSayWhatTheyAre() throws IOException {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      TensorVectors vectors = new TensorVectors(rows(ctx));
      assertEquals(ROWS, vectors.size());
      assertEquals(DIMENSION, vectors.dimension());
      assertEquals(4 * DIMENSION, vectors.getVectorByteLength());
      DocIdSetIterator documents = vectors.iterator();
      for (int i = 0; i < ROWS; i++) {
        assertEquals(i, documents.nextDoc());
      }
      assertEquals(DocIdSetIterator.NO_MORE_DOCS, documents.nextDoc());
    }
  }

  @Test
  void aRowIsCopiedIntoOneArrayAndACopyHasItsOwn() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor rows = rows(ctx);
      TensorVectors vectors = new TensorVectors(rows);
      TensorVectors copy = vectors.copy();
      float[] row = vectors.vectorValue(0);
      assertArrayEquals(rows.select(0, 0).toFloatArray(), row);
      assertNotSame(row, copy.vectorValue(1));
      assertArrayEquals(rows.select(0, 0).toFloatArray(), row, "the copy's row went elsewhere");
      rows.setFloat(7f, 0, 2);
      assertSame(row, vectors.vectorValue(0));
      assertEquals(7f, row[2]);
    }
  }

  @Test
  void stridedRowsAreCopiedByLucenesWayAndScoredOnlyWithoutGaps() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor half = rows(ctx).slice(1, 0, 10);
      assertArrayEquals(half.select(0, 1).toFloatArray(), new TensorVectors(half).vectorValue(1));
      Tensor columns = ctx.copyOf(Shape.of(2, 2), 1f, 2, 3, 4).transpose(1, 0);
      assertThrows(IllegalStateException.class, () -> new TensorVectors(columns).vectorValue(1));
    }
  }

  @Test
  void whatIsScoredEndsWithTheTensorAndTheGraphStays() throws IOException {
    OnHeapHnswGraph graph;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Scope scope = ctx.scope();
      Tensor rows = rows(ctx);
      TensorVectors vectors = new TensorVectors(rows);
      RandomVectorScorer scorer =
          DefaultFlatVectorScorer.INSTANCE.getRandomVectorScorer(
              DOT_PRODUCT, vectors, unit(new Random(7)));
      UpdateableRandomVectorScorer inPlace = new TensorScorers(rows).scorer();
      inPlace.setScoringOrdinal(0);
      graph = graph(new TensorScorers(rows));
      scope.close();
      assertThrows(IllegalStateException.class, () -> vectors.vectorValue(0));
      assertThrows(IllegalStateException.class, () -> scorer.score(0));
      assertThrows(IllegalStateException.class, () -> inPlace.score(0));
    }
    assertEquals(ROWS, graph.size());
  }

  /** As searches of several segments do. */
  @Test
  void otherThreadsSearchSharesOfTheirOwn() throws Exception {
    List<Throwable> failed = new ArrayList<>();
    List<Thread> threads = new ArrayList<>();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor rows = rows(ctx);
      OnHeapHnswGraph graph = graph(new TensorScorers(rows));
      TensorVectors ours = new TensorVectors(rows);
      for (int i = 0; i < 2; i++) {
        float[] query = unit(new Random(i));
        List<Integer> expected = nearestByAsking(rows, query);
        SharedTensor shared = rows.share();
        Thread thread =
            new Thread(
                () -> {
                  try (shared) {
                    assertThrows(IllegalStateException.class, () -> ours.vectorValue(0));
                    RandomVectorScorer scorer =
                        DefaultFlatVectorScorer.INSTANCE.getRandomVectorScorer(
                            DOT_PRODUCT, new TensorVectors(shared), query);
                    assertEquals(expected, nearest(scorer, graph));
                    assertEquals(ROWS, graph(new TensorScorers(shared)).size());
                  } catch (IOException e) {
                    throw new AssertionError(e);
                  }
                });
        thread.setUncaughtExceptionHandler(
            (on, thrown) -> {
              synchronized (failed) {
                failed.add(thrown);
              }
            });
        threads.add(thread);
      }
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(List.of(), failed);
  }
}
