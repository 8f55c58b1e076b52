package dev.tensorarena.examples.reversedictionary;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TopKTest {

  @Test
  void keepsTheSameHitsAsSortingThemAll() {
    Random random = new Random(17);
    for (int round = 0; round < 100; round++) {
      int length = 1 + random.nextInt(200);
      int k = 1 + random.nextInt(20);
      TopK topK = new TopK(k);
      List<Hit> all = new ArrayList<>();
      for (int row = 0; row < length; row++) {
        // From few values, so that many are equal.
        Hit hit = new Hit(row, random.nextInt(30) / 30f - 0.5f);
        all.add(hit);
        topK.offer(hit.row(), hit.score());
      }
      // A stable sort keeps the lower of equal rows in front.
      all.sort(Comparator.comparingDouble(Hit::score).reversed());
      assertEquals(all.subList(0, Math.min(k, length)), topK.hits());
    }
  }
}
