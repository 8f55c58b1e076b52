/**
 * Tensors as inputs and outputs of ONNX Runtime, without a copy.
 *
 * <h2>Start here</h2>
 *
 * <p>In an open context {@code ctx}, with a {@code session} in the {@code environment}, whose model
 * has one input {@code x} and one output {@code y}:
 *
 * <pre>{@code
 * Tensor x = ctx.copyOf(Shape.of(1, 3), 1f, 2f, 3f);
 * Tensor y = ctx.empty(DType.FLOAT32, 1, 3);
 * try (OnnxTensor input = OnnxTensors.createTensor(environment, x);
 *     OnnxTensor output = OnnxTensors.createOutput(environment, y)) {
 *   session.run(Map.of("x", input), Map.of("y", output)).close(); // no copy: y has the result
 * }
 * }</pre>
 *
 * <p>and where the size of the result is known only afterwards, so that ONNX Runtime allocates it:
 *
 * <pre>{@code
 * Tensor result;
 * try (OnnxTensor input = OnnxTensors.createTensor(environment, x);
 *     OrtSession.Result results = session.run(Map.of("x", input))) {
 *   result = OnnxTensors.copyOf(ctx, (OnnxTensor) results.get("y").orElseThrow());
 * }
 * }</pre>
 */
package dev.tensorarena.onnxruntime;
