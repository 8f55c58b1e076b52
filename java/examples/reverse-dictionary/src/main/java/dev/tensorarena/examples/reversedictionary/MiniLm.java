package dev.tensorarena.examples.reversedictionary;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxTensorLike;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.tensorarena.Tensor;
import dev.tensorarena.onnxruntime.OnnxTensors;
import java.io.IOException;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;

/**
 * The sentence model all-MiniLM-L6-v2, quantised, run by ONNX Runtime: a matrix of token ids to one
 * vector for every token.
 *
 * <p>The inputs are {@code input_ids}, {@code attention_mask} and {@code token_type_ids}, each
 * {@code int64[texts][tokens]}; the output is {@code float[texts][tokens][WIDTH]}.
 */
final class MiniLm implements AutoCloseable {

  /** Where the model lies in its jar. */
  static final String MODEL = "/all-minilm-l6-v2-q.onnx";

  /** Length of a vector. */
  static final int WIDTH = 384;

  /**
   * The most tokens in a text, the two marks included: the model's table of positions has so many
   * rows. It was trained on 128, and its publishers use up to 256.
   */
  static final int MAX_TOKENS = 512;

  private static final String IDS = "input_ids";
  private static final String MASK = "attention_mask";
  private static final String TYPES = "token_type_ids";
  private static final String STATES = "last_hidden_state";
  private static final Set<String> OUTPUTS = Set.of(STATES);

  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;
  private final LongAdder garbage = new LongAdder();

  private MiniLm(byte[] model) throws OrtException {
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      // Waiting threads sleep: spinning, they would take the cores that the other stages need.
      options.addConfigEntry("session.intra_op.allow_spinning", "0");
      session = environment.createSession(model, options);
    }
  }

  static MiniLm load() throws IOException, OrtException {
    return new MiniLm(Resources.read(MODEL));
  }

  /** The version of ONNX Runtime. */
  String runtimeVersion() {
    return environment.getVersion();
  }

  /**
   * Runs the model on tensors where they lie.
   *
   * @param ids token ids, {@code [texts][tokens]}, padding included
   * @param mask 1 for a token, 0 for padding
   * @param types 0 everywhere
   * @param states room for the result, {@code [texts][tokens][WIDTH]}
   */
  void run(Tensor ids, Tensor mask, Tensor types, Tensor states) throws OrtException {
    try (OnnxTensor idTensor = OnnxTensors.createTensor(environment, ids);
        OnnxTensor maskTensor = OnnxTensors.createTensor(environment, mask);
        OnnxTensor typeTensor = OnnxTensors.createTensor(environment, types);
        OnnxTensor pinned = OnnxTensors.createOutput(environment, states)) {
      run(inputs(idTensor, maskTensor, typeTensor), Map.of(STATES, pinned)).close();
    }
  }

  /** Runs the model on heap arrays: ONNX Runtime copies them in, and the result out. */
  float[][][] run(long[][] ids, long[][] mask, long[][] types) throws OrtException {
    try (OnnxTensor idTensor = OnnxTensor.createTensor(environment, ids);
        OnnxTensor maskTensor = OnnxTensor.createTensor(environment, mask);
        OnnxTensor typeTensor = OnnxTensor.createTensor(environment, types);
        OrtSession.Result result = run(inputs(idTensor, maskTensor, typeTensor), Map.of())) {
      return (float[][][]) result.get(0).getValue();
    }
  }

  /** Bytes that ONNX Runtime itself has allocated on the Java heap while it ran the model. */
  long garbage() {
    return garbage.sum();
  }

  private OrtSession.Result run(
      Map<String, OnnxTensorLike> inputs, Map<String, OnnxTensor> pinnedOutputs)
      throws OrtException {
    Set<String> otherOutputs = pinnedOutputs.isEmpty() ? OUTPUTS : Set.of();
    long before = Garbage.ofThisThread();
    OrtSession.Result result = session.run(inputs, otherOutputs, pinnedOutputs);
    garbage.add(Garbage.ofThisThread() - before);
    return result;
  }

  private static Map<String, OnnxTensorLike> inputs(
      OnnxTensor ids, OnnxTensor mask, OnnxTensor types) {
    return Map.of(IDS, ids, MASK, mask, TYPES, types);
  }

  @Override
  public void close() throws OrtException {
    session.close();
  }
}
