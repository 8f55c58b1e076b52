package dev.tensorarena.arrow;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.ipc.ArrowStreamReader;
import org.apache.arrow.vector.ipc.ArrowStreamWriter;

/** Vectors through Arrow's IPC format. */
final class Streams {
  private Streams() {}

  /** Writes a batch of one column. */
  static byte[] write(FieldVector vector) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    VectorSchemaRoot batch = VectorSchemaRoot.of(vector);
    try (ArrowStreamWriter writer = new ArrowStreamWriter(batch, null, out)) {
      writer.writeBatch();
    }
    return out.toByteArray();
  }

  /** Opens a reader that has read the batch. */
  static ArrowStreamReader read(byte[] stream, BufferAllocator allocator) throws IOException {
    ArrowStreamReader reader = new ArrowStreamReader(new ByteArrayInputStream(stream), allocator);
    reader.loadNextBatch();
    return reader;
  }

  /** Returns the one column of a reader. */
  static FieldVector column(ArrowStreamReader reader) throws IOException {
    return reader.getVectorSchemaRoot().getVector(0);
  }
}
