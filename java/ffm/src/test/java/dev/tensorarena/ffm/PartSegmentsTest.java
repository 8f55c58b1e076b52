package dev.tensorarena.ffm;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.DType;
import dev.tensorarena.Tensor;
import dev.tensorarena.TensorPart;
import dev.tensorarena.TensorParts;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** Segments of parts: writable on the part's thread, and ended with the part. */
class PartSegmentsTest extends InContext {
  @Test
  void aPartIsWrittenByASegmentOfItsThreadUntilItIsClosed() throws Exception {
    Tensor whole = ctx.zeros(DType.FLOAT32, 4);
    TensorParts parts = whole.split(0, 2);
    MemorySegment[] left = new MemorySegment[1];
    onThread(
        () -> {
          TensorPart part = parts.get(1);
          MemorySegment segment = Segments.of(part.tensor());
          left[0] = segment;
          segment.setAtIndex(JAVA_FLOAT, 1, 7f);
          part.close();
          assertThrows(IllegalStateException.class, () -> segment.get(JAVA_FLOAT, 0));
          return null;
        });
    assertFalse(left[0].scope().isAlive());
    MemorySegment frozen = Segments.of(whole);
    assertTrue(frozen.isReadOnly(), "the whole is frozen");
    assertEquals(7f, frozen.getAtIndex(JAVA_FLOAT, 3));
    parts.close();
    assertFalse(Segments.of(whole).isReadOnly());
    assertArrayEquals(new float[] {0, 0, 0, 7}, whole.toFloatArray());
  }

  @Test
  void aSharedPartsSegmentIsReadOnly() {
    Tensor whole = ctx.zeros(DType.FLOAT32, 4);
    TensorParts parts = whole.split(0, 2);
    Tensor part = parts.get(0).tensor();
    part.share().close();
    assertTrue(Segments.of(part).isReadOnly());
    parts.get(0).close();
    parts.close();
    assertTrue(Segments.of(whole).isReadOnly());
  }

  /** The worker was late, and what it holds is a segment. */
  @Test
  void aSegmentOfAPartOutlivesTheContext() {
    TensorParts parts = ctx.zeros(DType.FLOAT32, 4).split(0, 2);
    TensorPart part = parts.get(0);
    MemorySegment segment = Segments.of(part.tensor());
    ctx.reset();
    Tensor next = ctx.zeros(DType.FLOAT32, 1000);
    segment.fill((byte) -1);
    assertArrayEquals(new float[1000], next.toFloatArray());
    part.close();
    parts.close();
  }

  @Test
  void aPartWithSegmentsIsClosedByOthersOnceItsThreadHasEnded() throws Exception {
    Tensor whole = ctx.zeros(DType.FLOAT32, 4);
    TensorParts parts = whole.split(0, 2);
    onThread(() -> Segments.of(parts.get(0).tensor()).fill((byte) 0));
    parts.close();
    assertTrue(whole.isWritable());
  }

  @Test
  void callsOfNativeCodeKeepThePartOpen() throws Throwable {
    Tensor whole = ctx.zeros(DType.INT64, 4);
    TensorParts parts = whole.split(0, 2);
    TensorPart part = parts.get(1);
    MemorySegment segment = Segments.of(part.tensor());
    NativeUse.during(
        segment,
        () -> {
          assertThrows(IllegalStateException.class, part::close);
          assertTrue(part.isOpen());
          assertThrows(IllegalStateException.class, parts::close);
        });
    part.tensor().fill(0);
    part.close();
    parts.close();
  }
}
