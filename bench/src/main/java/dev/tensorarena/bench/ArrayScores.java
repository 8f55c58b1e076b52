package dev.tensorarena.bench;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import dev.tensorarena.blas.Blas;
import dev.tensorarena.blas.DotProduct;

/** How {@link ArrayPipeline} compares a query with every vector of an index. */
interface ArrayScores extends AutoCloseable {
  /**
   * Compares.
   *
   * @param vector {@code float[Query.WIDTH]}
   * @param scores {@code float[Query.ROWS]}, the result
   */
  void compute(float[] vector, float[] scores);

  /** See {@link QueryPipeline#tolerance}. */
  double tolerance();

  @Override
  default void close() {
    // the collector's
  }

  /** The sums that the rows make which differ in memory only. */
  static ArrayScores byDotProduct(float... index) {
    DotProduct.Floats vectors = i -> index[i];
    return new ArrayScores() {
      @Override
      public void compute(float[] vector, float[] scores) {
        for (int row = 0; row < Query.ROWS; row++) {
          scores[row] = DotProduct.of(vector, vectors, row * Query.WIDTH);
        }
      }

      @Override
      public double tolerance() {
        return 0;
      }
    };
  }

  /** The loop that one writes. */
  static ArrayScores byLoop(float... index) {
    return new ArrayScores() {
      @Override
      public void compute(float[] vector, float[] scores) {
        for (int row = 0; row < Query.ROWS; row++) {
          float sum = 0;
          for (int i = 0; i < Query.WIDTH; i++) {
            sum += vector[i] * index[row * Query.WIDTH + i];
          }
          scores[row] = sum;
        }
      }

      @Override
      public double tolerance() {
        return ExpectedHits.OF_ANOTHER_ORDER;
      }
    };
  }

  /**
   * BLAS, which takes no arrays: the index was copied to where BLAS can read it when the program
   * started, and for each query the vector is copied there, and the scores back.
   */
  static ArrayScores byBlas(float... index) {
    Blas.threads(1);
    ExecutionContext context = ExecutionContext.open();
    Tensor vectors = context.copyOf(Shape.of(Query.ROWS, Query.WIDTH), index);
    Tensor query = context.empty(DType.FLOAT32, Query.WIDTH);
    Tensor products = context.empty(DType.FLOAT32, Query.ROWS);
    return new ArrayScores() {
      @Override
      public void compute(float[] vector, float[] scores) {
        Blas.gemv(1, vectors, query.copyFrom(vector), 0, products);
        products.asFloatBuffer().get(0, scores);
      }

      @Override
      public double tolerance() {
        return ExpectedHits.OF_ANOTHER_ORDER;
      }

      @Override
      public void close() {
        context.close();
      }
    };
  }
}
