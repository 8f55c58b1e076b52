package dev.tensorarena.netty;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.buffer.UnpooledDirectByteBuf;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;

/** A direct buffer of Netty's, and the buffer of a tensor that must do as it does. */
final class BufferModel {
  static final int SIZE = 48;

  /** By no Unsafe, with which some of its methods check no bounds. */
  private static final class Checked extends UnpooledDirectByteBuf {
    Checked() {
      super(UnpooledByteBufAllocator.DEFAULT, ByteBuffer.allocateDirect(SIZE), SIZE);
    }
  }

  private final ByteBuf model = new Checked();
  private final ByteBuf subject;

  /** Fills the model as the subject is. */
  BufferModel(ByteBuf subject) {
    this.subject = subject;
    model.setBytes(0, subject, 0, SIZE);
    model.setIndex(subject.readerIndex(), subject.writerIndex());
  }

  /** Does the same on both, and returns whether it was refused. */
  boolean isRefused(Operation operation, long seed) throws Exception {
    String what = operation + ", seed " + seed;
    int before = model.capacity();
    String bytes = ByteBufUtil.hexDump(subject, 0, before);
    Operation.Outcome right = operation.on(model, seed);
    Operation.Outcome real = operation.on(subject, seed);
    if (real.isRefusal()) {
      assertEquals(bytes, ByteBufUtil.hexDump(subject, 0, before), what);
    }
    mendIndices();
    if (isNettysOwn(right, real)) {
      become();
    } else if (right.isRefusal()) {
      assertRefusedAlike(right.thrown(), real.thrown(), what);
      become(); // Netty may have written a part
    } else {
      assertSame(right, real, what);
    }
    assertSameState(before, what);
    return right.isRefusal();
  }

  /** Says of bad arguments that they are so, where Netty may come to it only on the way. */
  private static void assertRefusedAlike(Throwable right, Throwable real, String what) {
    assertNotNull(real, () -> what + " is not refused, as by Netty: " + right);
    assertTrue(
        right.getClass() == real.getClass()
            || right instanceof RuntimeException
                && (real instanceof IndexOutOfBoundsException
                    || real instanceof IllegalArgumentException),
        () -> what + ": " + real + " instead of " + right);
  }

  /** Netty's readCharSequence reads past the writer index. */
  private void mendIndices() {
    if (model.readerIndex() > model.writerIndex()) {
      assertEquals(model.readerIndex(), subject.readerIndex());
      model.setIndex(0, model.writerIndex());
      subject.setIndex(0, subject.writerIndex());
    }
  }

  /**
   * Returns whether Netty fails with a composite as the other side, or lets a range pass that is
   * none, as where a stream ends before.
   */
  private boolean isNettysOwn(Operation.Outcome right, Operation.Outcome real) {
    return right.thrown() instanceof UnsupportedOperationException
        || !right.isRefusal() && real.isRefusalOfRange(subject.capacity());
  }

  /** Has the model have the bytes of the subject. */
  private void become() {
    model.setIndex(subject.readerIndex(), subject.writerIndex());
    model.setBytes(0, subject, 0, Math.min(model.capacity(), subject.capacity()));
  }

  private static void assertSame(Operation.Outcome right, Operation.Outcome real, String what) {
    if (real.isRefusal()) {
      throw new AssertionError(what, real.thrown());
    }
    assertEquals(right, real, what);
  }

  private void assertSameState(int before, String what) {
    assertEquals(model.capacity(), subject.capacity(), what);
    int unspecified = Math.max(before, model.writerIndex());
    if (model.capacity() > unspecified) { // it has grown, which shows the tensor's bytes again
      model.setBytes(unspecified, subject, unspecified, model.capacity() - unspecified);
    }
    assertEquals(model.readerIndex(), subject.readerIndex(), what);
    assertEquals(model.writerIndex(), subject.writerIndex(), what);
    assertEquals(
        ByteBufUtil.hexDump(model, 0, model.capacity()),
        ByteBufUtil.hexDump(subject, 0, subject.capacity()),
        what);
  }

  /** Does the same on both, of which the subject is read-only. */
  void isRefusedWhereItWrites(Operation operation, long seed) throws Exception {
    String what = operation + ", seed " + seed;
    String bytes = ByteBufUtil.hexDump(subject, 0, SIZE);
    int reader = subject.readerIndex();
    int writer = subject.writerIndex();
    Operation.Outcome right = operation.on(model, seed);
    Operation.Outcome real = operation.on(subject, seed);
    mendIndices();
    assertEquals(bytes, ByteBufUtil.hexDump(subject, 0, SIZE), what);
    boolean wrote = model.capacity() != SIZE || !bytes.equals(ByteBufUtil.hexDump(model, 0, SIZE));
    if (isNettysOwn(right, real)) {
      become();
    } else if (wrote && !right.isRefusal()) {
      assertEquals(ReadOnlyBufferException.class, real.thrown().getClass(), what);
    } else if (right.isRefusal()) {
      assertNotNull(real.thrown(), what);
    } else if (!operation.writes()) {
      assertSame(right, real, what);
    }
    if (!wrote && !operation.writes()) {
      assertEquals(model.readerIndex(), subject.readerIndex(), what);
      assertEquals(model.writerIndex(), subject.writerIndex(), what);
    } else { // each has done what it may
      model.capacity(SIZE).setIndex(0, 0).writeBytes(subject, 0, SIZE).setIndex(reader, writer);
      subject.setIndex(reader, writer);
    }
  }

  ByteBuf model() {
    return model;
  }

  void end() {
    model.release();
  }
}
