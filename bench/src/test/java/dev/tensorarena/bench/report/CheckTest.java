package dev.tensorarena.bench.report;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class CheckTest {
  @Test
  void aBoundIsKeptOrNot() {
    assertEquals("yes", atMost(11, 0.5));
    assertEquals("yes", atMost(12, 0));
    assertEquals("no", atMost(13, 0.5));
    assertEquals("yes", atLeast(110, 5));
    assertEquals("no", atLeast(90, 5));
  }

  @Test
  void anErrorThatReachesTheBoundIsSaid() {
    assertEquals("yes, within the error", atMost(11, 1.5));
    assertEquals("no, within the error", atMost(13, 1.5));
    assertEquals("yes, within the error", atLeast(110, 15));
  }

  @Test
  void whatCouldNotBeMeasuredIsNotKept() {
    assertEquals("no", atMost(Double.NaN, 0));
    assertEquals("no", atLeast(Double.NaN, 0));
  }

  private static String atMost(double value, double error) {
    return Check.atMost("", Figure.measured(value, error), 12, "").verdict();
  }

  private static String atLeast(double value, double error) {
    return Check.atLeast("", Figure.measured(value, error), 100, "").verdict();
  }
}
