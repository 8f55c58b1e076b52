package dev.tensorarena.bench.report;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class FigureTest {
  @Test
  void aRatioHasBothErrors() {
    Figure ratio = Figure.measured(1000, 30).over(Figure.measured(10, 0.4));
    assertEquals(100, ratio.value(), 1e-9);
    assertEquals(5, ratio.error(), 1e-9); // 3 % and 4 % in quadrature
  }

  @Test
  void sumsAndDifferencesHaveBothErrors() {
    assertEquals(new Figure(15, 5), new Figure(10, 3).plus(new Figure(5, 4)));
    assertEquals(new Figure(5, 5), new Figure(10, 3).minus(new Figure(5, 4)));
  }

  @Test
  void aSingleSampleHasNoError() {
    assertEquals("12.3", Figure.measured(12.34, Double.NaN).toString());
  }

  @Test
  void threeDigitsAreShownOrTwoAndWholeNumbersWhole() {
    assertEquals("0.12 ± 0.012", Figure.measured(0.1234, 0.0123).toString());
    assertEquals("0.0012", Figure.exact(0.00123).brief());
    assertEquals("0.05", Figure.exact(0.05).brief());
    assertEquals("9.99", Figure.exact(9.99).brief());
    assertEquals("12.3", Figure.exact(12.34).brief());
    assertEquals("123", Figure.exact(123.4).brief());
    assertEquals("40,017", Figure.exact(40_016.6).brief());
    assertEquals("12", Figure.exact(12).brief());
    assertEquals("0", Figure.exact(0).brief());
  }
}
