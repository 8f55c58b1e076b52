package dev.tensorarena.examples.reversedictionary;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.StringReader;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class WordNetTest {

  @Test
  void readsWordsAndGlossAndLeavesOutTheExamples() throws IOException {
    assertEquals(
        new Noun(
            List.of("confluence", "meeting"),
            "a place where things merge or flow together (especially rivers)"),
        only(
            "08560197 15 n 02 confluence 0 meeting 0 003 @ 08596234 n 0000 ;c 09434308 n 0000"
                + " + 00615006 a 0101 | a place where things merge or flow together (especially"
                + " rivers); \"Pittsburgh is located at the confluence of the Allegheny and"
                + " Monongahela rivers\"  "));
  }

  @Test
  void keepsASecondDefinitionBeforeTheExamples() throws IOException {
    assertEquals(
        "a tangible and visible entity; an entity that can cast a shadow",
        only("00002684 03 n 02 object 0 physical_object 0 001 @ 00001930 n 0000 | a tangible and"
                + " visible entity; an entity that can cast a shadow; \"it was full of rackets,"
                + " balls and other objects\"  ")
            .gloss());
  }

  @Test
  void writesSpacesWhereTheFileHasUnderscores() throws IOException {
    assertEquals(
        List.of("abstraction", "abstract entity"),
        only("00002137 03 n 02 abstraction 0 abstract_entity 0 000 | a general concept").words());
  }

  @Test
  void countsWordsInHexadecimal() throws IOException {
    StringBuilder line = new StringBuilder("00000001 03 n 0a");
    for (int i = 0; i < 10; i++) {
      line.append(" word").append(i).append(" 0");
    }
    assertEquals(10, only(line + " 000 | ten words").words().size());
  }

  @Test
  void skipsTheLicence() throws IOException {
    List<Noun> nouns =
        WordNet.parse(
            new StringReader(
                "  1 This software and database is being provided to you, the LICENSEE, by  \n"
                    + "  2 Princeton University under the following license. | \n"
                    + "00001740 03 n 01 entity 0 000 | that which is perceived  \n"));
    assertEquals(List.of(new Noun(List.of("entity"), "that which is perceived")), nouns);
  }

  @Test
  void namesALineWithoutAGloss() {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> only("00001740 03 n 01 entity 0 000"));
    assertTrue(e.getMessage().contains("entity"), e.getMessage());
  }

  @Test
  void readsAllNounsOfWordNet() throws IOException {
    List<Noun> nouns = WordNet.nouns();
    assertEquals(82_192, nouns.size());
    for (Noun noun : nouns) {
      assertTrue(!noun.words().isEmpty() && !noun.gloss().isBlank(), noun.toString());
    }
  }

  @Test
  void wordsAreThoseWhoseFirstWordIsOneInSmallLetters() throws IOException {
    List<Noun> taken = List.of(noun("river"), noun("a", "Upper case"), noun("entity", "two words"));
    List<Noun> left = List.of(noun("Pittsburgh"), noun("physical entity"), noun("lay-up"));
    assertEquals(taken, WordNet.words(taken));
    assertEquals(List.of(), WordNet.words(left));

    List<Noun> words = WordNet.words(WordNet.nouns());
    assertEquals(40_580, words.size());
    for (String answer : List.of("confluence", "astronomer", "entomology")) {
      assertTrue(words.stream().anyMatch(noun -> noun.words().get(0).equals(answer)), answer);
    }
  }

  private static Noun noun(String... words) {
    return new Noun(List.of(words), "a gloss");
  }

  @Test
  void spreadsTheSelectionOverTheWholeFile() throws IOException {
    List<Noun> nouns = WordNet.nouns();
    List<Noun> picked = WordNet.spread(nouns, 1000);
    assertEquals(1000, new HashSet<>(picked).size());
    for (int i = 0; i < 1000; i++) {
      int row = nouns.indexOf(picked.get(i));
      assertTrue(row >= 82.192 * i - 1 && row <= 82.192 * (i + 1), i + " is " + row);
    }
    assertEquals(nouns, WordNet.spread(nouns, nouns.size()));
  }

  private static Noun only(String line) throws IOException {
    List<Noun> nouns = WordNet.parse(new StringReader(line));
    assertEquals(1, nouns.size());
    return nouns.get(0);
  }
}
