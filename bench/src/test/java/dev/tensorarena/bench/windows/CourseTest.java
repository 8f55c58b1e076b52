package dev.tensorarena.bench.windows;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class CourseTest {
  @Test
  void anOperationThatIsLongerThanAWindowIsAlone() {
    assertEquals(1, Course.fitting(0.001));
    assertEquals(1, Course.fitting(1));
  }

  @Test
  void aWindowHasItsWholePartOfWhatComesEvery4Or16Or100Operations() {
    assertEquals(4, Course.fitting(1.1));
    assertEquals(36, Course.fitting(33.5));
    assertEquals(100, Course.fitting(34));
    assertEquals(200, Course.fitting(101));
    for (double many : new double[] {200, 1234.5, 98_765}) {
      int operations = Course.fitting(many);
      assertEquals(0, operations % 16, () -> operations + " operations");
      assertEquals(0, operations % 100, () -> operations + " operations");
      assertEquals(many, operations, 400, () -> operations + " operations");
    }
  }

  @Test
  void operationsThatTakeNoTimeEndNevertheless() {
    assertEquals(1_000_000, Course.fitting(Double.POSITIVE_INFINITY));
  }
}
