package dev.tensorarena;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Small integers as elements of every type: the bits that must lie in memory, worked out here, and
 * the methods of a tensor that read and write them.
 */
final class ModelElements {
  /** Values go from 0 to this, which every type but BOOL holds exactly. */
  static final int MOST = 127;

  private ModelElements() {}

  /** What is in memory for a value, in the lowest bits. */
  static long bits(DType dtype, int value) {
    switch (dtype) {
      case FLOAT32:
        return Float.floatToRawIntBits(value);
      case FLOAT64:
        return Double.doubleToRawLongBits(value);
      case BFLOAT16:
        return Float.floatToRawIntBits(value) >>> 16;
      case FLOAT16:
        return halfBits(value);
      case BOOL:
        return value & 1;
      default:
        return value;
    }
  }

  /** 5 bits of exponent, biased by 15, above 10 of mantissa without its leading one. */
  private static long halfBits(int value) {
    if (value == 0) {
      return 0;
    }
    int exponent = 31 - Integer.numberOfLeadingZeros(value);
    return (exponent + 15L) << 10 | (value << 10 >> exponent) & 0x3ff;
  }

  static long[] bits(DType dtype, int[] values) {
    return IntStream.of(values).mapToLong(value -> bits(dtype, value)).toArray();
  }

  /** The Java type by which the methods for these elements are named. */
  static String javaType(DType dtype) {
    switch (dtype) {
      case FLOAT32:
      case FLOAT16:
      case BFLOAT16:
        return "Float";
      case FLOAT64:
        return "Double";
      case INT64:
        return "Long";
      case INT32:
        return "Int";
      case INT16:
        return "Short";
      case BOOL:
        return "Boolean";
      default:
        return "Byte";
    }
  }

  /** All elements, by the method of another type's name if it is asked for. */
  static long[] readAll(Tensor tensor, String javaType) {
    DType dtype = tensor.dtype();
    switch (javaType) {
      case "Float":
        float[] floats = tensor.toFloatArray();
        return IntStream.range(0, floats.length).mapToLong(i -> of(dtype, floats[i])).toArray();
      case "Double":
        return Arrays.stream(tensor.toDoubleArray())
            .mapToLong(Double::doubleToRawLongBits)
            .toArray();
      case "Long":
        return tensor.toLongArray();
      case "Int":
        return IntStream.of(tensor.toIntArray()).asLongStream().toArray();
      case "Short":
        short[] shorts = tensor.toShortArray();
        return IntStream.range(0, shorts.length).mapToLong(i -> shorts[i]).toArray();
      case "Byte":
        byte[] bytes = tensor.toByteArray();
        return IntStream.range(0, bytes.length).mapToLong(i -> bytes[i]).toArray();
      default:
        boolean[] booleans = tensor.toBooleanArray();
        return IntStream.range(0, booleans.length).mapToLong(i -> booleans[i] ? 1 : 0).toArray();
    }
  }

  private static long of(DType dtype, float value) {
    return value >= 0 && value <= MOST && value == (int) value ? bits(dtype, (int) value) : -1;
  }

  /** One element, by one index for each axis, or by its row-major index if there is no array. */
  static long read(Tensor tensor, String javaType, long flat, long... index) {
    boolean at = index == null;
    switch (javaType) {
      case "Float":
        return of(tensor.dtype(), at ? tensor.getFloatAt(flat) : tensor.getFloat(index));
      case "Double":
        return Double.doubleToRawLongBits(at ? tensor.getDoubleAt(flat) : tensor.getDouble(index));
      case "Long":
        return at ? tensor.getLongAt(flat) : tensor.getLong(index);
      case "Int":
        return at ? tensor.getIntAt(flat) : tensor.getInt(index);
      case "Short":
        return at ? tensor.getShortAt(flat) : tensor.getShort(index);
      case "Byte":
        return at ? tensor.getByteAt(flat) : tensor.getByte(index);
      default:
        return (at ? tensor.getBooleanAt(flat) : tensor.getBoolean(index)) ? 1 : 0;
    }
  }

  /** As {@link #read}. */
  static void write(Tensor tensor, String javaType, int value, long flat, long... index) {
    boolean at = index == null;
    switch (javaType) {
      case "Float":
        if (at) {
          tensor.setFloatAt(flat, value);
        } else {
          tensor.setFloat(value, index);
        }
        break;
      case "Double":
        if (at) {
          tensor.setDoubleAt(flat, value);
        } else {
          tensor.setDouble(value, index);
        }
        break;
      case "Long":
        if (at) {
          tensor.setLongAt(flat, value);
        } else {
          tensor.setLong(value, index);
        }
        break;
      case "Int":
        if (at) {
          tensor.setIntAt(flat, value);
        } else {
          tensor.setInt(value, index);
        }
        break;
      case "Short":
        if (at) {
          tensor.setShortAt(flat, (short) value);
        } else {
          tensor.setShort((short) value, index);
        }
        break;
      case "Byte":
        if (at) {
          tensor.setByteAt(flat, (byte) value);
        } else {
          tensor.setByte((byte) value, index);
        }
        break;
      default:
        if (at) {
          tensor.setBooleanAt(flat, (value & 1) != 0);
        } else {
          tensor.setBoolean((value & 1) != 0, index);
        }
    }
  }

