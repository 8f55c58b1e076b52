package dev.tensorarena.arrow;

import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Tensor;
import org.apache.arrow.c.ArrowArray;
import org.apache.arrow.c.ArrowSchema;
import org.apache.arrow.c.CDataDictionaryProvider;
import org.apache.arrow.c.Data;
import org.apache.arrow.memory.ArrowBuf;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.ReferenceManager;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.types.pojo.Field;

/**
 * Tensors through Arrow's C Data Interface, by which libraries in one process hand arrays to each
 * other, in whatever language. Nothing is copied. What {@link ArrowTensors} says of types,
 * ownership and charges holds here, too.
 *
 * <p>This class alone needs {@code arrow-c-data}, which the user adds.
 */
public final class CDataTensors {
  /** What a producer says that has not counted its nulls. */
  private static final long UNKNOWN = -1;

  private CDataTensors() {}

  /**
   * Exports a tensor as {@link ArrowTensors#vector(BufferAllocator, String, Tensor)} gives it. The
   * bytes are held until the consumer calls the array's release callback, on any thread.
   *
   * @param allocator charged for the bytes, for validity bits, and for what the structures refer to
   * @param tensor a contiguous tensor of rank 1 or more
   * @param array where to export the bytes; released if this throws
   * @param schema where to export the type; released if this throws
   * @throws IllegalArgumentException as {@code vector} throws it
   * @throws IllegalStateException as {@code vector} throws it
   */
  public static void exportTensor(
      BufferAllocator allocator, Tensor tensor, ArrowArray array, ArrowSchema schema) {
    Field field = Vectors.field("", tensor.dtype(), tensor.shape());
    TensorAllocation.handOver(
        tensor,
        bytes -> {
          try (FieldVector vector = Vectors.over(bytes, allocator, field, tensor.shape())) {
            return export(allocator, vector, new Exported(array, schema));
          }
        });
  }

  private static Exported export(BufferAllocator allocator, FieldVector vector, Exported to) {
    try {
      Data.exportVector(allocator, vector, null, to.array, to.schema);
      return to;
    } catch (Throwable e) {
      to.close();
      throw e;
    }
  }

  /** What the consumer releases if all goes well. */
  private record Exported(ArrowArray array, ArrowSchema schema) implements AutoCloseable {
    @Override
    public void close() {
      release(array);
      if (schema.snapshot().release != 0) {
        schema.release();
      }
    }
  }

  /** Without a call of native code, which may be what is missing, where nothing was exported. */
  private static void release(ArrowArray array) {
    if (array.snapshot().release != 0) {
      array.release();
    }
  }

  /**
   * Imports an array as {@link ArrowTensors#wrap} takes it: of numbers, of nested lists of a fixed
   * size, or, once it is registered, of {@link FixedShapeTensorType}. The producer's release
   * callback is called when the last holder of the bytes lets go.
   *
   * <p>Both structures are taken over and closed, also where this throws: then they are released.
   *
   * @param allocator charged for the bytes
   * @param ctx a context of the calling thread
   * @param array the array, without nulls
   * @param schema its type
   * @return a frozen tensor of the innermost open scope
   * @throws IllegalArgumentException as {@code wrap} throws it, and if the array begins within its
   *     buffers, as slices of some producers do: Arrow Java would read other elements
   * @throws IllegalStateException if the context is closed or belongs to another thread, or a
   *     structure was released already
   */
  public static Tensor importTensor(
      BufferAllocator allocator, ExecutionContext ctx, ArrowArray array, ArrowSchema schema) {
    try (array;
        schema;
        CDataDictionaryProvider dictionaries = new CDataDictionaryProvider();
        FieldVector vector = importVector(allocator, array, schema, dictionaries)) {
      return ArrowTensors.wrap(ctx, vector);
    }
  }

  private static FieldVector importVector(
      BufferAllocator allocator,
      ArrowArray array,
      ArrowSchema schema,
      CDataDictionaryProvider dictionaries) {
    FieldVector vector = null;
    try {
      // Arrow closes what it is given, at a moment that its version chooses: so it is given views.
      ArrowSchema type = ArrowSchema.wrap(schema.memoryAddress());
      vector = Data.importField(allocator, type, dictionaries).createVector(allocator);
      prepare(array);
      ArrowArray elements = ArrowArray.wrap(array.memoryAddress());
      Data.importIntoVector(allocator, elements, vector, dictionaries);
      return vector;
    } catch (Throwable e) {
      if (vector != null) {
        vector.close(); // may hold some of the buffers
      }
      release(array);
      throw e;
    }
  }

  /** Says of an array what Arrow Java would not see, or not understand. */
  private static void prepare(ArrowArray array) {
    ArrowArray.Snapshot found = array.snapshot();
    if (found.release == 0) {
      return; // which Arrow refuses
    }
    if (found.offset != 0) {
      throw new IllegalArgumentException(
          "an array of "
              + found.length
              + " values begins at offset "
              + found.offset
              + " of its buffers, which Arrow Java would read from their start; export a copy of"
              + " the slice");
    }
    if (found.null_count == UNKNOWN && found.n_buffers > 0 && pointer(found.buffers, 0) == 0) {
      found.null_count = 0; // there is no bit that could say null
      array.save(found);
    }
    for (long child = 0; child < found.n_children; child++) {
      prepare(ArrowArray.wrap(pointer(found.children, child)));
    }
  }

  private static long pointer(long pointers, long index) {
    return new ArrowBuf(ReferenceManager.NO_OP, null, (index + 1) * Long.BYTES, pointers)
        .getLong(index * Long.BYTES);
  }
}
