package dev.tensorarena.bench;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ExpectedHitsTest {
  private static final double TOLERANCE = ExpectedHits.OF_ANOTHER_ORDER;

  private final float[] index = Query.index();
  private final int[] tokens = Query.tokens(0);
  private final ExpectedHits expected = new ExpectedHits(index, tokens);

  @Test
  void theHitsThemselvesAreRight() {
    assertDoesNotThrow(() -> expected.check(0, expected.hits()));
    assertDoesNotThrow(() -> expected.check(TOLERANCE, expected.hits()));
  }

  @Test
  void hitsInAnotherOrderAreWrong() {
    int[] swapped = expected.hits();
    swapped[0] = expected.hits()[1];
    swapped[1] = expected.hits()[0];
    assertWrong(swapped);
  }

  @Test
  void anyOtherRowIsWrong() {
    for (int place = 0; place < Query.HITS; place++) {
      int[] other = expected.hits();
      other[place] = 0;
      assertWrong(other);
    }
  }

  @Test
  void fewerHitsAreWrongAndOneTwice() {
    assertWrong(Arrays.copyOf(expected.hits(), Query.HITS - 1));
    int[] twice = expected.hits();
    twice[1] = twice[0];
    assertWrong(twice);
  }

  /** A row whose score is the same but for a last bit may take the place of the best one. */
  @Test
  void rowsThatOnlyTheOrderOfTheSumsTellsApartAreEachOther() {
    int best = expected.hits()[0];
    int twin = best == 0 ? 1 : 0;
    System.arraycopy(index, best * Query.WIDTH, index, twin * Query.WIDTH, Query.WIDTH);
    index[twin * Query.WIDTH] = Math.nextUp(index[twin * Query.WIDTH]);
    ExpectedHits twins = new ExpectedHits(index, tokens);
    int[] swapped = twins.hits();
    swapped[0] = twins.hits()[1];
    swapped[1] = twins.hits()[0];

    assertDoesNotThrow(() -> twins.check(TOLERANCE, swapped));
    assertThrows(AssertionError.class, () -> twins.check(0, swapped));
  }

  private void assertWrong(int... found) {
    assertThrows(AssertionError.class, () -> expected.check(0, found));
    assertThrows(AssertionError.class, () -> expected.check(TOLERANCE, found));
  }
}
