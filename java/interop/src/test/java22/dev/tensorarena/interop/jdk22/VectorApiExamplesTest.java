package dev.tensorarena.interop.jdk22;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Tensor;
import dev.tensorarena.ffm.Segments;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.junit.jupiter.api.Test;

/** Tensors under the Vector API, as docs/INTEROP.md shows it. */
class VectorApiExamplesTest {
  // example
  /** The dot product of two tensors of one size, read where they lie. */
  static float dot(Tensor x, Tensor y) {
    VectorSpecies<Float> species = FloatVector.SPECIES_PREFERRED;
    ByteOrder order = ByteOrder.nativeOrder();
    MemorySegment a = Segments.of(x); // this thread's, until the tensor's scope or handle ends
    MemorySegment b = Segments.of(y);
    FloatVector sum = FloatVector.zero(species);
    long i = 0;
    for (long end = species.loopBound(x.size()); i < end; i += species.length()) {
      FloatVector v = FloatVector.fromMemorySegment(species, a, 4 * i, order);
      FloatVector w = FloatVector.fromMemorySegment(species, b, 4 * i, order);
      sum = v.fma(w, sum);
    }
    float dot = sum.reduceLanes(VectorOperators.ADD);
    for (; i < x.size(); i++) {
      dot += a.getAtIndex(ValueLayout.JAVA_FLOAT, i) * b.getAtIndex(ValueLayout.JAVA_FLOAT, i);
    }
    return dot;
  }

  // end of example

  @Test
  void theDotProductOfTwoTensors() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      assertEquals(3 * 4 + 5 + 2 * 6, dot(ctx.allocSlice(3f, 1f, 2f), ctx.allocSlice(4f, 5f, 6f)));
    }
  }
}
