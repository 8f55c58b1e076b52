package dev.tensorarena;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Random programs that mean harm; see {@link MaliceRun} for how many and from which seed. */
class MaliceFuzzTest {
  @Test
  @Tag("reliability")
  void codeInTheMiddleOfACallBreaksNoPromise() {
    MaliceRun.BY_TURNS.run();
  }

  @Test
  @Tag("reliability")
  void oneHandleInTheHandsOfManyThreadsBreaksNoPromise() {
    MaliceRun.ALL_AT_ONCE.run();
  }

  @Test
  @Tag("reliability")
  void aStackThatEndsInTheMiddleOfACallBreaksNoPromise() {
    MaliceRun.STACK_ENDS.run();
  }

  /** In a JVM of its own, since all of its threads live in the heap that ends. */
  @Test
  @Tag("reliability")
  void aHeapThatEndsInTheMiddleOfACallBreaksNoPromise() throws Exception {
    List<String> arguments = new ArrayList<>(List.of("-Xmx32m"));
    System.getProperties()
        .forEach(
            (name, value) -> {
              if (name.toString().matches("(reliability|malice|tensorarena\\.test)\\..*")) {
                arguments.add("-D" + name + "=" + value);
              }
            });
    TestSupport.Outcome outcome =
        TestSupport.fork(arguments, MaliceRun.class, MaliceRun.HEAP_ENDS.name());
    System.out.print(outcome.assertSucceeded().output());
  }
}
