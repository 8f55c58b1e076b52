package dev.tensorarena.interop.jdk22;

import static dev.tensorarena.interop.jdk22.VectorApiExamplesTest.dot;
import static org.apache.lucene.index.VectorSimilarityFunction.DOT_PRODUCT;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import java.io.IOException;
import org.apache.lucene.codecs.hnsw.FlatVectorScorerUtil;
import org.apache.lucene.codecs.hnsw.FlatVectorsScorer;
import org.apache.lucene.index.FloatVectorValues;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.util.VectorUtil;
import org.apache.lucene.util.hnsw.HnswGraphBuilder;
import org.apache.lucene.util.hnsw.HnswGraphSearcher;
import org.apache.lucene.util.hnsw.OnHeapHnswGraph;
import org.apache.lucene.util.hnsw.RandomVectorScorer;
import org.apache.lucene.util.hnsw.RandomVectorScorerSupplier;
import org.apache.lucene.util.hnsw.UpdateableRandomVectorScorer;
import org.junit.jupiter.api.Test;

/** The rows of a tensor as vectors of Lucene's, as docs/INTEROP.md shows it. */
class LuceneExamplesTest {
  // example
  /** The rows of a matrix of float32, each copied when it is asked for. */
  static final class TensorVectors extends FloatVectorValues {
    private final Tensor rows;
    private final float[] row;

    TensorVectors(Tensor rows) {
      this.rows = rows;
      this.row = new float[dimension()];
    }

    @Override
    public int dimension() {
      return (int) rows.shape().dim(1);
    }

    @Override
    public int size() {
      return (int) rows.shape().dim(0);
    }

    @Override
    public float[] vectorValue(int ord) {
      rows.select(0, ord).asFloatBuffer().get(row);
      return row; // until the next call, as those of an index are
    }

    @Override
    public TensorVectors copy() {
      return new TensorVectors(rows); // with an array of its own: scorers compare two rows
    }

    @Override
    public DocIndexIterator iterator() {
      return createDenseIterator();
    }
  }

  // end of example

  // example
  /** Scores of unit vectors, without a copy. */
  record TensorScorers(Tensor rows) implements RandomVectorScorerSupplier {
    @Override
    public UpdateableRandomVectorScorer scorer() {
      return new UpdateableRandomVectorScorer() {
        private Tensor query;

        @Override
        public void setScoringOrdinal(int ord) {
          query = rows.select(0, ord);
        }

        @Override
        public float score(int ord) {
          return VectorUtil.normalizeToUnitInterval(dot(query, rows.select(0, ord)));
        }

        @Override
        public int maxOrd() {
          return (int) rows.shape().dim(0);
        }
      };
    }

    @Override
    public TensorScorers copy() {
      return this;
    }
  }

  // end of example

  @Test
  void aGraphOfATensorsRowsIsSearched() throws IOException {
    float[] query = {1, 0};
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = ctx.copyOf(Shape.of(3, 2), 0, 1, .8f, .6f, -1, 0);
      // example
      FlatVectorsScorer scorers = FlatVectorScorerUtil.getLucene99FlatVectorsScorer();
      TensorVectors vectors = new TensorVectors(x);
      HnswGraphBuilder builder =
          HnswGraphBuilder.create(
              scorers.getRandomVectorScorerSupplier(DOT_PRODUCT, vectors), 16, 100, 42);
      OnHeapHnswGraph graph = builder.build(vectors.size()); // on the heap, without x's bytes
      RandomVectorScorer scorer = scorers.getRandomVectorScorer(DOT_PRODUCT, vectors, query);
      TopDocs nearest =
          HnswGraphSearcher.search(scorer, 1, graph, null, Integer.MAX_VALUE).topDocs();
      // end of example
      assertEquals(1, nearest.scoreDocs[0].doc);
    }
  }

  @Test
  void aGraphIsBuiltWithoutACopyOfTheRows() throws IOException {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = ctx.copyOf(Shape.of(3, 2), 0, 1, .8f, .6f, -1, 0);
      // example
      OnHeapHnswGraph graph = HnswGraphBuilder.create(new TensorScorers(x), 16, 100, 42).build(3);
      // end of example
      assertEquals(3, graph.size());
    }
  }
}
