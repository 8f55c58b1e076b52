package dev.tensorarena.examples.reversedictionary;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class PipelineTest {

  private static final int JOBS = 100; // more than the queues hold

  /** What stages hand on in these tests: counted while open. */
  private static final class Handle implements AutoCloseable {

    private final AtomicInteger open;
    private final int number;

    Handle(AtomicInteger open, int number) {
      this.open = open;
      this.number = number;
      open.incrementAndGet();
    }

    @Override
    public void close() {
      open.decrementAndGet();
    }
  }

  @Test
  void answersEveryJobFromThreadsOfTheStages() throws Exception {
    List<String> names = new ArrayList<>();
    try (Pipeline<Integer, String> pipeline =
        Pipeline.<Integer, Integer>of(
                "double",
                i -> {
                  names.add(Thread.currentThread().getName());
                  return 2 * i;
                })
            .then("write", i -> Thread.currentThread().getName() + i)
            .start()) {
      List<CompletableFuture<String>> answers = new ArrayList<>();
      for (int i = 0; i < JOBS; i++) {
        answers.add(pipeline.submit(i));
      }
      for (int i = 0; i < JOBS; i++) {
        assertEquals("write" + 2 * i, answers.get(i).get());
      }
    }
    assertEquals(JOBS, names.size());
    assertEquals(List.of("double"), names.stream().distinct().toList());
  }

  @Test
  void aFailureIsThatJobsAloneAndLeaksNothing() throws Exception {
    for (int failing = 0; failing < 3; failing++) {
      AtomicInteger open = new AtomicInteger();
      IllegalStateException failure = new IllegalStateException("in stage " + failing);
      try (Pipeline<Integer, Integer> pipeline = threeStages(open, failing, failure)) {
        List<CompletableFuture<Integer>> answers = new ArrayList<>();
        for (int i = 0; i < JOBS; i++) {
          answers.add(pipeline.submit(i));
        }
        for (int i = 0; i < JOBS; i++) {
          if (i % 10 == 7) {
            CompletableFuture<Integer> answer = answers.get(i);
            assertSame(failure, assertThrows(ExecutionException.class, answer::get).getCause());
          } else {
            assertEquals(i, answers.get(i).get());
          }
        }
      }
      assertEquals(0, open.get(), "handles left open when stage " + failing + " fails");
    }
  }

  @Test
  void closeWaitsForWhatIsUnderWayEvenWhenInterrupted() throws Exception {
    AtomicInteger open = new AtomicInteger();
    Pipeline<Integer, Integer> pipeline = threeStages(open, -1, null);
    List<CompletableFuture<Integer>> answers = new ArrayList<>();
    for (int i = 0; i < JOBS; i++) {
      answers.add(pipeline.submit(i));
    }
    Thread.currentThread().interrupt();
    pipeline.close();
    assertTrue(Thread.interrupted(), "the interrupt is still there");
    assertTrue(answers.stream().allMatch(CompletableFuture::isDone));
    assertFalse(pipeline.threads().stream().anyMatch(Thread::isAlive));
    assertEquals(0, open.get());
    pipeline.close();
    assertThrows(IllegalStateException.class, () -> pipeline.submit(1));
  }

  private static Pipeline<Integer, Integer> threeStages(
      AtomicInteger open, int failing, RuntimeException failure) {
    return Pipeline.<Integer, Handle>of(
            "first", i -> new Handle(open, failIf(failing == 0, i, failure)))
        .then("second", handle -> new Handle(open, failIf(failing == 1, handle.number, failure)))
        .then("third", handle -> failIf(failing == 2, handle.number, failure))
        .start();
  }

  private static int failIf(boolean fails, int number, RuntimeException failure) {
    if (fails && number % 10 == 7) {
      throw failure;
    }
    return number;
  }
}
