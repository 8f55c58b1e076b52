package dev.tensorarena.interop;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Tensor;
import dev.tensorarena.TensorPin;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.AsynchronousSocketChannel;
import java.nio.channels.Channels;
import java.nio.channels.CompletionHandler;
import java.nio.channels.ReadableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.CompletableFuture;
import java.util.zip.CRC32C;
import java.util.zip.Deflater;
import java.util.zip.Inflater;
import javax.crypto.Cipher;
import javax.crypto.KeyGenerator;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The JDK's own input and output on raw views, as docs/INTEROP.md shows it. */
class JdkExamplesTest {
  @TempDir Path folder;

  // example
  /** Writes a tensor into a file; its bytes stay until that is done, whatever ends before. */
  static CompletableFuture<Void> write(Tensor tensor, AsynchronousFileChannel file, long at) {
    ByteBuffer bytes = tensor.asByteBuffer();
    CompletableFuture<Void> done = new CompletableFuture<>();
    CompletionHandler<Integer, TensorPin> handler =
        new CompletionHandler<>() {
          @Override
          public void completed(Integer count, TensorPin pin) {
            if (bytes.hasRemaining()) {
              file.write(bytes, at + bytes.position(), pin, this); // the rest
            } else {
              pin.close();
              done.complete(null);
            }
          }

          @Override
          public void failed(Throwable failure, TensorPin pin) {
            pin.close();
            done.completeExceptionally(failure);
          }
        };
    TensorPin pin = TensorPin.of(tensor);
    try {
      file.write(bytes, at, pin, handler);
    } catch (RuntimeException | Error refused) { // then nobody calls the handler
      pin.close();
      throw refused;
    }
    return done;
  }

  // end of example

  @Test
  void aFileIsWrittenWhileTheContextEnds() throws Exception {
    Path path = folder.resolve("rows");
    // example
    try (AsynchronousFileChannel file =
        AsynchronousFileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      CompletableFuture<Void> done;
      try (ExecutionContext ctx = ExecutionContext.open()) {
        done = write(ctx.allocSlice(3f, 1f, 2f), file, 0);
      }
      done.get();
    }
    // end of example
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = ctx.allocSlice(3f, 1f, 2f);
      assertArrayEquals(toBytes(x), Files.readAllBytes(path));
    }
  }

  // example
  /** Fills a tensor from a socket, as the other recipe writes one. */
  static CompletableFuture<Void> fill(Tensor tensor, AsynchronousSocketChannel socket) {
    ByteBuffer bytes = tensor.asByteBuffer();
    CompletableFuture<Void> done = new CompletableFuture<>();
    CompletionHandler<Integer, TensorPin> handler =
        new CompletionHandler<>() {
          @Override
          public void completed(Integer count, TensorPin pin) {
            if (count < 0) {
              failed(new EOFException(bytes.remaining() + " bytes are missing"), pin);
            } else if (bytes.hasRemaining()) {
              socket.read(bytes, pin, this); // the rest
            } else {
              pin.close();
              done.complete(null);
            }
          }

          @Override
          public void failed(Throwable failure, TensorPin pin) {
            pin.close();
            done.completeExceptionally(failure);
          }
        };
    TensorPin pin = TensorPin.of(tensor);
    try {
      socket.read(bytes, pin, handler);
    } catch (RuntimeException | Error refused) { // then nobody calls the handler
      pin.close();
      throw refused;
    }
    return done;
  }

  // end of example

  // example
  /** Fills a tensor from a stream, which may give its bytes in pieces of any size. */
  static void fill(Tensor tensor, InputStream stream) throws IOException {
    ByteBuffer bytes = tensor.asByteBuffer();
    ReadableByteChannel channel = Channels.newChannel(stream);
    while (bytes.hasRemaining()) {
      if (channel.read(bytes) < 0) {
        throw new EOFException(bytes.remaining() + " bytes are missing");
      }
    }
  }

  // end of example

  @Test
  void aResourceIsRead() throws IOException {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      // example
      Tensor x = ctx.empty(DType.FLOAT32, 2, 3);
      try (InputStream resource = getClass().getResourceAsStream("rows.f32")) {
        fill(x, resource); // little-endian, as the machine is
      }
      // end of example
      assertArrayEquals(new float[] {3, 1, 2, 6, 5, 4}, x.toFloatArray());
    }
  }

  @Test
  void aChecksumOfATensor() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = ctx.allocSlice(3f, 1f, 2f);
      // example
      CRC32C checksum = new CRC32C();
      checksum.update(x.asByteBuffer()); // no copy
      // end of example
      CRC32C expected = new CRC32C();
      expected.update(toBytes(x));
      assertEquals(expected.getValue(), checksum.getValue());
    }
  }

  @Test
  void aTensorIsEncryptedWhereItLies() throws Exception {
    SecretKey key = KeyGenerator.getInstance("AES").generateKey();
    GCMParameterSpec nonce = new GCMParameterSpec(128, new byte[12]);
    try (ExecutionContext ctx = ExecutionContext.open()) {
      // example
      Tensor sealed = ctx.empty(DType.INT8, 24 + 16); // 16 bytes of tag follow
      Tensor plain = sealed.slice(0, 0, 24);
      plain.asByteBuffer().asFloatBuffer().put(new float[] {3, 1, 2, 6, 5, 4});
      Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
      cipher.init(Cipher.ENCRYPT_MODE, key, nonce);
      cipher.doFinal(plain.asByteBuffer(), sealed.asByteBuffer()); // in place
      // end of example
      cipher.init(Cipher.DECRYPT_MODE, key, nonce);
      byte[] opened = cipher.doFinal(toBytes(sealed));
      assertEquals(4f, ByteBuffer.wrap(opened).order(ByteOrder.nativeOrder()).getFloat(20));
    }
  }

  @Test
  void aTensorIsDeflatedAndInflated() throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = ctx.zeros(DType.FLOAT32, 1000);
      Tensor y = ctx.empty(DType.FLOAT32, 1000);
      x.setFloat(3f, 999);
      // example
      Tensor packed = ctx.empty(DType.INT8, x.byteSize() + 64);
      Deflater deflater = new Deflater();
      deflater.setInput(x.asByteBuffer()); // no copy: x must be alive until finished()
      deflater.finish();
      int length = deflater.deflate(packed.asByteBuffer());
      boolean whole = deflater.finished(); // false: packed is too small
      deflater.end();

      Inflater inflater = new Inflater();
      inflater.setInput(packed.asByteBuffer().limit(length));
      boolean all = inflater.inflate(y.asByteBuffer()) == y.byteSize();
      inflater.end();
      // end of example
      assertTrue(whole && all);
      assertTrue(x.contentEquals(y));
    }
  }

  static byte[] toBytes(Tensor tensor) {
    byte[] bytes = new byte[(int) tensor.byteSize()];
    tensor.asByteBuffer().get(bytes);
    return bytes;
  }
}
