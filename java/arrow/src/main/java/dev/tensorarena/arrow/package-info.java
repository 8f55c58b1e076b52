/**
 * Tensors as Apache Arrow's buffers and vectors, and Arrow's vectors as tensors, without a copy.
 *
 * <h2>Start here</h2>
 *
 * <p>In an open context {@code ctx}, with a {@code BufferAllocator} of Arrow's:
 *
 * <pre>{@code
 * Tensor rows = ctx.copyOf(Shape.of(2, 3), 1f, 2f, 3f, 4f, 5f, 6f);
 * try (FieldVector vector = ArrowTensors.vector(allocator, "rows", rows)) { // of lists of 3
 *   VectorSchemaRoot batch = VectorSchemaRoot.of(vector); // over the tensor's own bytes
 *   try (ArrowStreamWriter writer = new ArrowStreamWriter(batch, null, out)) {
 *     writer.writeBatch();
 *   }
 * } // and these are the tensor's alone again
 * }</pre>
 *
 * <p>and back, of what an {@code ArrowStreamReader} reads:
 *
 * <pre>{@code
 * reader.loadNextBatch();
 * Tensor rows = ArrowTensors.wrap(ctx, reader.getVectorSchemaRoot().getVector("rows")); // no copy
 * float last = rows.getFloat(1, 2); // 6
 * }</pre>
 *
 * <ul>
 *   <li>{@link dev.tensorarena.arrow.ArrowTensors} has both directions;
 *   <li>{@link dev.tensorarena.arrow.FixedShapeTensorType} is Arrow's canonical type of columns
 *       that hold tensors, {@code arrow.fixed_shape_tensor};
 *   <li>{@link dev.tensorarena.arrow.CDataTensors} is the C Data Interface, by which Arrow in other
 *       languages takes the same bytes. It alone needs {@code arrow-c-data}.
 * </ul>
 *
 * <p>Arrow itself needs {@code --add-opens=java.base/java.nio=ALL-UNNAMED}, on the module path
 * {@code =org.apache.arrow.memory.core}, and one of {@code arrow-memory-unsafe} and {@code
 * arrow-memory-netty}.
 */
package dev.tensorarena.arrow;
