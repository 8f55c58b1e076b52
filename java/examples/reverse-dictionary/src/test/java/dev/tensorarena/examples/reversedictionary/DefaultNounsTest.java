package dev.tensorarena.examples.reversedictionary;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.tensorarena.ExecutionContext;
import dev.tensorarena.SharedTensor;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The demo's own queries, among the nouns that it takes by default. With {@code
 * -Dreliability.allNouns=true} among all of them, else among those that could compete: a gloss that
 * names nothing of what is asked for does not come first.
 */
@Tag("reliability")
class DefaultNounsTest {

  private static final boolean ALL = Boolean.getBoolean("reliability.allNouns");

  private static final Pattern ON_THE_SUBJECT =
      Pattern.compile(
          "river|stream|flow|meet|two |star|celestial|astronom|physic|insect|scien|stud(y|ies)"
              + "|person who");

  @Test
  void theThreeAnswersComeFirst() throws Exception {
    List<Noun> nouns =
        WordNet.words(WordNet.nouns()).stream()
            .filter(noun -> ALL || ON_THE_SUBJECT.matcher(noun.gloss()).find())
            .toList();
    try (WordPieces wordPieces = WordPieces.load();
        MiniLm model = MiniLm.load();
        ExecutionContext context = ExecutionContext.open();
        SharedTensor index =
            new Indexer(wordPieces, model).index(context, nouns, done -> {}).share();
        Pipeline<List<String>, List<List<Hit>>> pipeline =
            new Search(wordPieces, model, index, 1).withArenas(new Tally())) {
      List<String> first =
          Search.answer(pipeline, ReverseDictionary.KNOWN).stream()
              .map(hits -> nouns.get(hits.get(0).row()).words().get(0))
              .toList();
      assertEquals(List.of("confluence", "astronomer", "entomology"), first);
    }
  }
}
