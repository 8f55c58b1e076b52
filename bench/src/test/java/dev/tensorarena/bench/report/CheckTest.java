package dev.tensorarena.bench.report;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Optional;
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

  @Test
  void theLeastDecidesAndAMeanThatSaysOtherwiseIsTold() {
    assertEquals("yes", with(Figure.exact(11), Figure.measured(11.5, 0.1)));
    assertEquals("no", with(Figure.exact(13), Figure.measured(20, 30)));
    assertEquals(
        "yes by the least; no by the mean", with(Figure.exact(11), Figure.measured(20, 1)));
    assertEquals(
        "no by the least; yes, within the error by the mean",
        with(Figure.exact(13), Figure.measured(11, 3)));
  }

  private static String with(Figure least, Figure mean) {
    return new Check(mean, Optional.of(least), 12, false, "").verdict();
  }

  private static String atMost(double value, double error) {
    return new Check(Figure.measured(value, error), Optional.empty(), 12, false, "").verdict();
  }

  private static String atLeast(double value, double error) {
    return new Check(Figure.measured(value, error), Optional.empty(), 100, true, "").verdict();
  }
}
