import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Shape;
import dev.tensorarena.Tensor;
import dev.tensorarena.arrow.ArrowTensors;
import dev.tensorarena.arrow.CDataTensors;
import dev.tensorarena.arrow.FixedShapeTensorType;
import org.apache.arrow.c.ArrowArray;
import org.apache.arrow.c.ArrowSchema;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.FieldVector;

/** A tensor as a vector, and back, also by C; the argument says whether the module is named. */
public class Program {
  public static void main(String[] args) {
    check(Boolean.parseBoolean(args[0]), ArrowTensors.class.getModule().isNamed());
    try (BufferAllocator allocator = new RootAllocator();
        ExecutionContext taking = ExecutionContext.open()) {
      FieldVector vector;
      try (ExecutionContext ctx = ExecutionContext.open()) {
        Tensor tensor = ctx.copyOf(Shape.of(2, 2), 3f, 1f, 2f, 4f);
        FixedShapeTensorType type = new FixedShapeTensorType(Shape.of(2));
        vector = ArrowTensors.vector(allocator, "x", type, tensor);
        check(tensor.address(), ArrowTensors.wrap(taking, vector).address());
      }
      Tensor tensor = ArrowTensors.wrap(taking, vector);
      vector.close();
      check(2f, tensor.getFloat(1, 0));
      try (ArrowArray array = ArrowArray.allocateNew(allocator);
          ArrowSchema schema = ArrowSchema.allocateNew(allocator)) {
        CDataTensors.exportTensor(allocator, tensor, array, schema);
        Tensor back = CDataTensors.importTensor(allocator, taking, array, schema);
        check(tensor.address(), back.address());
      }
      taking.close();
      check(0L, allocator.getAllocatedMemory());
    }
  }

  private static void check(Object expected, Object actual) {
    if (!expected.equals(actual)) {
      throw new AssertionError(actual + " instead of " + expected);
    }
  }
}
