package dev.tensorarena.examples.reversedictionary;

import ai.onnxruntime.OrtException;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.util.List;
import java.util.function.Function;

/**
 * The stages from a batch of texts to their vectors, with tensors in arenas. Each stage opens one
 * context a batch, as large as what it allocates, and hands its result on with {@code share()}: the
 * context closes, the bytes stay until the next stage has read them where they lie.
 */
final class ArenaEmbedding {

  /** Rows of the token tensor, {@code int64[3][texts][tokens]}: what the model takes. */
  private static final int IDS = 0;

  private static final int MASK = 1;
  private static final int TYPES = 2;

  private final Function<String, long[]> encoder;
  private final MiniLm model;
  private final Tally tally;
  private final MeanPooling pooling = new MeanPooling();
  private final float[] row = new float[MiniLm.WIDTH];

  ArenaEmbedding(Function<String, long[]> encoder, MiniLm model, Tally tally) {
    this.encoder = encoder;
    this.model = model;
    this.tally = tally;
  }

  /** The three stages, to be lengthened with what is done with the vectors. */
  Pipeline.Builder<List<String>, SharedTensor> stages() {
    return Pipeline.<List<String>, SharedTensor>of("tokenise", this::tokenise)
        .then("embed", this::embed)
        .then("pool", this::pool);
  }

  private SharedTensor tokenise(List<String> texts) {
    List<long[]> encoded = texts.stream().map(encoder).toList();
    int tokens = encoded.stream().mapToInt(ids -> ids.length).max().orElse(0);
    long bytes = 3L * texts.size() * tokens * DType.INT64.byteSize();
    try (ExecutionContext context = ExecutionContext.withCapacity(bytes)) {
      Tensor batch = context.zeros(DType.INT64, 3, texts.size(), tokens);
      LongBuffer ids = batch.select(0, IDS).asLongBuffer();
      LongBuffer mask = batch.select(0, MASK).asLongBuffer();
      for (int i = 0; i < encoded.size(); i++) {
        long[] text = encoded.get(i);
        ids.put(i * tokens, text);
        for (int j = 0; j < text.length; j++) {
          mask.put(i * tokens + j, 1);
        }
      }
      tally.context(context.arenaStats(), 1);
      return batch.share();
    }
  }

  private Embedded embed(SharedTensor batch) throws OrtException {
    long texts = batch.shape().dim(1);
    long tokens = batch.shape().dim(2);
    long bytes = texts * tokens * MiniLm.WIDTH * DType.FLOAT32.byteSize();
    try (ExecutionContext context = ExecutionContext.withCapacity(bytes)) {
      Tensor states = context.empty(DType.FLOAT32, texts, tokens, MiniLm.WIDTH);
      model.run(batch.select(0, IDS), batch.select(0, MASK), batch.select(0, TYPES), states);
      tally.context(context.arenaStats(), 1);
      return Embedded.share(batch, states);
    }
  }

  private SharedTensor pool(Embedded embedded) {
    int texts = (int) embedded.states.shape().dim(0);
    int tokens = (int) embedded.states.shape().dim(1);
    long bytes = (long) texts * MiniLm.WIDTH * DType.FLOAT32.byteSize();
    try (ExecutionContext context = ExecutionContext.withCapacity(bytes)) {
      Tensor vectors = context.empty(DType.FLOAT32, texts, MiniLm.WIDTH);
      FloatBuffer states = embedded.states.asFloatBuffer();
      LongBuffer mask = embedded.batch.select(0, MASK).asLongBuffer();
      FloatBuffer result = vectors.asFloatBuffer();
      for (int i = 0; i < texts; i++) {
        for (int j = 0; j < tokens && mask.get(i * tokens + j) != 0; j++) {
          states.get((i * tokens + j) * MiniLm.WIDTH, row);
          pooling.add(row);
        }
        pooling.finish(row);
        result.put(i * MiniLm.WIDTH, row);
      }
      tally.context(context.arenaStats(), 1);
      return vectors.share();
    }
  }

  /** What the pooling needs: the model's output, and the tokens for their mask. */
  private record Embedded(SharedTensor batch, SharedTensor states) implements AutoCloseable {

    static Embedded share(Tensor batch, Tensor states) {
      SharedTensor sharedBatch = batch.share();
      try {
        return new Embedded(sharedBatch, states.share());
      } catch (Throwable failure) {
        sharedBatch.close();
        throw failure;
      }
    }

    @Override
    public void close() {
      try (batch) {
        states.close();
      }
    }
  }
}
