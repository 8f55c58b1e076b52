package dev.tensorarena.arrow;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.arrow.vector.ipc.ArrowStreamWriter;
import org.junit.jupiter.api.Test;

/** What the README and the package's description show: the core compares them. */
class ExamplesTest {
  @Test
  void whatIsWrittenIsReadAgain() throws IOException {
    try (BufferAllocator allocator = new RootAllocator()) {
      assertEquals(6f, read(write(allocator), allocator));
    }
  }

  private static byte[] write(BufferAllocator allocator) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      // example
      Tensor rows = ctx.copyOf(Shape.of(2, 3), 1f, 2f, 3f, 4f, 5f, 6f);
      try (FieldVector vector = ArrowTensors.vector(allocator, "rows", rows)) { // of lists of 3
        VectorSchemaRoot batch = VectorSchemaRoot.of(vector); // over the tensor's own bytes
        try (ArrowStreamWriter writer = new ArrowStreamWriter(batch, null, out)) {
          writer.writeBatch();
        }
      } // and these are the tensor's alone again
      // end of example
    }
    return out.toByteArray();
  }

  private static float read(byte[] stream, BufferAllocator allocator) throws IOException {
    ByteArrayInputStream in = new ByteArrayInputStream(stream);
    try (ArrowStreamReader reader = new ArrowStreamReader(in, allocator);
        ExecutionContext ctx = ExecutionContext.open()) {
      // example
      reader.loadNextBatch();
      Tensor rows =
          ArrowTensors.wrap(ctx, reader.getVectorSchemaRoot().getVector("rows")); // no copy
      float last = rows.getFloat(1, 2); // 6
      // end of example
      return last;
    }
  }
}
