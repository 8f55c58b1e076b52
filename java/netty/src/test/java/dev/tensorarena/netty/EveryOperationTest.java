package dev.tensorarena.netty;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Tensor;
import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Random programs of all public methods of buffers, beside a direct buffer of Netty's. */
class EveryOperationTest {
  private static final int PROGRAMS = 12;
  private static final int STEPS = 400;

  /** In FrozenBufferTest; and marks, which move where bytes do. */
  private static final String[] OTHERWISE_WHERE_READ_ONLY = {
    "isReadOnly",
    "asReadOnly",
    "isWritable",
    "ensureWritable",
    "maxCapacity",
    "maxWritableBytes",
    "markReaderIndex",
    "resetReaderIndex",
    "markWriterIndex",
    "resetWriterIndex"
  };

  @TempDir private Path folder;
  private FileChannel file;
  private List<Operation> operations;

  @BeforeEach
  void listOperations() throws IOException {
    file = FileChannel.open(folder.resolve("file"), CREATE, READ, WRITE);
    operations = Operation.all(file);
    assertTrue(operations.size() > 150, operations.toString());
  }

  @AfterEach
  void close() throws IOException {
    file.close();
  }

  @Test
  void theBufferOfATensorDoesWhatNettysDirectBufferDoes() throws Exception {
    List<Operation> untried = new ArrayList<>(operations);
    for (int program = 0; program < PROGRAMS; program++) {
      Random random = new Random(program);
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor tensor = ctx.zeros(DType.UINT8, BufferModel.SIZE);
        ByteBuf buffer = TensorBuffers.wrappedBuffer(tensor);
        BufferModel both = new BufferModel(unwatched(buffer));
        buffer.setIndex(0, random.nextInt(BufferModel.SIZE));
        both.model().setIndex(0, buffer.writerIndex());
        for (int i = 0; i < STEPS; i++) {
          Operation operation = operations.get(random.nextInt(operations.size()));
          if (!both.isRefused(operation, random.nextLong())) {
            untried.remove(operation);
          }
        }
        assertEquals(tensor.address(), buffer.memoryAddress());
        both.end();
        buffer.release();
      }
    }
    assertEquals(List.of(), untried, "never succeeded");
  }

  @Test
  void whateverWritesToTheBufferOfAFrozenTensorThrows() throws Exception {
    for (int program = 0; program < PROGRAMS / 2; program++) {
      Random random = new Random(program);
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor tensor = ctx.zeros(DType.UINT8, BufferModel.SIZE);
        byte[] bytes = new byte[BufferModel.SIZE];
        random.nextBytes(bytes);
        tensor.copyFrom(bytes).share().close();
        ByteBuf buffer = TensorBuffers.wrappedBuffer(tensor);
        BufferModel both = new BufferModel(unwatched(buffer));
        for (int i = 0; i < STEPS; i++) {
          Operation operation = operations.get(random.nextInt(operations.size()));
          if (!operation.isAbout(OTHERWISE_WHERE_READ_ONLY)) {
            both.isRefusedWhereItWrites(operation, random.nextLong());
          }
        }
        both.end();
        buffer.release();
      }
    }
  }

  /** Returns the buffer without what the leak detector puts around it. */
  private static ByteBuf unwatched(ByteBuf buffer) {
    return buffer.unwrap() == null ? buffer : buffer.unwrap();
  }
}
