package dev.tensorarena.jna;

import com.sun.jna.DefaultTypeMapper;
import com.sun.jna.Pointer;
import com.sun.jna.ToNativeContext;
import com.sun.jna.ToNativeConverter;
import dev.tensorarena.Tensor;

/**
 * Lets functions declare {@code Tensor}, {@code SharedTensor} and {@link TensorPointer} as types of
 * parameters.
 *
 * <pre>{@code
 * interface Blas extends Library {
 *   Blas OPENBLAS = Native.load("openblas", Blas.class,
 *       Map.of(Library.OPTION_TYPE_MAPPER, TensorTypeMapper.INSTANCE));
 *
 *   float cblas_sdot(int n, Tensor x, int stepX, Tensor y, int stepY);
 * }
 * }</pre>
 *
 * <p>Each call refuses the tensors that {@link TensorPointer#of} refuses, and keeps the others
 * reachable. Through a library interface the call also pins their bytes. In direct mapping it does
 * not, because there JNA does not say when a call is over; and there a declared {@code Tensor}
 * costs a call back into Java. {@code f(TensorPointer.of(x))} for a declared {@code Pointer} checks
 * the same and is several times as fast.
 */
public final class TensorTypeMapper extends DefaultTypeMapper {
  /** Is the one instance; any thread may use it. */
  public static final TensorTypeMapper INSTANCE = new TensorTypeMapper();

  private TensorTypeMapper() {
    addToNativeConverter(Tensor.class, new Converter());
    addToNativeConverter(TensorPointer.class, new Converter());
  }

  private static final class Converter implements ToNativeConverter {
    @Override
    public Object toNative(Object value, ToNativeContext context) {
      if (value == null) {
        return null;
      }
      TensorPointer pointer =
          value instanceof Tensor ? TensorPointer.of((Tensor) value) : (TensorPointer) value;
      pointer.requireReadable();
      // Direct mapping gives a context of no particular kind.
      return context.getClass() == ToNativeContext.class ? pointer : pointer.toNative();
    }

    @Override
    public Class<?> nativeType() {
      return Pointer.class;
    }
  }
}
