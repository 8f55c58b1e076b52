package dev.tensorarena.examples.reversedictionary;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/**
 * The model's tokenizer: text to the ids of word pieces, between {@code [CLS]} and {@code [SEP]}.
 *
 * <p>The tokenizer file asks for exactly 128 ids a text, cut or padded. Both are switched off: a
 * query that is cut would be answered wrongly without a word, and padding is work for the model.
 * What the model takes is {@link MiniLm#MAX_TOKENS}. May be used by several threads.
 */
final class WordPieces implements AutoCloseable {

  /** Where the tokenizer lies in the model's jar. */
  static final String TOKENIZER = "/all-minilm-l6-v2-q-tokenizer.json";

  private final HuggingFaceTokenizer tokenizer;
  private final LongAdder garbage = new LongAdder();

  private WordPieces(HuggingFaceTokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  static WordPieces load() throws IOException {
    // Its native library is in its jar; on a machine with a GPU it would look for another one
    // online.
    System.setProperty("ai.djl.offline", "true");
    try (InputStream json = Resources.open(TOKENIZER)) {
      return new WordPieces(
          HuggingFaceTokenizer.newInstance(
              json, Map.of("truncation", "false", "padding", "false")));
    }
  }

  /**
   * The ids of a query.
   *
   * @throws RefusedException if there is no word in it, or more tokens than the model takes
   */
  long[] encode(String query) {
    if (query.isBlank()) {
      throw new RefusedException("The query is empty: give a definition, such as \"a wild dog\".");
    }
    long[] ids = ids(query);
    if (ids.length > MiniLm.MAX_TOKENS) {
      throw new RefusedException(
          String.format(
              "The query is too long: it has %,d tokens, and the model takes at most %,d.",
              ids.length, MiniLm.MAX_TOKENS));
    }
    return ids;
  }

  /**
   * The ids of a gloss; of one that is longer than the model takes, the beginning and the end mark.
   */
  long[] encodeTruncated(String gloss) {
    long[] ids = ids(gloss);
    if (ids.length <= MiniLm.MAX_TOKENS) {
      return ids;
    }
    long[] truncated = Arrays.copyOf(ids, MiniLm.MAX_TOKENS);
    truncated[truncated.length - 1] = ids[ids.length - 1];
    return truncated;
  }

  /** Bytes that the tokenizer itself has allocated on the Java heap. */
  long garbage() {
    return garbage.sum();
  }

  private long[] ids(String text) {
    long before = Garbage.ofThisThread();
    long[] ids = tokenizer.encode(text).getIds();
    garbage.add(Garbage.ofThisThread() - before);
    return ids;
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
