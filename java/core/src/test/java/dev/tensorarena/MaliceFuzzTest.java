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

  /** In a JVM of its own, compiled by C1 alone: see RELIABILITY.md for what is open under C2. */
  @Test
  @Tag("reliability")
  void aStackThatEndsInTheMiddleOfACallBreaksNoPromise() throws Exception {
    fork(MaliceRun.STACK_ENDS);
  }

  /** In a JVM of its own, since all of its threads live in the heap that ends. */
  @Test
  @Tag("reliability")
  void aHeapThatEndsInTheMiddleOfACallBreaksNoPromise() throws Exception {
    fork(MaliceRun.HEAP_ENDS, "-Xmx32m");
  }

  private static void fork(MaliceRun kind, String... jvmArguments) throws Exception {
    List<String> arguments = new ArrayList<>(List.of(jvmArguments));
    System.getProperties()
        .forEach(
            (name, value) -> {
              if (name.toString().matches("(reliability|malice)\\..*")) {
                arguments.add("-D" + name + "=" + value);
              }
            });
    TestSupport.Outcome outcome = TestSupport.fork(arguments, MaliceRun.class, kind.name());
    System.out.print(outcome.assertSucceeded().output());
  }
}
