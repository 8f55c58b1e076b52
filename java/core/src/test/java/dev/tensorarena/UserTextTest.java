package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.function.Executable;

/**
 * The text of a user's object gets into a message, or a report to a user's listener: code of his
 * that throws, or ends what the call is at. The call fails, and all is as whole as after any other.
 */
class UserTextTest {
  /** What the text does when it is asked for; {@code ctx} has the open scope {@code scope}. */
  private enum Deed {
    THROWS {
      @Override
      void run(ExecutionContext ctx, Scope scope) {
        throw new UnsupportedOperationException("a test's text");
      }
    },
    OVERFLOWS {
      @Override
      void run(ExecutionContext ctx, Scope scope) {
        throw new StackOverflowError("a test's text");
      }
    },
    ENDS_THE_SCOPE {
      @Override
      void run(ExecutionContext ctx, Scope scope) {
        scope.close();
        ctx.empty(DType.INT32, 1000).fill(9);
      }
    },
    RESETS {
      @Override
      void run(ExecutionContext ctx, Scope scope) {
        ctx.reset();
        ctx.scope();
      }
    },
    CLOSES_THE_CONTEXT {
      @Override
      void run(ExecutionContext ctx, Scope scope) {
        ctx.close();
      }
    };

    abstract void run(ExecutionContext ctx, Scope scope);
  }

  /** A context in which one deed is done, once, by whatever is asked for its text first. */
  private static final class Scene implements AutoCloseable {
    final ExecutionContext ctx = ExecutionContext.open();
    final Tensor outer = ctx.allocSlice(1, 2, 3);
    final Scope scope = ctx.scope();
    private Deed deed;
    int wrapped;
    int released;

    Scene(Deed deed) {
      this.deed = deed;
    }

    /** Does the deed: to be called wherever a text is asked for. */
    String text() {
      Deed now = deed;
      deed = null;
      if (now != null) {
        try {
          now.run(ctx, scope);
        } catch (IllegalStateException e) {
          return "refused"; // within an end, another one may be
        }
      }
      return "a text";
    }

    boolean isDone() {
      return deed == null;
    }

    Tensor wrap(Acting memory) {
      Tensor tensor = ctx.wrap(memory, DType.INT32, Shape.of(4));
      wrapped++;
      return tensor;
    }

    /** Of memory that has gone. */
    Tensor gone() {
      Acting memory = new Acting(this);
      Tensor tensor = wrap(memory);
      memory.alive = false;
      return tensor;
    }

    @Override
    public void close() {
      ctx.close();
    }
  }

  private static class Acting extends BufferMemory {
    final Scene scene;
    boolean alive = true;

    Acting(Scene scene) {
      super(16);
      this.scene = scene;
    }

    @Override
    public boolean isAlive() {
      return alive;
    }

    @Override
    public void released() {
      scene.released++;
    }

    @Override
    public String toString() {
      return scene.text();
    }
  }

  private static final class ActingGuard extends Guard {
    final Scene scene;

    ActingGuard(Scene scene) {
      this.scene = scene;
    }

    @Override
    public void close() {}

    @Override
    public String toString() {
      return scene.text();
    }
  }

  private static final class ActingFailure extends Exception {
    private static final long serialVersionUID = 1;
    private final transient Scene scene;

    ActingFailure(Scene scene) {
      this.scene = scene;
    }

    @Override
    public String getMessage() {
      return scene.text();
    }
  }

  /** A call whose message has a text of the user's. */
  private interface Provocation {
    void of(Scene scene) throws Throwable;
  }

