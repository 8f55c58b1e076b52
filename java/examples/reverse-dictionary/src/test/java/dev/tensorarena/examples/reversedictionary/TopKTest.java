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
      for (int from = 0; from < length; ) {
        // In blocks, and from few values, so that many are equal.
        float[] block = new float[1 + random.nextInt(length - from)];
        for (int i = 0; i < block.length; i++) {
          block[i] = random.nextInt(30) / 30f - 0.5f;
          all.add(new Hit(from + i, block[i]));
        }
        topK.offer(from, block, block.length);
        from += block.length;
      }
      // A stable sort keeps the lower of equal rows in front.
      all.sort(Comparator.comparingDouble(Hit::score).reversed());
      assertEquals(all.subList(0, Math.min(k, length)), topK.hits());
    }
  }

  @Test
  void readsNoMoreOfTheBlockThanItsLength() {
    TopK topK = new TopK(2);
    topK.offer(7, new float[] {0.1f, 0.9f}, 1);
    assertEquals(List.of(new Hit(7, 0.1f)), topK.hits());
  }
}
