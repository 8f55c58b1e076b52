package dev.tensorarena.onnxruntime;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.TensorInfo;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import java.lang.reflect.Constructor;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;

/** What only ONNX Runtime's own code can ask for, or make. */
final class NativeValues {
  private NativeValues() {}

  /** Where its native code finds a value's bytes: not what its Java code remembers. */
  static long address(OnnxTensor value) throws ReflectiveOperationException {
    Method asked = OnnxTensor.class.getDeclaredMethod("getBuffer");
    asked.setAccessible(true);
    ByteBuffer bytes = (ByteBuffer) asked.invoke(value);
    try (ExecutionContext ctx = ExecutionContext.open()) {
      return ctx.wrap(bytes, DType.INT8, Shape.of(bytes.capacity())).address();
    }
  }

  /** A value of float32 that there is no memory for. */
  static OnnxTensor withoutMemory(long elements) throws ReflectiveOperationException {
    Constructor<TensorInfo> infos =
        TensorInfo.class.getDeclaredConstructor(
            long[].class, OnnxJavaType.class, TensorInfo.OnnxTensorType.class);
    infos.setAccessible(true);
    TensorInfo info =
        infos.newInstance(
            new long[] {elements},
            OnnxJavaType.FLOAT,
            TensorInfo.OnnxTensorType.ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT);
    Constructor<OnnxTensor> values =
        OnnxTensor.class.getDeclaredConstructor(long.class, long.class, TensorInfo.class);
    values.setAccessible(true);
    return values.newInstance(0, 0, info);
  }
}
