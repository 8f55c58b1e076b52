package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * {@code builder().zeroOnRelease(true)}: no byte of an ended tensor is left for anybody to see. Raw
 * views taken before the end look at the bytes after it.
 */
@Tag("platform")
class ZeroOnReleaseTest {
  private static final byte SECRET = 'S';
  private static final int MORE_RESETS_THAN_GO_WITHOUT_C = 200;

  private static ExecutionContext open() {
    return ExecutionContext.builder().zeroOnRelease(true).open();
  }

  private static Tensor secret(ExecutionContext ctx, int bytes) {
    return ctx.empty(DType.INT8, bytes).fill(SECRET);
  }

  private static void assertAll(byte expected, ByteBuffer bytes) {
    for (int i = 0; i < bytes.limit(); i++) {
      int at = i;
      assertEquals(expected, bytes.get(i), () -> "byte " + at + " of " + bytes.limit());
    }
  }

  private static void assertZeroed(ByteBuffer... ended) {
    for (ByteBuffer bytes : ended) {
      assertAll((byte) 0, bytes);
    }
  }

  @Test
  void byDefaultAndSwitchedOffBytesStay() {
    for (ExecutionContext.Builder builder :
        new ExecutionContext.Builder[] {
          ExecutionContext.builder(),
          ExecutionContext.builder().zeroOnRelease(true).zeroOnRelease(false)
        }) {
      try (ExecutionContext ctx = builder.open()) {
        ByteBuffer bytes = secret(ctx, 1000).asByteBuffer();
        ctx.reset();
        assertAll(SECRET, bytes);
      }
    }
  }

  @Test
  void theEndOfAScopeZeroesItsTensorsAndNoOthers() {
    try (ExecutionContext ctx = open()) {
      Tensor outer = secret(ctx, 300);
      for (int i = 0; i < 10; i++) {
        Scope scope = ctx.scope();
        ByteBuffer small = secret(ctx, 1).asByteBuffer();
        ByteBuffer ended = secret(ctx, 5000).asByteBuffer();
        ByteBuffer raw = ctx.allocate(100, 1).put(0, SECRET);
        Scope nested = ctx.scope();
        ByteBuffer inner = secret(ctx, 500).asByteBuffer();
        nested.close();
        assertZeroed(inner);
        assertAll(SECRET, ended);
        scope.close();
        assertZeroed(small, ended, raw, inner);
        assertAll(SECRET, outer.asByteBuffer());
      }
    }
  }

  @Test
  void everyResetZeroes() {
    try (ExecutionContext ctx = open()) {
      for (int i = 0; i < MORE_RESETS_THAN_GO_WITHOUT_C; i++) {
        ByteBuffer first = secret(ctx, 2000).asByteBuffer();
        ByteBuffer second = secret(ctx, i % 50 == 0 ? 200_000 : 10).asByteBuffer();
        ctx.reset();
        assertZeroed(first, second);
      }
    }
  }

  @Test
  void closeZeroesAllChunks() {
    ByteBuffer[] ended = new ByteBuffer[6];
    try (ExecutionContext ctx = open()) {
      for (int i = 0; i < ended.length; i++) {
        ended[i] = secret(ctx, 20_000 << i).asByteBuffer();
      }
      assertTrue(ctx.arenaStats().chunks() > 2);
    }
    assertZeroed(ended);
  }

  @Test
  void aNewContextFindsNothingInTheMemoryItGets() {
    long address;
    try (ExecutionContext ctx = open()) {
      address = secret(ctx, 40_000).address();
    }
    try (ExecutionContext next = ExecutionContext.open()) {
      Tensor all = next.empty(DType.INT8, 40_000);
      assertEquals(address, all.address(), "the chunk that came home last");
      assertZeroed(all.asByteBuffer());
    }
  }

  @Test
  void sharedBytesAreZeroedByTheLastReleaseOnAnyThread() throws Exception {
    SharedTensor first;
    SharedTensor second;
    ByteBuffer shared;
    ByteBuffer beside;
    try (ExecutionContext ctx = open()) {
      Tensor tensor = secret(ctx, 3000);
      shared = tensor.asByteBuffer();
      beside = secret(ctx, 100).asByteBuffer();
      first = tensor.share();
      second = first.share();
    }
    first.close();
    assertAll(SECRET, shared);
    assertEquals(SECRET, second.getByteAt(2999));
    TestSupport.runOnThread("last", second::close);
    assertZeroed(shared, beside);
  }

  @Test
  void sharedBytesInTheContextsOwnChunkAreZeroedByTheNextEnd() throws Exception {
    try (ExecutionContext ctx = open()) {
      secret(ctx, 64);
      Scope scope = ctx.scope();
      ByteBuffer below = secret(ctx, 200).asByteBuffer();
      Tensor tensor = secret(ctx, 300);
      ByteBuffer bytes = tensor.asByteBuffer();
      SharedTensor shared = tensor.share();
      ByteBuffer above = secret(ctx, 400).asByteBuffer();
      scope.close();
      assertZeroed(above);
      assertAll(SECRET, bytes);
      TestSupport.runOnThread("other", shared::close);
      ctx.reset();
      assertZeroed(below, bytes, above);
    }
  }

  @Test
  void aTensorTakenOverWithoutACopyIsZeroedWithItsNewContext() {
    SharedTensor shared;
    try (ExecutionContext ctx = open()) {
      shared = secret(ctx, 1000).share();
    }
    ByteBuffer bytes;
    try (ExecutionContext other = ExecutionContext.open()) {
      Tensor taken = shared.mutable(other);
      bytes = taken.asByteBuffer();
      taken.fill(SECRET);
      assertAll(SECRET, bytes);
    }
    assertZeroed(bytes);
  }

  @Test
  void whatCloseKeepingKeepsStaysAndTheRestGoes() {
    ByteBuffer[] ended;
    try (ExecutionContext ctx = open()) {
      Tensor outer = secret(ctx, 10);
      Tensor kept;
      ByteBuffer below;
      ByteBuffer above;
      try (Scope scope = ctx.scope()) {
        below = secret(ctx, 500).asByteBuffer();
        Tensor result = secret(ctx, 100);
        above = secret(ctx, 600).asByteBuffer();
        kept = scope.closeKeeping(result);
      }
      assertZeroed(above);
      assertAll(SECRET, outer.asByteBuffer());
      assertAll(SECRET, kept.asByteBuffer());
      assertTrue(kept.isWritable());
      kept.setByteAt(99, (byte) 1);
      ended = new ByteBuffer[] {below, above, kept.asByteBuffer(), outer.asByteBuffer()};
    }
    assertZeroed(ended);
  }

  @Test
  void theOptionGoesTogetherWithTheOthers() {
    ByteBuffer bytes;
    try (ExecutionContext ctx =
        ExecutionContext.builder()
            .hugePages(true)
            .zeroOnRelease(true)
            .hugePages(false)
            .capacity(1 << 20)
            .memoryLimit(5000)
            .open()) {
      assertFalse(ctx.arenaStats().chunks() > 0);
      bytes = secret(ctx, 5000).asByteBuffer();
      assertTrue(ctx.arenaStats().reservedBytes() < 2 << 20, "no chunk of huge pages");
    }
    assertZeroed(bytes);
  }
}
