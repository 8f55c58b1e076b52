package dev.tensorarena.jna;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.NativeLong;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.Tensor;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What the README and the package's description show: the core compares them. */
class ExamplesTest {
  // example
  interface C extends Library {
    C LIBRARY =
        Native.load("c", C.class, Map.of(Library.OPTION_TYPE_MAPPER, TensorTypeMapper.INSTANCE));

    int memcmp(Tensor a, Tensor b, NativeLong bytes);
  }

  // end of example

  @Test
  void tensorsAreArguments() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      // example
      Tensor a = ctx.allocSlice(1, 2, 3);
      Tensor b = ctx.allocSlice(1, 2, 4);
      int order = C.LIBRARY.memcmp(a, b, new NativeLong(a.byteSize())); // less than 0
      // end of example
      assertTrue(order < 0);
    }
  }
}
