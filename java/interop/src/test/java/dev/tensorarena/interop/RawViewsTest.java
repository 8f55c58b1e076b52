package dev.tensorarena.interop;

import static dev.tensorarena.interop.JdkExamplesTest.toBytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.zip.CRC32C;
import java.util.zip.Deflater;
import java.util.zip.Inflater;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.ShortBufferException;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;

/** Checksums, encryption and compression on raw views: what is copied, and what is left behind. */
class RawViewsTest {
  private static final int LARGE = 1 << 20;
  private static final int TAG = 16;
  private static final SecretKey KEY = new SecretKeySpec(new byte[16], "AES");

  private static Tensor random(ExecutionContext ctx, int size) {
    byte[] bytes = new byte[size];
    new Random(42).nextBytes(bytes);
    return ctx.allocSlice(bytes);
  }

  private interface Task {
    void run() throws Exception;
  }

  /** The heap that a task takes: whatever copies by way of it takes at least the bytes. */
  private static long heap(Task task) throws Exception {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    task.run(); // loads its classes
    long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
    task.run();
    return threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
  }

  private static void assertNoCopy(Task task) throws Exception {
    long heap = heap(task);
    assertTrue(heap < LARGE / 2, heap + " bytes of heap for " + LARGE);
  }

  // ---- checksums

