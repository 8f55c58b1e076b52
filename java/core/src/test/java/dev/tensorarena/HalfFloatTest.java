package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.ShortBuffer;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** FLOAT16 and BFLOAT16 against their definitions, for every bit pattern. */
class HalfFloatTest {
  private final ExecutionContext ctx = ExecutionContext.open();

  @AfterEach
  void close() {
    ctx.close();
  }

  /** A tensor with all bit patterns, each at its own index. */
  private Tensor all(DType dtype) {
    Tensor tensor = ctx.empty(dtype, 1 << 16);
    ShortBuffer bits = tensor.asShortBuffer();
    for (int i = 0; i < 1 << 16; i++) {
      bits.put(i, (short) i);
    }
    return tensor;
  }

  /** IEEE 754 binary16 by definition; in a double all is exact. */
  private static double binary16(int bits) {
    int exponent = bits >> 10 & 31;
    int fraction = bits & 1023;
    double magnitude =
        exponent == 31
            ? (fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN)
            : exponent == 0 ? fraction * 0x1p-24 : (1024 + fraction) * 0x1p-25 * (1L << exponent);
    return bits < 0x8000 ? magnitude : -magnitude;
  }

  @Test
  void everyFloat16IsReadAsItIsDefined() {
    Tensor tensor = all(DType.FLOAT16);
    for (int i = 0; i < 1 << 16; i++) {
      assertEquals((float) binary16(i), tensor.getFloatAt(i), "bits " + Integer.toHexString(i));
    }
  }

  @Test
  void everyBfloat16IsTheUpperHalfOfAFloat() {
    Tensor tensor = all(DType.BFLOAT16);
    for (int i = 0; i < 1 << 16; i++) {
      int read = Float.floatToRawIntBits(tensor.getFloatAt(i));
      assertEquals(i << 16, read, "bits " + Integer.toHexString(i));
    }
  }

  @Test
  void everyValueIsWrittenAsItWasRead() {
    for (DType dtype : new DType[] {DType.FLOAT16, DType.BFLOAT16}) {
      Tensor tensor = all(dtype);
      Tensor again = ctx.empty(dtype, 1 << 16);
      for (int i = 0; i < 1 << 16; i++) {
        again.setFloatAt(i, tensor.getFloatAt(i));
        int written = again.asShortBuffer().get(i) & 0xffff;
        if (Float.isNaN(tensor.getFloatAt(i))) {
          assertTrue(Float.isNaN(again.getFloatAt(i)), "NaN stays NaN");
          assertEquals(i & 0x8000, written & 0x8000, "with its sign");
        } else {
          assertEquals(i, written, dtype.toString());
        }
      }
    }
  }

  /** Halfway between two neighbours the even one, else the nearer one. */
  @Test
  void writingRoundsToNearestAndTiesToEven() {
    for (DType dtype : new DType[] {DType.FLOAT16, DType.BFLOAT16}) {
      Tensor scalar = ctx.empty(dtype);
      Tensor tensor = all(dtype);
      int infinity = dtype == DType.FLOAT16 ? 0x7c00 : 0x7f80;
      for (int sign = 0; sign <= 0x8000; sign += 0x8000) {
        for (int bits = 0; bits < infinity; bits++) {
          double low = Math.abs((double) tensor.getFloatAt(bits));
          // What the next pattern would be if the exponent had no end.
          double high =
              bits + 1 < infinity
                  ? tensor.getFloatAt(bits + 1)
                  : 2 * low - tensor.getFloatAt(bits - 1);
          float middle = (float) ((low + high) / 2);
          if (middle != (low + high) / 2) {
            continue; // not between two floats: the last gap of bfloat16
          }
          float signed = sign == 0 ? middle : -middle;
          assertWritten(sign | bits + (bits & 1), scalar, signed);
          assertWritten(sign | bits, scalar, Math.nextAfter(signed, 0));
          assertWritten(sign | bits + 1, scalar, Math.nextAfter(signed, signed * 2.0));
        }
      }
    }
  }

  private static void assertWritten(int bits, Tensor scalar, float value) {
    scalar.setFloatAt(0, value);
    int written = scalar.asShortBuffer().get(0) & 0xffff;
    if (bits != written) {
      assertEquals(bits, written, scalar.dtype() + " of " + value);
    }
  }

  @Test
  void whatIsTooLargeBecomesInfiniteAndWhatIsTooSmallZero() {
    Tensor half = ctx.empty(DType.FLOAT16);
    assertWritten(0x7bff, half, 65_504f);
    assertWritten(0x7bff, half, Math.nextDown(65_520f));
    assertWritten(0x7c00, half, 65_520f);
    assertWritten(0xfc00, half, -65_520f);
    assertWritten(0x7c00, half, Float.MAX_VALUE);
    assertWritten(0xfc00, half, Float.NEGATIVE_INFINITY);
    assertWritten(0, half, 0x1p-25f);
    assertWritten(1, half, Math.nextUp(0x1p-25f));
    assertWritten(0x8000, half, -Float.MIN_VALUE);
    assertWritten(0x8000, half, -0f);
    Tensor brain = ctx.empty(DType.BFLOAT16);
    assertWritten(0x7f80, brain, Float.MAX_VALUE);
    assertWritten(0xff80, brain, -Float.MAX_VALUE);
    assertWritten(0x8000, brain, -0f);
    assertWritten(0, brain, Float.MIN_VALUE);
  }

  @Test
  void everyNaNOfAFloatStaysNaN() {
    for (DType dtype : new DType[] {DType.FLOAT16, DType.BFLOAT16}) {
      Tensor scalar = ctx.empty(dtype);
      for (int bits : new int[] {0x7f800001, 0x7fc00000, 0xff800001, 0x7fffffff, 0xffffffff}) {
        scalar.setFloatAt(0, Float.intBitsToFloat(bits));
        assertTrue(Float.isNaN(scalar.getFloatAt(0)), Integer.toHexString(bits));
      }
    }
  }

  /** Float.floatToFloat16 exists from JDK 20 on; the tests compile for 17. */
  @Test
  void float16AgreesWithTheJdk() throws Throwable {
    MethodHandle floatToFloat16;
    try {
      floatToFloat16 =
          MethodHandles.lookup()
              .findStatic(
                  Float.class, "floatToFloat16", MethodType.methodType(short.class, float.class));
    } catch (NoSuchMethodException e) {
      Assumptions.abort("this JDK has no floatToFloat16");
      return;
    }
    Random random = new Random(16);
    Tensor scalar = ctx.empty(DType.FLOAT16);
    for (int i = 0; i < 1_000_000; i++) {
      int bits = random.nextInt();
      // Every other one in the range of exponents where binary16 lives.
      float value =
          Float.intBitsToFloat(
              i % 2 == 0 ? bits : bits & 0x807fffff | 100 + random.nextInt(46) << 23);
      if (!Float.isNaN(value)) {
        assertWritten((short) floatToFloat16.invokeExact(value) & 0xffff, scalar, value);
      }
    }
  }

  @Test
  void arraysAndFillsConvertAlike() {
    for (DType dtype : new DType[] {DType.FLOAT16, DType.BFLOAT16}) {
      Tensor tensor = ctx.empty(dtype, 3).copyFrom(new float[] {1f, 1.0001f, -2.5f});
      assertEquals(1f, tensor.toFloatArray()[1]);
      assertEquals(-2.5f, tensor.getFloat(2));
      tensor.fill(3.14159f);
      float filled = tensor.getFloat(1);
      tensor.setFloat(3.14159f, 0);
      assertEquals(tensor.getFloat(0), filled);
    }
  }
}