  @TestFactory
  Stream<DynamicTest> theTextOfWrappedMemory() {
    return Stream.of(
            inAll("of another size", s -> s.ctx.wrap(new Acting(s), DType.INT32, Shape.of(5))),
            inAll(
                "gone before it is wrapped",
                s -> {
                  Acting memory = new Acting(s);
                  memory.alive = false;
                  s.ctx.wrap(memory, DType.INT32, Shape.of(4));
                }),
            inAll(
                "with a wrong part",
                s ->
                    s.ctx.wrap(
                        new Acting(s) {
                          @Override
                          public ByteBuffer part(long offset, int length) {
                            return ByteBuffer.allocate(length);
                          }
                        },
                        DType.INT32,
                        Shape.of(4))),
            inAll("gone: get", s -> s.gone().getIntAt(0)),
            inAll("gone: set", s -> s.gone().setIntAt(0, 1)),
            inAll("gone: source", s -> s.ctx.allocSlice(1, 2, 3, 4).copyFrom(s.gone())),
            inAll("gone: target", s -> s.gone().copyFrom(s.ctx.allocSlice(1, 2, 3, 4))),
            inAll("gone: compare", s -> s.ctx.allocSlice(1, 2, 3, 4).mismatch(s.gone())),
            inAll("gone: share", s -> s.gone().share()),
            inAll("gone: pin", s -> TensorPin.of(s.gone())),
            inAll("gone: mutable", s -> s.gone().mutable(s.ctx)),
            inAll("gone: track", s -> s.gone().track(() -> {})),
            inAll("gone: kept", s -> s.scope.closeKeeping(s.gone())))
        .flatMap(tests -> tests);
  }

  @TestFactory
  Stream<DynamicTest> theTextOfWhatIsClosed() {
    return Stream.of(
            inAll(
                "a guard that guards already",
                s -> {
                  ActingGuard guard = s.scope.guard(ActingGuard.class, of -> new ActingGuard(s));
                  s.outer.guard(ActingGuard.class, of -> guard);
                }),
            inAll(
                "a resource of the scope",
                s -> {
                  s.scope.track(() -> fail(s));
                  s.scope.close();
                }),
            inAll(
                "a resource of the context",
                s -> {
                  s.ctx.track(() -> fail(s));
                  s.wrap(new Acting(s));
                  s.ctx.close();
                }),
            inAll(
                "a resource while a result is kept",
                s -> {
                  s.scope.track(() -> fail(s));
                  s.scope.closeKeeping(s.wrap(new Acting(s)));
                }),
            inAll(
                "a resource of a handle",
                s -> {
                  SharedTensor handle = s.wrap(new Acting(s)).share();
                  handle.track(() -> fail(s));
                  handle.close();
                }))
        .flatMap(tests -> tests);
  }

  private static void fail(Scene scene) throws ActingFailure {
    throw new ActingFailure(scene);
  }

  /**
   * A listener of the log is told of an owner that fails; the other owners are told all the same.
   */
  @TestFactory
  Stream<DynamicTest> aListenerOfTheLog() {
    return Stream.of(Deed.values())
        .map(
            deed ->
                DynamicTest.dynamicTest(
                    deed.toString(),
                    () -> {
                      try (Scene scene = new Scene(deed)) {
                        for (int i = 0; i < 3; i++) {
                          scene.wrap(failing(scene));
                        }
                        listening(scene, scene.scope::close);
                        assertWhole(scene);
                      }
                    }));
  }

  private static Acting failing(Scene scene) {
    return new Acting(scene) {
      @Override
      public void released() {
        super.released();
        throw new IllegalStateException("for the log: a test's memory fails");
      }
    };
  }

  private static void listening(Scene scene, Executable call) throws Throwable {
    try {
      LibraryLog.during(call::execute, told -> scene.text());
    } catch (UnsupportedOperationException | StackOverflowError e) {
      assertEquals("a test's text", e.getMessage());
    }
  }

  // ---- a provocation in a scene of its own, for each deed

  private static Stream<DynamicTest> inAll(String name, Provocation provocation) {
    return Stream.of(Deed.values())
        .map(
            deed ->
                DynamicTest.dynamicTest(
                    name + " " + deed,
                    () -> {
                      try (Scene scene = new Scene(deed)) {
                        assertThrows(Throwable.class, () -> provocation.of(scene));
                        assertWhole(scene);
                      }
                    }));
  }

  private static void assertWhole(Scene scene) {
    assertTrue(scene.isDone(), "the text was asked for");
    ExecutionContext ctx = scene.ctx;
    if (!ctx.isClosed()) {
      if (scene.outer.isAlive()) {
        assertArrayEquals(new int[] {1, 2, 3}, scene.outer.toIntArray());
      }
      try (Scope next = ctx.scope()) {
        Tensor fresh = ctx.allocSlice(4, 5, 6);
        SharedTensor handle = next.track(fresh.share());
        assertArrayEquals(new int[] {4, 5, 6}, handle.toIntArray());
      }
      ctx.close();
    }
    ctx.close(); // tells whom an error has kept from being told
    assertEquals(scene.wrapped, scene.released, "told once for each tensor");
  }
}