  @Test
  void aChecksumIsTakenWhereTheTensorLies() throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = random(ctx, LARGE);
      CRC32C expected = new CRC32C();
      expected.update(toBytes(x));
      assertNoCopy(
          () -> {
            CRC32C checksum = new CRC32C();
            checksum.update(x.asByteBuffer());
            assertEquals(expected.getValue(), checksum.getValue());
          });
      CRC32C parts = new CRC32C();
      parts.update(x.slice(0, 0, 1000).asByteBuffer());
      parts.update(x.slice(0, 1000, LARGE).asByteBuffer());
      assertEquals(expected.getValue(), parts.getValue());
    }
  }

  @Test
  void aFrozenTensorsChecksumIsTakenOnAnotherThread() {
    SharedTensor shared;
    CRC32C expected = new CRC32C();
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = random(ctx, LARGE);
      expected.update(toBytes(x));
      shared = x.share();
    }
    long value =
        CompletableFuture.supplyAsync(
                () -> {
                  try (shared) {
                    CRC32C checksum = new CRC32C();
                    checksum.update(shared.asByteBuffer());
                    return checksum.getValue();
                  }
                })
            .join();
    assertEquals(expected.getValue(), value);
  }

  @Test
  void aViewMovesOnAndTheNextBeginsAnew() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = random(ctx, 100);
      ByteBuffer view = x.asByteBuffer();
      new CRC32C().update(view);
      assertFalse(view.hasRemaining());
      assertEquals(100, x.asByteBuffer().remaining());
    }
  }

  // ---- encryption

  private static Cipher cipher(int mode, int nonce) throws Exception {
    Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
    byte[] bytes = new byte[12];
    bytes[0] = (byte) nonce;
    cipher.init(mode, KEY, new GCMParameterSpec(8 * TAG, bytes));
    return cipher;
  }

  @Test
  void whatIsEncryptedInPlaceIsWhatTheHeapGives() throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      for (int size : new int[] {0, 1, 15, 16, 17, 5000, LARGE}) {
        byte[] plain = toBytes(random(ctx, size));
        Tensor sealed = ctx.empty(DType.INT8, size + TAG);
        Tensor inside = sealed.slice(0, 0, size).copyFrom(plain);
        int length =
            cipher(Cipher.ENCRYPT_MODE, 1).doFinal(inside.asByteBuffer(), sealed.asByteBuffer());
        assertEquals(size + TAG, length);
        assertArrayEquals(cipher(Cipher.ENCRYPT_MODE, 1).doFinal(plain), toBytes(sealed));
        cipher(Cipher.DECRYPT_MODE, 1).doFinal(sealed.asByteBuffer(), inside.asByteBuffer());
        assertArrayEquals(plain, toBytes(inside));
      }
    }
  }

  @Test
  void inPlaceAndIntoWhatLiesBeforeNothingIsCopiedByWayOfTheHeap() throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor before = ctx.empty(DType.INT8, LARGE + TAG);
      Tensor sealed = ctx.zeros(DType.INT8, LARGE + TAG);
      Tensor plain = sealed.slice(0, 0, LARGE);
      assertTrue(before.address() < plain.address());
      int[] nonce = new int[1];
      assertNoCopy(
          () ->
              cipher(Cipher.ENCRYPT_MODE, ++nonce[0])
                  .doFinal(plain.asByteBuffer(), before.asByteBuffer()));
      assertNoCopy(
          () ->
              cipher(Cipher.ENCRYPT_MODE, ++nonce[0])
                  .doFinal(plain.asByteBuffer(), sealed.asByteBuffer()));
    }
  }

  /**
   * The JDK takes views of one slab for overlapping ones where the output lies behind the input.
   */
  @Test
  void intoWhatLiesBehindAllGoesThroughTheHeapAndIsRight() throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor plain = random(ctx, LARGE);
      Tensor behind = ctx.empty(DType.INT8, LARGE + TAG);
      assertTrue(behind.address() > plain.address());
      int[] nonce = new int[1];
      long heap =
          heap(
              () ->
                  cipher(Cipher.ENCRYPT_MODE, ++nonce[0])
                      .doFinal(plain.asByteBuffer(), behind.asByteBuffer()));
      assertTrue(heap >= LARGE, heap + " bytes of heap");
      byte[] expected = cipher(Cipher.ENCRYPT_MODE, nonce[0]).doFinal(toBytes(plain));
      assertArrayEquals(expected, toBytes(behind));
    }
  }

  @Test
  void aWrongTagIsRefusedAndNoPlainTextIsLeft() throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor sealed = ctx.empty(DType.INT8, 100 + TAG);
      Tensor plain = sealed.slice(0, 0, 100).copyFrom(toBytes(random(ctx, 100)));
      byte[] secret = toBytes(plain);
      cipher(Cipher.ENCRYPT_MODE, 1).doFinal(plain.asByteBuffer(), sealed.asByteBuffer());
      sealed.setByteAt(100, (byte) ~sealed.getByteAt(100));
      Tensor opened = ctx.zeros(DType.INT8, 100);
      for (Tensor into : new Tensor[] {opened, plain}) {
        assertThrows(
            AEADBadTagException.class,
            () ->
                cipher(Cipher.DECRYPT_MODE, 1).doFinal(sealed.asByteBuffer(), into.asByteBuffer()));
        for (int i = 0; i + 8 <= secret.length; i++) {
          assertFalse(
              ByteBuffer.wrap(secret).getLong(i) == ByteBuffer.wrap(toBytes(into)).getLong(i));
        }
      }
    }
  }

  @Test
  void withoutRoomForTheTagAndIntoAFrozenTensorNothingIsWritten() throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = random(ctx, 100);
      byte[] before = toBytes(x);
      assertThrows(
          ShortBufferException.class,
          () -> cipher(Cipher.ENCRYPT_MODE, 1).doFinal(x.asByteBuffer(), x.asByteBuffer()));
      assertArrayEquals(before, toBytes(x));
      try (SharedTensor frozen = ctx.zeros(DType.INT8, 100 + TAG).share()) {
        assertThrows(
            ReadOnlyBufferException.class,
            () -> cipher(Cipher.ENCRYPT_MODE, 1).doFinal(x.asByteBuffer(), frozen.asByteBuffer()));
      }
    }
  }

  // ---- compression

  @Test
  void aTensorIsDeflatedAndInflatedWithoutTheHeap() throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = ctx.zeros(DType.INT8, LARGE);
      x.slice(0, 0, LARGE / 2).copyFrom(toBytes(random(ctx, LARGE / 2)));
      Tensor packed = ctx.empty(DType.INT8, LARGE);
      Tensor y = ctx.empty(DType.INT8, LARGE);
      int[] length = new int[1];
      assertNoCopy(
          () -> {
            Deflater deflater = new Deflater();
            deflater.setInput(x.asByteBuffer());
            deflater.finish();
            length[0] = deflater.deflate(packed.asByteBuffer());
            assertTrue(deflater.finished());
            deflater.end();
          });
      assertTrue(length[0] < LARGE * 3 / 4);
      assertNoCopy(
          () -> {
            Inflater inflater = new Inflater();
            inflater.setInput(packed.asByteBuffer().limit(length[0]));
            assertEquals(LARGE, inflater.inflate(y.asByteBuffer()));
            assertTrue(inflater.finished());
            inflater.end();
          });
      assertTrue(x.contentEquals(y));
    }
  }

  @Test
  void whereThereIsNoRoomTheyGoOnInAnotherTensor() throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = random(ctx, 1000);
      Tensor small = ctx.empty(DType.INT8, 600);
      Tensor rest = ctx.empty(DType.INT8, 600);
      Deflater deflater = new Deflater();
      deflater.setInput(x.asByteBuffer());
      deflater.finish();
      assertEquals(600, deflater.deflate(small.asByteBuffer()));
      assertFalse(deflater.finished());
      int length = deflater.deflate(rest.asByteBuffer());
      assertTrue(deflater.finished());
      deflater.end();

      Tensor y = ctx.empty(DType.INT8, 1000);
      ByteBuffer view = y.asByteBuffer();
      Inflater inflater = new Inflater();
      inflater.setInput(small.asByteBuffer());
      inflater.inflate(view);
      assertTrue(inflater.needsInput());
      inflater.setInput(rest.asByteBuffer().limit(length));
      inflater.inflate(view);
      assertTrue(inflater.finished());
      inflater.end();
      assertTrue(x.contentEquals(y));
    }
  }

  /** Why x must live until all is done: the deflater reads later, and nothing holds the bytes. */
  @Test
  void aDeflaterReadsWhatLiesThereWhenItDeflates() throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor x = ctx.zeros(DType.INT8, 100);
      Deflater deflater = new Deflater();
      deflater.setInput(x.asByteBuffer());
      deflater.finish();
      x.fill(7);
      byte[] packed = new byte[100];
      int length = deflater.deflate(packed);
      deflater.end();
      Inflater inflater = new Inflater();
      inflater.setInput(packed, 0, length);
      byte[] seen = new byte[100];
      inflater.inflate(seen);
      inflater.end();
      assertArrayEquals(toBytes(x), seen);
    }
  }

  @Test
  void aFrozenTensorIsDeflatedAndNotInflatedInto() throws Exception {
    try (ExecutionContext ctx = ExecutionContext.open();
        SharedTensor frozen = ctx.zeros(DType.INT8, 100).share()) {
      byte[] packed = new byte[100];
      Deflater deflater = new Deflater();
      deflater.setInput(frozen.asByteBuffer());
      deflater.finish();
      int length = deflater.deflate(packed);
      deflater.end();
      Inflater inflater = new Inflater();
      inflater.setInput(packed, 0, length);
      assertThrows(ReadOnlyBufferException.class, () -> inflater.inflate(frozen.asByteBuffer()));
      inflater.end();
    }
  }
}
