package dev.tensorarena.ffm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import dev.tensorarena.TensorPin;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Has C make the structs of tensors: those that it deletes it must have allocated. */
final class DlpackExport {
  // The bytes of a ta_dlpack_view, see tensorarena_dlpack.h; extents and steps are laid behind it.
  private static final long SHAPE_AT = 8;
  private static final long STRIDES_AT = 16;
  private static final long RANK_AT = 24;
  private static final long CODE_AT = 28;
  private static final long BITS_AT = 29;
  private static final long LANES_AT = 30;
  private static final long VIEW_BYTES = 32;

  // Addresses are longs: nothing is left to do for a segment when C has made a struct.
  private static final MethodHandle MAKE =
      function("ta_dlpack_make", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle MAKE_VERSIONED =
      function(
          "ta_dlpack_make_versioned",
          FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG));

  private DlpackExport() {}

  private static MethodHandle function(String name, FunctionDescriptor descriptor) {
    MemorySegment address = MemorySegment.ofAddress(ChunkPool.nativeFunction(name).orElseThrow());
    return Linker.nativeLinker().downcallHandle(address, descriptor);
  }

  /** Returns the address of a new {@code DLManagedTensor}. */
  static long before1(Tensor tensor) {
    long made = 0;
    try (Arena arena = Arena.ofConfined();
        TensorPin pin = TensorPin.of(tensor)) {
      made = (long) MAKE.invokeExact(chunkOf(tensor, pin), view(tensor, arena));
    } catch (Throwable e) {
      throw undone(e, made == 0 ? null : DlpackStruct.before1(made));
    }
    return given(made);
  }

  /** Returns the address of a new {@code DLManagedTensorVersioned}. */
  static long versioned(Tensor tensor, long flags) {
    long made = 0;
    try (Arena arena = Arena.ofConfined();
        TensorPin pin = TensorPin.of(tensor)) {
      made = (long) MAKE_VERSIONED.invokeExact(chunkOf(tensor, pin), view(tensor, arena), flags);
    } catch (Throwable e) {
      throw undone(e, made == 0 ? null : DlpackStruct.versioned(made));
    }
    return given(made);
  }

  /** Deletes what was made before something failed, which is thrown on: C throws nothing. */
  private static RuntimeException undone(Throwable failure, DlpackStruct made) {
    if (made != null) {
      made.delete();
    }
    if (failure instanceof Error error) {
      throw error;
    }
    return (RuntimeException) failure;
  }

  /** An empty tensor has no bytes that anything must keep. */
  private static long chunkOf(Tensor tensor, TensorPin pin) {
    return tensor.size() == 0 ? 0 : pin.nativeHandle();
  }

  private static long view(Tensor tensor, Arena arena) {
    Shape shape = tensor.shape();
    DlpackType type = DlpackType.of(tensor.dtype());
    long dims = VIEW_BYTES;
    long strides = dims + (long) Long.BYTES * shape.rank();
    MemorySegment view = arena.allocate(2 * strides - dims, Long.BYTES);
    view.set(JAVA_LONG, 0, tensor.size() == 0 ? 0 : tensor.address());
    view.set(JAVA_LONG, SHAPE_AT, view.address() + dims);
    view.set(JAVA_LONG, STRIDES_AT, view.address() + strides);
    view.set(JAVA_INT, RANK_AT, shape.rank());
    view.set(JAVA_BYTE, CODE_AT, (byte) type.code());
    view.set(JAVA_BYTE, BITS_AT, (byte) type.bits());
    view.set(JAVA_SHORT, LANES_AT, (short) 1);
    for (int axis = 0; axis < shape.rank(); axis++) {
      long place = (long) Long.BYTES * axis;
      view.set(JAVA_LONG, dims + place, shape.dim(axis));
      view.set(JAVA_LONG, strides + place, tensor.stride(axis));
    }
    return view.address();
  }

  private static long given(long struct) {
    if (struct == 0) {
      throw new OutOfMemoryError("the system refused memory for a DLPack tensor");
    }
    return struct;
  }
}
