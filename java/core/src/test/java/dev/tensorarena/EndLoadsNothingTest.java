package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The first end of each kind in a process loads no class: where the stack or the heap has ended,
 * that could fail in the middle.
 */
class EndLoadsNothingTest {
  private static final String BEGIN = "-- the end begins";
  private static final String END = "-- the end is over";

  enum Kind {
    PLAIN,
    TRACKED,
    SHARED,
    WRAPPED,
    RESET,
    CONTEXT,
    KEPT,
    KEPT_COPY,
    KEPT_PINNED,
    KEPT_ZEROED,
    KEPT_SHARED_MEANWHILE,
    KEPT_WRAPPED,
    TAKEN_OVER,
    HANDLE,
    HANDLE_OF_WRAPPED,
    PIN,
    PART,
    PART_THAT_NOBODY_TOOK
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void theFirstEndOfAProcessLoadsNothing(Kind kind) throws Exception {
    assertLoadsNothing(kind, "off");
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void theFirstEndOfWhatIsWatchedLoadsNothing(Kind kind) throws Exception {
    assertLoadsNothing(kind, "all");
  }

  private static void assertLoadsNothing(Kind kind, String leakDetection) throws Exception {
    TestSupport.Outcome outcome =
        TestSupport.fork(
            List.of("-Xlog:class+load=info:stdout", "-Dtensorarena.leakDetection=" + leakDetection),
            Ends.class,
            kind.name());
    outcome.assertSucceeded().assertPrinted(BEGIN, END);
    List<String> loaded = new ArrayList<>();
    boolean inside = false;
    for (String line : outcome.output().split("\n")) {
      inside = line.contains(BEGIN) || inside && !line.contains(END);
      if (inside && line.contains("source:")) {
        loaded.add(line);
      }
    }
    assertEquals(List.of(), loaded);
  }

  static final class Ends {
    private static final ByteBuffer LENT = ByteBuffer.allocateDirect(8);

    private static int told;

    public static void main(String[] args) throws Exception {
      System.out.println("ready"); // loads what printing needs
      ExecutionContext ctx = ExecutionContext.builder().zeroOnRelease(isZeroed(args[0])).open();
      ctx.empty(DType.INT8, 64);
      ExecutionContext other = ExecutionContext.open();
      SharedTensor watched = null;
      if (System.getProperty("tensorarena.leakDetection").equals("all")) {
        watched = other.allocSlice(1f).share(); // what is shared in an end is not the first watched
      }
      AutoCloseable end = prepare(Kind.valueOf(args[0]), ctx);
      System.out.println(BEGIN);
      end.close();
      System.out.println(END);
      ctx.close();
      if (watched != null) {
        watched.close();
      }
      other.close();
      assertEquals(0, ChunkPool.stats().inUseChunks());
      assertTrue(told <= 1);
    }

    private static boolean isZeroed(String kind) {
      return kind.equals(Kind.KEPT_ZEROED.name());
    }

    private static void released() {
      told++;
    }

    private static AutoCloseable prepare(Kind kind, ExecutionContext ctx) throws Exception {
      Scope outer = ctx.scope();
      Scope scope = ctx.scope();
      Tensor tensor = ctx.empty(DType.INT8, 100_000);
      AutoCloseable[] hold = new AutoCloseable[1];
      AutoCloseable end =
          switch (kind) {
            case PLAIN, TRACKED, SHARED, WRAPPED, TAKEN_OVER -> scope::close;
            case RESET -> ctx::reset;
            case CONTEXT -> ctx::close;
            case KEPT, KEPT_COPY, KEPT_PINNED, KEPT_ZEROED -> () -> scope.closeKeeping(tensor);
            case KEPT_SHARED_MEANWHILE ->
                () -> {
                  scope.closeKeeping(tensor);
                  hold[0].close();
                };
            case KEPT_WRAPPED -> {
              Tensor wrapped = wrap(ctx);
              yield () -> scope.closeKeeping(wrapped);
            }
            case HANDLE -> tensor.share();
            case HANDLE_OF_WRAPPED -> wrap(ctx).share();
            case PIN -> TensorPin.of(tensor);
            case PART -> taken(tensor);
            case PART_THAT_NOBODY_TOOK -> tensor.split(0, 1).get(0);
          };
      switch (kind) {
        case TRACKED -> scope.track(Ends::released);
        case SHARED, KEPT_COPY -> tensor.share().close();
        case WRAPPED -> wrap(ctx);
        case KEPT_PINNED -> outer.track(TensorPin.of(tensor));
        case KEPT_SHARED_MEANWHILE -> scope.track(() -> hold[0] = tensor.share());
        case TAKEN_OVER -> {
          Scope inner = ctx.scope();
          SharedTensor handle = ctx.allocSlice(1f).share();
          inner.close();
          handle.mutable(ctx);
        }
        case HANDLE, HANDLE_OF_WRAPPED, PIN, PART, PART_THAT_NOBODY_TOOK -> outer.close();
        default -> {}
      }
      return end;
    }

    private static TensorPart taken(Tensor tensor) {
      TensorPart part = tensor.split(0, 1).get(0);
      part.tensor().track(Ends::released);
      return part;
    }

    private static Tensor wrap(ExecutionContext ctx) {
      return ctx.wrap(LENT, DType.INT8, Shape.of(8), Ends::released);
    }
  }
}
