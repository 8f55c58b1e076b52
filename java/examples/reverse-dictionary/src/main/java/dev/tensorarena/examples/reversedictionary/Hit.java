package dev.tensorarena.examples.reversedictionary;

/**
 * A row of the index and its cosine similarity to the query.
 *
 * @param row row of the index, from 0
 * @param score cosine similarity, -1 to 1
 */
record Hit(int row, float score) {}