  static Tensor copyFrom(Tensor tensor, String javaType, int[] values) {
    switch (javaType) {
      case "Float":
        return tensor.copyFrom(floats(values));
      case "Double":
        return tensor.copyFrom(IntStream.of(values).asDoubleStream().toArray());
      case "Long":
        return tensor.copyFrom(IntStream.of(values).asLongStream().toArray());
      case "Int":
        return tensor.copyFrom(values);
      case "Short":
        return tensor.copyFrom(shorts(values));
      case "Byte":
        return tensor.copyFrom(bytes(values));
      default:
        boolean[] booleans = new boolean[values.length];
        for (int i = 0; i < values.length; i++) {
          booleans[i] = (values[i] & 1) != 0;
        }
        return tensor.copyFrom(booleans);
    }
  }

  /** By the method for the type, or by the one for ints, which all number types have. */
  static Tensor fill(Tensor tensor, int value, boolean asInt) {
    switch (tensor.dtype()) {
      case BOOL:
        return tensor.fill((value & 1) != 0);
      case FLOAT64:
        return asInt ? tensor.fill(value) : tensor.fill((double) value);
      case FLOAT32:
      case FLOAT16:
      case BFLOAT16:
        return asInt ? tensor.fill(value) : tensor.fill((float) value);
      default:
        return asInt ? tensor.fill(value) : tensor.fill((long) value);
    }
  }

  /** The types that {@link #allocate} makes. */
  static boolean hasFactory(DType dtype) {
    switch (dtype) {
      case FLOAT32:
      case FLOAT64:
      case INT64:
      case INT32:
      case INT16:
      case INT8:
        return true;
      default:
        return false;
    }
  }

  static Tensor copyOf(ExecutionContext ctx, DType dtype, Shape shape, int[] values) {
    switch (dtype) {
      case FLOAT32:
        return ctx.copyOf(shape, floats(values));
      case FLOAT64:
        return ctx.copyOf(shape, IntStream.of(values).asDoubleStream().toArray());
      case INT64:
        return ctx.copyOf(shape, IntStream.of(values).asLongStream().toArray());
      case INT32:
        return ctx.copyOf(shape, values);
      case INT16:
        return ctx.copyOf(shape, shorts(values));
      default:
        return ctx.copyOf(shape, bytes(values));
    }
  }

  private static float[] floats(int[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      floats[i] = values[i];
    }
    return floats;
  }

  private static short[] shorts(int[] values) {
    short[] shorts = new short[values.length];
    for (int i = 0; i < values.length; i++) {
      shorts[i] = (short) values[i];
    }
    return shorts;
  }

  private static byte[] bytes(int[] values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }

  /** The typed raw view, or the one of bytes for a type that has none. */
  static Buffer view(Tensor tensor) {
    switch (tensor.dtype()) {
      case FLOAT32:
        return tensor.asFloatBuffer();
      case FLOAT64:
        return tensor.asDoubleBuffer();
      case INT64:
        return tensor.asLongBuffer();
      case INT32:
        return tensor.asIntBuffer();
      case FLOAT16:
      case BFLOAT16:
      case INT16:
        return tensor.asShortBuffer();
      default:
        return tensor.asByteBuffer();
    }
  }

  static long get(Buffer view, int at) {
    if (view instanceof FloatBuffer floats) {
      return Float.floatToRawIntBits(floats.get(at));
    } else if (view instanceof DoubleBuffer doubles) {
      return Double.doubleToRawLongBits(doubles.get(at));
    } else if (view instanceof LongBuffer longs) {
      return longs.get(at);
    } else if (view instanceof IntBuffer ints) {
      return ints.get(at);
    } else if (view instanceof ShortBuffer shorts) {
      return shorts.get(at);
    }
    return ((ByteBuffer) view).get(at);
  }

  static void put(Buffer view, int at, long bits) {
    if (view instanceof FloatBuffer floats) {
      floats.put(at, Float.intBitsToFloat((int) bits));
    } else if (view instanceof DoubleBuffer doubles) {
      doubles.put(at, Double.longBitsToDouble(bits));
    } else if (view instanceof LongBuffer longs) {
      longs.put(at, bits);
    } else if (view instanceof IntBuffer ints) {
      ints.put(at, (int) bits);
    } else if (view instanceof ShortBuffer shorts) {
      shorts.put(at, (short) bits);
    } else {
      ((ByteBuffer) view).put(at, (byte) bits);
    }
  }
}
