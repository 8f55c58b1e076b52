package dev.tensorarena.onnxruntime;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import dev.tensorarena.TensorPin;
import java.nio.ByteBuffer;

/**
 * Tensors as values of ONNX Runtime. What goes into a session is never copied, nor what comes out
 * of it into an output that was made here.
 *
 * <p><b>Lifetimes.</b> A value belongs to whoever asked for it, who closes it after the run. Where
 * it is still open when the tensor's lifetime ends, with its scope or its shared handle, it is
 * closed then, before the bytes are used again. Its methods throw {@link IllegalStateException}
 * from then on. {@code OrtSession.run} does not ask: as with every closed value, nobody may pass it
 * any more, and no run on another thread may still use it.
 *
 * <p>Until then the value may be used and closed on any thread. Nothing is frozen and nothing is
 * pinned: of an unfrozen tensor {@code getBufferRef()} is writable, of a frozen one read-only.
 *
 * <p><b>Types.</b> A value's elements have the type of the tensor's: FLOAT16, BFLOAT16 and BOOL
 * stay what they are, which ONNX Runtime would take for INT16 and INT8 if it were given raw views
 * of them. The bytes of a BOOL must be 0 or 1, as all methods of tensors write them: ONNX Runtime
 * takes no other value for true.
 */
public final class OnnxTensors {
  /** ONNX Runtime takes no larger buffer, and has no larger one for Java. */
  private static final long MAX_BYTES = Integer.MAX_VALUE - 8;

  private OnnxTensors() {}

  /**
   * Returns a tensor as a value, mostly as an input. Nothing is copied, and {@link
   * OnnxTensor#ownsBuffer} is false.
   *
   * @param environment the environment, which is one for each process
   * @param tensor a contiguous tensor of less than 2<sup>31</sup> - 8 bytes, in an arena or over
   *     aligned memory
   * @return a value over the tensor's bytes, with its type and shape
   * @throws OrtException if ONNX Runtime refuses it; then nothing is open
   * @throws IllegalArgumentException if the tensor is a strided view or too large, or wraps memory
   *     that is not aligned to its elements or not {@linkplain Tensor#isPinnable pinnable}
   * @throws IllegalStateException if the tensor is dead or another thread's, or if another thread
   *     is just closing it with its values
   */
  public static OnnxTensor createTensor(OrtEnvironment environment, Tensor tensor)
      throws OrtException {
    requireTakeable(tensor, "pass contiguous(ctx)");
    return OpenValues.over(tensor, environment);
  }

  /**
   * Returns a tensor as a value that a session writes its output to, for the pinned outputs of
   * {@code OrtSession.run(inputs, pinnedOutputs)}. Nothing is copied: after the run the result is
   * in the tensor. If the run fails, what the tensor has is unspecified.
   *
   * <p>The shape must be that of the output, or ONNX Runtime refuses the run. The bytes must not be
   * an input's, too. The value stays writable when the tensor is shared later, as a raw view does:
   * a run that writes to it then changes what others read.
   *
   * @param environment the environment, which is one for each process
   * @param tensor as {@link #createTensor} takes it, and not frozen
   * @return a value over the tensor's bytes, with its type and shape
   * @throws OrtException if ONNX Runtime refuses it; then nothing is open
   * @throws IllegalArgumentException as {@link #createTensor} does
   * @throws IllegalStateException if the tensor is frozen, dead or another thread's, or just being
   *     closed with its values
   */
  public static OnnxTensor createOutput(OrtEnvironment environment, Tensor tensor)
      throws OrtException {
    if (!tensor.isWritable()) {
      throw new IllegalStateException(
          tensor
              + " is frozen, and ONNX Runtime would write to it all the same; pass one that is"
              + " neither shared nor read-only, such as mutable(ctx)");
    }
    requireTakeable(tensor, "pass contiguous(ctx), and copy from that after the run");
    return OpenValues.over(tensor, environment);
  }

  /**
   * Makes a tensor of the elements of a value that ONNX Runtime has allocated, as it does for a
   * result that is no pinned output. It gives Java no buffer over such memory, so the bytes are
   * copied twice: by it to a buffer on the heap, which is garbage afterwards, and from there to the
   * tensor. A pinned output of {@link #createOutput} is not copied at all.
   *
   * @param ctx a context of the calling thread
   * @param value an open value, which stays the caller's
   * @return a writable tensor of the innermost open scope, which needs the value no longer
   * @throws IllegalArgumentException if the value has elements that no tensor has, such as strings
   *     and unsigned numbers of 2 bytes and more, or more than 2<sup>31</sup> - 9 bytes
   * @throws dev.tensorarena.MemoryLimitExceededException if a memory limit would be exceeded
   * @throws OutOfMemoryError if the system refuses memory, or the heap has no room for the bytes
   * @throws IllegalStateException if the value is closed, or if the context is closed or belongs to
   *     another thread
   */
  public static Tensor copyOf(ExecutionContext ctx, OnnxTensor value) {
    DType dtype = ElementTypes.of(value.getInfo());
    Shape shape = Shape.of(value.getInfo().getShape());
    if (shape.numElements() > MAX_BYTES / dtype.byteSize()) {
      throw new IllegalArgumentException(
          value
              + " has "
              + shape.numElements()
              + " elements of "
              + dtype.byteSize()
              + " bytes, and ONNX Runtime has no buffer for Java of more than "
              + MAX_BYTES
              + " bytes; let the model write it to outputs of createOutput, or split it");
    }
    ByteBuffer bytes = bytesOf(value);
    Tensor copy = ctx.empty(dtype, shape);
    copy.asByteBuffer().put(bytes);
    return copy;
  }

  /** Nobody closes it meanwhile: ONNX Runtime and the end of a tensor's lifetime lock it, too. */
  private static ByteBuffer bytesOf(OnnxTensor value) {
    synchronized (value) {
      if (value.isClosed()) {
        throw new IllegalStateException(value + " is closed");
      }
      return value.getByteBuffer();
    }
  }

  private static void requireTakeable(Tensor tensor, String remedy) {
    TensorPin.requirePinnable(tensor);
    if (!tensor.isContiguous()) {
      throw new IllegalArgumentException(
          tensor + " is not contiguous, and ONNX Runtime has no strides; " + remedy);
    }
    if (tensor.byteSize() > MAX_BYTES) {
      throw new IllegalArgumentException(
          tensor
              + " has "
              + tensor.byteSize()
              + " bytes, and ONNX Runtime takes at most "
              + MAX_BYTES
              + " of Java; pass slices of it");
    }
    int alignment = tensor.dtype().byteSize();
    if (tensor.address() % alignment != 0) {
      throw new IllegalArgumentException(
          tensor
              + " lies at address 0x"
              + Long.toHexString(tensor.address())
              + ", which is no multiple of its elements' "
              + alignment
              + " bytes, as native code takes for granted; pass copy(ctx)");
    }
  }
}
