package dev.tensorarena.ffm;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.ForeignMemory;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;

/**
 * A struct of DLPack's that somebody else made, or this library did: the places of what is in it,
 * which differ between the two kinds of struct, and the tensor that it describes.
 */
final class DlpackStruct {
  /** The flag of a versioned struct whose bytes may not be written. */
  static final long READ_ONLY = 1;

  private static final int CPU = 1;
  private static final int MAJOR_VERSION = 1;

  // Bytes of the versioned struct: version, context, deleter, flags, tensor.
  private static final long MINOR_AT = 4;
  private static final long FLAGS_AT = 24;

  // Bytes of the tensor in either.
  private static final long DEVICE_AT = 8;
  private static final long DEVICE_ID_AT = 12;
  private static final long RANK_AT = 16;
  private static final long TYPE_AT = 20;
  private static final long BITS_AT = 21;
  private static final long LANES_AT = 22;
  private static final long SHAPE_AT = 24;
  private static final long STRIDES_AT = 32;
  private static final long OFFSET_AT = 40;
  private static final long TENSOR_BYTES = 48;

  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final AddressLayout POINTER = ValueLayout.ADDRESS;
  private static final MethodHandle DELETER =
      Linker.nativeLinker().downcallHandle(FunctionDescriptor.ofVoid(LONG));

  /** The JDK takes heap to call a method handle for the first time, and after its 127th call. */
  private static final int REHEARSALS = 200;

  static {
    rehearse();
  }

  /** More than any array library has; above it the struct is not one. */
  private static final int MAX_RANK = 1024;

  /** In elements, so that the bytes of it are a number. */
  private static final long MAX_SPAN = Long.MAX_VALUE >> 4;

  private final MemorySegment struct;
  private final MemorySegment tensor;
  private final MemorySegment deleter;
  private final boolean hasVersion;

  private DlpackStruct(long address, long tensorAt, long deleterAt, boolean hasVersion) {
    if (address == 0) {
      throw new IllegalArgumentException("no DLPack tensor: address 0");
    }
    struct = MemorySegment.ofAddress(address).reinterpret(TENSOR_BYTES + 32);
    tensor = struct.asSlice(tensorAt);
    deleter = struct.get(POINTER, deleterAt);
    this.hasVersion = hasVersion;
  }

  /** Returns the {@code DLManagedTensor} at an address. */
  static DlpackStruct before1(long address) {
    return new DlpackStruct(address, 0, 56, false);
  }

  /** Returns the {@code DLManagedTensorVersioned} at an address. */
  static DlpackStruct versioned(long address) {
    return new DlpackStruct(address, 32, 16, true);
  }

  /**
   * Has the JDK do now what it does for a handle that is called more often: a deleter is called
   * once, and where the heap has ended then nobody could call it again.
   */
  private static void rehearse() {
    long doesNothing = ChunkPool.nativeFunction("ta_chunk_release").orElseThrow(); // with NULL
    for (int i = 0; i < REHEARSALS; i++) {
      call(MemorySegment.ofAddress(doesNothing), 0);
    }
  }

  /** Calls the deleter, if there is one. */
  void delete() {
    if (deleter.address() != 0) {
      call(deleter, struct.address());
    }
  }

  private static void call(MemorySegment function, long argument) {
    try {
      DELETER.invokeExact(function, argument);
    } catch (Error | RuntimeException e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e); // C throws nothing
    }
  }

  /** Makes a tensor of what this describes, which is deleted with the last that needs the bytes. */
  Tensor wrap(ExecutionContext ctx) {
    requireVersion();
    requireCpu();
    DType dtype = DlpackType.dtype(at(TYPE_AT), at(BITS_AT), tensor.get(SHORT, LANES_AT) & 0xFFFF);
    Shape shape = shape();
    long[] strides = strides(shape);
    long bytes = span(shape, strides) * dtype.byteSize();
    // Where there are no elements there need be no bytes; any address will do then.
    long start = bytes == 0 ? struct.address() : tensor.get(LONG, 0) + tensor.get(LONG, OFFSET_AT);
    boolean readOnly = hasVersion && (struct.get(LONG, FLAGS_AT) & READ_ONLY) != 0;
    ForeignMemory memory =
        readOnly
            ? ForeignMemory.ofReadOnlyAddress(start, bytes, this::delete)
            : ForeignMemory.ofAddress(start, bytes, this::delete);
    return ctx.wrap(memory, dtype, shape, strides);
  }

  private void requireVersion() {
    if (hasVersion && struct.get(INT, 0) != MAJOR_VERSION) {
      throw new IllegalArgumentException(
          "DLPack "
              + Integer.toUnsignedString(struct.get(INT, 0))
              + "."
              + Integer.toUnsignedString(struct.get(INT, MINOR_AT))
              + ", of which only the deleter can be called; known is version "
              + MAJOR_VERSION);
    }
  }

  private void requireCpu() {
    int device = tensor.get(INT, DEVICE_AT);
    if (device != CPU) {
      throw new IllegalArgumentException(
          "a DLPack tensor on device "
              + device
              + ":"
              + tensor.get(INT, DEVICE_ID_AT)
              + ", not on the CPU, which is device "
              + CPU);
    }
  }

  private int at(long offset) {
    return tensor.get(ValueLayout.JAVA_BYTE, offset) & 0xFF;
  }

  private Shape shape() {
    return Shape.of(longsAt(SHAPE_AT)); // which refuses negative ones
  }

  private long[] strides(Shape shape) {
    if (tensor.get(LONG, STRIDES_AT) != 0) {
      return longsAt(STRIDES_AT);
    }
    long[] strides = new long[shape.rank()];
    long step = 1;
    for (int axis = strides.length - 1; axis >= 0; axis--) {
      strides[axis] = step;
      step *= shape.dim(axis);
    }
    return strides;
  }

  /** Returns as many numbers as there are axes, from where the tensor says. */
  private long[] longsAt(long offset) {
    int rank = tensor.get(INT, RANK_AT);
    if (rank < 0 || rank > MAX_RANK) {
      throw new IllegalArgumentException("a DLPack tensor of rank " + rank);
    }
    if (rank == 0) {
      return new long[0];
    }
    MemorySegment numbers = tensor.get(POINTER, offset);
    if (numbers.address() == 0) {
      throw new IllegalArgumentException("a DLPack tensor of rank " + rank + " without a shape");
    }
    return numbers.reinterpret((long) Long.BYTES * rank).toArray(LONG);
  }

  /** Returns how many elements there are from the first to the last, gaps included. */
  private static long span(Shape shape, long[] strides) {
    if (shape.numElements() == 0) {
      return 0;
    }
    long last = 0;
    for (int axis = 0; axis < strides.length; axis++) {
      long steps = shape.dim(axis) - 1;
      if (steps > 0 && strides[axis] < 0) {
        throw new IllegalArgumentException(
            "strides "
                + Arrays.toString(strides)
                + " of shape "
                + shape
                + ": none may be negative; take a copy that is in order, such as"
                + " numpy.ascontiguousarray() makes");
      }
      if (steps > 0 && strides[axis] > (MAX_SPAN - last) / steps) {
        throw new IllegalArgumentException(
            "strides " + Arrays.toString(strides) + " of shape " + shape + " reach too far");
      }
      last += steps > 0 ? steps * strides[axis] : 0;
    }
    return last + 1;
  }
}
