package dev.tensorarena.examples.reversedictionary;

import java.util.List;

/**
 * A noun synset of WordNet: words that mean the same, and the gloss that says what they mean.
 *
 * @param words the words, the most usual first
 * @param gloss the definition, without the examples
 */
record Noun(List<String> words, String gloss) {}
