package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The API of the core, and what holds each module's API against its file. */
public class PublicApiTest {
  @Test
  void isWhatItsFileSays() throws IOException {
    ApiFile.check(Tensor.class);
  }

  @Test
  void exportedPackagesAreAllOfIt() throws IOException {
    List<String> types =
        PublicApi.ofModule(Tensor.class).stream().filter(line -> !line.startsWith(" ")).toList();
    assertEquals(List.of(), types.stream().filter(t -> !t.startsWith("public ")).toList());
    assertEquals(
        1, types.stream().filter(t -> t.contains("class dev.tensorarena.Tensor ")).count());
  }

  @Test
  void textHasAllThatUsersCanName() {
    assertEquals(
        """
        @FunctionalInterface public interface dev.tensorarena.PublicApiTest.Action
          public int once(int[][])
          public default int twice(int)
        public abstract static sealed class dev.tensorarena.PublicApiTest.Base<T extends Number & Comparable<T>> \
        implements AutoCloseable permits dev.tensorarena.PublicApiTest.Derived
          protected T field
          public static final String NAME = "name"
          public static final int SIZE = 7
          protected Base(T)
          public final void close()
          public abstract void end()
          public <A extends dev.tensorarena.Guard> \
        A find(Class<A>, java.util.function.Function<? super T, ? extends A>) \
        throws java.io.IOException
          @Deprecated public void inherited(String...)
          public final void overridden()
        public static final class dev.tensorarena.PublicApiTest.Derived \
        extends dev.tensorarena.PublicApiTest.Base<Integer>
          public void end()
        public enum dev.tensorarena.PublicApiTest.Level
          constant 0: LOW
          @Deprecated(forRemoval = true) constant 1: HIGH
          public static dev.tensorarena.PublicApiTest.Level valueOf(String)
          public static dev.tensorarena.PublicApiTest.Level[] values()
        public record dev.tensorarena.PublicApiTest.Point(int x, java.util.List<String> names)
          public Point(int, java.util.List<String>)
          public boolean equals(Object)
          public int hashCode()
          public java.util.List<String> names()
          public String toString()
          public int x()\
        """,
        String.join(
            "\n",
            PublicApi.of(
                List.of(
                    Base.class,
                    Derived.class,
                    Action.class,
                    Level.class,
                    Point.class,
                    Hidden.class))));
  }

  @Test
  void changeIsNamedWithTheCommandThatWritesTheFile(@TempDir Path folder) throws IOException {
    Path file = Files.createDirectory(folder.resolve("module")).resolve("api.txt");
    new ApiFile(file).check(PublicApi.of(List.of(Level.class)), true);
    String written = Files.readString(file);
    Files.writeString(file, written.replace("valueOf(String)", "valueOf(int)"));

    AssertionError changed =
        assertThrows(
            AssertionError.class,
            () -> new ApiFile(file).check(PublicApi.of(List.of(Level.class)), false));

    String level = "dev.tensorarena.PublicApiTest.Level";
    assertEquals(
        "The public API is not what java/module/api.txt says (- the file, + the code):\n"
            + ("- " + level + ": public static " + level + " valueOf(int)\n")
            + ("+ " + level + ": public static " + level + " valueOf(String)\n")
            + "If that is meant, write the file anew, and name the change in CHANGELOG.md:\n"
            + "  mvn test -pl java/module -am -Dtest=PublicApiTest"
            + " -Dsurefire.failIfNoSpecifiedTests=false -Dapi.update=true",
        changed.getMessage());
  }

  @Test
  void fileIsWrittenOnlyWhenAsked(@TempDir Path folder) throws IOException {
    ApiFile file = new ApiFile(folder.resolve("api.txt"));
    List<String> api = PublicApi.of(List.of(Level.class));
    assertThrows(AssertionError.class, () -> file.check(api, false));
    assertFalse(Files.exists(folder.resolve("api.txt")));
    file.check(api, true);
    file.check(api, false);
  }

  // ---- samples

  interface Ending {
    void end();
  }

  abstract static class Hidden<T> implements Ending, AutoCloseable {
    public <A extends Guard> A find(Class<A> type, Function<? super T, ? extends A> maker)
        throws IOException {
      throw new IOException(type.getName() + maker);
    }

    public void overridden() {}

    @Override
    public final void close() {}
  }

  public abstract static sealed class Base<T extends Number & Comparable<T>> extends Hidden<T>
      permits Derived {
    public static final String NAME = "name";
    public static final int SIZE = 7;
    protected T field;
    final int notShown = 1;

    protected Base(T field) {
      this.field = field;
    }

    @Deprecated
    public void inherited(String... names) {}

    @Override
    public final void overridden() {}

    void notShown() {}
  }

  public static final class Derived extends Base<Integer> {
    private Derived() {
      super(1);
    }

    @Override
    public void end() {}

    protected void notShownEither() {}
  }

  @FunctionalInterface
  public interface Action {
    int once(int[][] numbers);

    default int twice(int number) {
      return once(new int[][] {{number}, {number}});
    }
  }

  public enum Level {
    LOW,
    @Deprecated(forRemoval = true)
    HIGH
  }

  public record Point(int x, List<String> names) {}
}
