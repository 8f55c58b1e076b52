package dev.tensorarena.examples.reversedictionary;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ChunkPool;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The whole way of a query, with the real model over a small index. */
class SearchTest {

  private static final int SPREAD = 297;
  private static final int TOP_K = 5;

  private static final List<String> QUERIES =
      List.of(
          "a place where two rivers meet",
          "a person who studies the stars",
          "the study of insects");

  private static final List<Noun> NOUNS = new ArrayList<>();
  private static WordPieces wordPieces;
  private static MiniLm model;
  private static ExecutionContext context;
  private static SharedTensor index;
  private static Search search;

  @BeforeAll
  static void index() throws Exception {
    List<Noun> all = WordNet.nouns();
    NOUNS.addAll(WordNet.spread(all, SPREAD));
    NOUNS.add(noun(all, "confluence", "especially rivers"));
    NOUNS.add(noun(all, "astronomer", "a physicist who studies astronomy"));
    NOUNS.add(noun(all, "entomology", "studies insects"));
    wordPieces = WordPieces.load();
    model = MiniLm.load();
    context = ExecutionContext.open();
    AtomicInteger progress = new AtomicInteger();
    Tensor vectors = new Indexer(wordPieces, model).index(context, NOUNS, progress::addAndGet);
    assertEquals(NOUNS.size(), progress.get());
    index = vectors.share();
    search = new Search(wordPieces, model, index, TOP_K);
  }

  @AfterAll
  static void close() throws Exception {
    index.close();
    context.close();
    model.close();
    wordPieces.close();
  }

  @Test
  void findsTheKnownAnswers() throws Exception {
    List<List<Hit>> answers = answer(QUERIES);
    assertEquals("confluence", word(answers.get(0)));
    assertEquals("astronomer", word(answers.get(1)));
    assertEquals("entomology", word(answers.get(2)));
    assertEquals(TOP_K, answers.get(0).size());
  }

  @Test
  void findsEveryNounByItsOwnGloss() throws Exception {
    List<List<Hit>> answers = answer(NOUNS.stream().map(Noun::gloss).toList());
    for (int row = 0; row < NOUNS.size(); row++) {
      // A batch of its own instead of one of 32 moves a vector a little: the model is quantised.
      assertEquals(1, answers.get(row).get(0).score(), 0.05, NOUNS.get(row).toString());
      assertEquals(NOUNS.get(row).gloss(), NOUNS.get(answers.get(row).get(0).row()).gloss());
    }
  }

  @Test
  void heapArraysGiveTheSameHits() throws Exception {
    List<String> queries = new ArrayList<>(QUERIES);
    NOUNS.stream().limit(100).map(Noun::gloss).forEach(queries::add);
    try (Pipeline<List<String>, List<List<Hit>>> heap = search.withHeapArrays(new Tally())) {
      assertSameHits(answer(queries), Search.answer(heap, queries));
      // and as one batch, in which the shorter ones are padded
      List<String> batch = queries.subList(0, 20);
      try (Pipeline<List<String>, List<List<Hit>>> arenas = search.withArenas(new Tally())) {
        assertSameHits(arenas.submit(batch).get(), heap.submit(batch).get());
      }
    }
  }

  @Test
  void everyContextIsAsLargeAsWhatIsAllocatedInIt() throws Exception {
    Tally tally = new Tally();
    try (Pipeline<List<String>, List<List<Hit>>> arenas = search.withArenas(tally)) {
      Search.answer(arenas, NOUNS.stream().map(Noun::gloss).toList());
      arenas.submit(NOUNS.stream().limit(64).map(Noun::gloss).toList()).get();
      arenas.submit(List.of("word ".repeat(MiniLm.MAX_TOKENS - 2))).get();
    }
    assertEquals(4 * (NOUNS.size() + 2), tally.contexts());
    assertEquals(tally.contexts(), tally.chunks());
    assertEquals(0, tally.refills());
    assertEquals(0, tally.copiedBytes());
  }

  @Test
  void aRefusedQueryIsToldApartAndLeavesNothingPinned() throws Exception {
    long pinned = ChunkPool.stats().pinnedChunks();
    try (Pipeline<List<String>, List<List<Hit>>> arenas = search.withArenas(new Tally())) {
      CompletableFuture<List<List<Hit>>> empty = arenas.submit(List.of(" "));
      CompletableFuture<List<List<Hit>>> tooLong =
          arenas.submit(List.of("word ".repeat(MiniLm.MAX_TOKENS - 1)));
      CompletableFuture<List<List<Hit>>> good = arenas.submit(List.of(QUERIES.get(0)));
      assertEquals("confluence", word(good.get().get(0)));
      assertRefused("The query is empty", empty);
      assertRefused("it has 513 tokens, and the model takes at most 512.", tooLong);
    }
    assertEquals(pinned, ChunkPool.stats().pinnedChunks());
  }

  @Test
  void aLongGlossIsTruncatedToWhatTheModelTakes() {
    String gloss = "word ".repeat(2 * MiniLm.MAX_TOKENS);
    long[] ids = wordPieces.encodeTruncated(gloss);
    assertEquals(MiniLm.MAX_TOKENS, ids.length);
    long[] few = wordPieces.encode("word word");
    assertArrayEquals(
        new long[] {few[0], few[1], few[few.length - 1]},
        new long[] {ids[0], ids[1], ids[ids.length - 1]});
  }

  private static List<List<Hit>> answer(List<String> queries) throws Exception {
    try (Pipeline<List<String>, List<List<Hit>>> arenas = search.withArenas(new Tally())) {
      return Search.answer(arenas, queries);
    }
  }

  private static String word(List<Hit> hits) {
    return NOUNS.get(hits.get(0).row()).words().get(0);
  }

  private static void assertSameHits(List<List<Hit>> expected, List<List<Hit>> actual) {
    assertEquals(expected.size(), actual.size());
    for (int i = 0; i < expected.size(); i++) {
      for (int j = 0; j < TOP_K; j++) {
        Hit hit = expected.get(i).get(j);
        assertEquals(hit.row(), actual.get(i).get(j).row());
        assertEquals(hit.score(), actual.get(i).get(j).score(), 1e-6);
      }
    }
  }

  private static void assertRefused(String sentence, CompletableFuture<?> answer) {
    Throwable cause = assertThrows(ExecutionException.class, answer::get).getCause();
    assertInstanceOf(RefusedException.class, cause);
    assertTrue(cause.getMessage().contains(sentence), cause.getMessage());
  }

  private static Noun noun(List<Noun> all, String word, String partOfGloss) {
    return all.stream()
        .filter(noun -> noun.words().contains(word) && noun.gloss().contains(partOfGloss))
        .findFirst()
        .orElseThrow();
  }
}
