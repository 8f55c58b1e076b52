package dev.tensorarena.examples.reversedictionary;

import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The command: makes or reuses the index, answers the queries, and shows what that cost. */
@Command(
    name = "reverse-dictionary",
    description = "Type a definition, get the word.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class ReverseDictionary implements Callable<Integer> {

  /** What is looked up in any case. */
  static final List<String> KNOWN =
      List.of(
          "a place where two rivers meet",
          "a person who studies the stars",
          "the study of insects");

  private static final String NO_QUERY = "-";
  private static final String WORDS = "words";
  private static final String ALL = "all";
  private static final int ANSWERS = 5;
  private static final int LINE_LENGTH = 100;

  @Option(
      names = "--query",
      paramLabel = "<definition>",
      defaultValue = NO_QUERY,
      description = "One more definition to look up; \"-\" for none.")
  private String query;

  @Option(
      names = "--nouns",
      paramLabel = "<which>",
      defaultValue = WORDS,
      description = {
        "Which of WordNet's nouns to index: \"words\", those whose first word is a single",
        "lower-case word; \"all\"; or a number of them. Default: ${DEFAULT-VALUE}."
      })
  private String chosen;

  @Option(
      names = "--index",
      paramLabel = "<path>",
      defaultValue = "target/reverse-dictionary.npy",
      description = "Where the index is kept. Default: ${DEFAULT-VALUE}.")
  private Path indexPath;

  @Option(
      names = "--measure",
      paramLabel = "<number>",
      defaultValue = "200",
      description =
          "How many queries the table is made from, 0 for none. Default: ${DEFAULT-VALUE}.")
  private int measured;

  @Spec private CommandSpec spec;

  /** A command line that answers with a sentence what it cannot do. */
  static CommandLine commandLine() {
    CommandLine commandLine = new CommandLine(new ReverseDictionary());
    commandLine.setParameterExceptionHandler(
        (exception, args) -> complain(exception.getCommandLine(), exception.getMessage()));
    commandLine.setExecutionExceptionHandler(
        (exception, command, parsed) -> {
          if (exception instanceof RefusedException) {
            return complain(command, exception.getMessage());
          }
          throw exception;
        });
    return commandLine;
  }

  private static int complain(CommandLine commandLine, String sentence) {
    commandLine.getErr().println(sentence);
    commandLine.getErr().flush();
    return CommandLine.ExitCode.USAGE;
  }

  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  @Override
  public Integer call() throws Exception {
    PrintWriter out = spec.commandLine().getOut();
    if (measured < 0) {
      throw new RefusedException(
          "The number of queries to measure must not be negative, as " + measured + " is.");
    }
    List<Noun> all = WordNet.nouns();
    List<Noun> nouns = chosenOf(all);
    try (WordPieces wordPieces = WordPieces.load();
        MiniLm model = MiniLm.load()) {
      List<String> queries = new ArrayList<>(KNOWN);
      if (!query.equals(NO_QUERY)) {
        wordPieces.encode(query); // refused at once, not after the minutes that an index takes
        queries.add(query);
      }
      long bytes = (long) nouns.size() * MiniLm.WIDTH * DType.FLOAT32.byteSize();
      try (ExecutionContext context = ExecutionContext.withCapacity(bytes);
          SharedTensor index = index(context, nouns, new Indexer(wordPieces, model), out).share()) {
        out.printf(Locale.ROOT, "Looking among %,d of %,d nouns.%n", nouns.size(), all.size());
        Search search = new Search(wordPieces, model, index, ANSWERS);
        printAnswers(queries, answers(search, queries), nouns, out);
        if (measured > 0) {
          Comparison.of(search, glosses(nouns)).print(out);
        }
      }
    }
    out.flush();
    return CommandLine.ExitCode.OK;
  }

  private List<Noun> chosenOf(List<Noun> all) {
    switch (chosen) {
      case WORDS:
        return WordNet.words(all);
      case ALL:
        return all;
      default:
        return WordNet.spread(all, chosenCount(all.size()));
    }
  }

  private int chosenCount(int available) {
    try {
      int count = Integer.parseInt(chosen);
      if (count >= 1 && count <= available) {
        return count;
      }
    } catch (NumberFormatException e) {
      // the sentence below says it
    }
    throw new RefusedException(
        String.format(
            "The nouns must be \"%s\", \"%s\" or a number from 1 to %d, not \"%s\".",
            WORDS, ALL, available, chosen));
  }

  private Tensor index(ExecutionContext context, List<Noun> nouns, Indexer indexer, PrintWriter out)
      throws InterruptedException, ExecutionException {
    IndexFile file;
    try {
      file = new IndexFile(indexPath, indexer.origin(chosen));
      Optional<String> defect = file.defect();
      if (defect.isEmpty()) {
        return file.read(context);
      }
      out.println(defect.get() + " It is made now.");
      out.flush();
      file.prepare();
    } catch (IOException e) {
      throw new RefusedException("The index " + indexPath + " cannot be used: " + e, e);
    }
    Tensor index;
    try (ProgressBar bar = progressBar(nouns.size())) {
      index = indexer.index(context, nouns, bar::stepBy);
    }
    try {
      file.write(index);
    } catch (IOException e) {
      throw new RefusedException("The index " + indexPath + " cannot be kept: " + e, e);
    }
    return index;
  }

  private static ProgressBar progressBar(int nouns) {
    return new ProgressBarBuilder()
        .setTaskName("Embedding")
        .setUnit(" nouns", 1)
        .setInitialMax(nouns)
        .setStyle(ProgressBarStyle.ASCII)
        .showSpeed()
        .build();
  }

  private static void printAnswers(
      List<String> queries, List<List<Hit>> answers, List<Noun> nouns, PrintWriter out) {
    for (int i = 0; i < queries.size(); i++) {
      out.printf("%n%s%n", queries.get(i));
      int place = 0;
      for (Hit hit : answers.get(i)) {
        Noun noun = nouns.get(hit.row());
        String line = String.join(", ", noun.words()) + ": " + noun.gloss();
        out.printf(Locale.ROOT, "%3d. %.3f  %s%n", ++place, hit.score(), abbreviated(line));
      }
    }
    out.println();
    out.flush();
  }

  private static String abbreviated(String line) {
    return line.length() <= LINE_LENGTH ? line : line.substring(0, LINE_LENGTH - 3) + "...";
  }

  private static List<List<Hit>> answers(Search search, List<String> queries)
      throws InterruptedException, ExecutionException {
    try (Pipeline<List<String>, List<List<Hit>>> pipeline = search.withArenas(new Tally())) {
      return Search.answer(pipeline, queries);
    }
  }

  /** Queries to measure with: glosses from all over the index. */
  private List<String> glosses(List<Noun> nouns) {
    return WordNet.spread(nouns, measured).stream().map(Noun::gloss).toList();
  }
}
