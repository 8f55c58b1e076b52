package dev.tensorarena.examples.reversedictionary;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The command as it is called, in this process. */
class ReverseDictionaryTest {

  @TempDir private Path folder;

  private Path index;
  private String out;
  private String err;

  @BeforeEach
  void chooseIndex() {
    index = folder.resolve("index.npy");
  }

  @Test
  void answersAndMeasuresAndKeepsTheIndex() throws IOException {
    assertEquals(0, run("--query=a large wild cat"), () -> err);
    assertEquals("", err);
    assertTrue(out.contains("There is no index at " + index + " yet. It is made now."), out);
    assertTrue(out.contains("Looking among 300 of 82,192 nouns."), out);
    for (String query : List.of("a place where two rivers meet", "a large wild cat")) {
      assertTrue(out.contains(System.lineSeparator() + query + System.lineSeparator()), out);
    }
    assertTrue(out.matches("(?s).*\\n\\s+5\\. 0\\.\\d{3}  .*"), out);
    assertTrue(out.matches("(?s).*JNI refills after warm-up +0 +-.*"), out);
    assertTrue(out.matches("(?s).*bytes copied on the way +0 +[1-9][0-9,]+.*"), out);

    byte[] kept = Files.readAllBytes(index);
    assertEquals(0, run(), () -> err);
    assertTrue(out.startsWith("Looking among"), out);

    kept[kept.length / 2] ^= 1;
    Files.write(index, kept);
    assertEquals(0, run(), () -> err);
    assertTrue(out.startsWith("The index " + index + " is damaged: its SHA-256 is"), out);
    kept[kept.length / 2] ^= 1;
    assertEquals(-1, Files.mismatch(index, Files.write(folder.resolve("was"), kept)), "rebuilt");

    assertEquals(0, run("--nouns=20", "--measure=0"), () -> err);
    assertTrue(out.contains("is outdated: nouns was 300 and is now 20. It is made now."), out);
    assertFalse(out.contains("JNI refills"), out);
  }

  @Test
  void refusesAnEmptyQuery() {
    assertRefused("The query is empty", "--query=");
    assertRefused("The query is empty", "--query=  ");
  }

  @Test
  void refusesAQueryThatIsLongerThanTheModelTakes() {
    assertRefused(
        "The query is too long: it has 1,002 tokens, and the model takes at most 512.",
        "--query=" + "word ".repeat(1000));
  }

  @Test
  void refusesNounsThatThereAreNot() {
    for (String which : List.of("0", "-1", "82193", "many", "99999999999", "")) {
      assertRefused(
          "must be \"words\", \"all\" or a number from 1 to 82192, not \"" + which + "\".",
          "--nouns=" + which);
    }
  }

  @Test
  void takesByDefaultWhatHasOneWordFirst() {
    assertEquals(
        "words",
        ReverseDictionary.commandLine().getCommandSpec().findOption("--nouns").defaultValue());
  }

  @Test
  void refusesAnIndexThatCannotBeThere() throws IOException {
    assertRefused("must be a file that ends in .npy, not " + folder, "--index=" + folder);
    assertRefused("must be a file that ends in .npy, not x.txt", "--index=x.txt");
    Path file = Files.writeString(folder.resolve("file"), "");
    assertRefused(
        "The index " + file.resolve("i.npy") + " cannot be used: ",
        "--index=" + file.resolve("i.npy"));
  }

  @Test
  void refusesANegativeNumberOfQueriesToMeasure() {
    assertRefused(
        "The number of queries to measure must not be negative, as -1 is.", "--measure=-1");
  }

  @Test
  void refusesAnOptionThatItDoesNotHave() {
    assertRefused("Unknown option: '--verbs=1'", "--verbs=1");
  }

  private void assertRefused(String sentence, String option) {
    assertEquals(2, run(option));
    assertTrue(err.contains(sentence), err);
    assertEquals(1, err.strip().lines().count(), err);
    assertFalse(out.contains("Looking among"), out);
  }

  /** Runs the command on a small index, and measures little, unless the options say otherwise. */
  private int run(String... options) {
    List<String> arguments = new ArrayList<>(List.of(options));
    for (String usual : List.of("--nouns=300", "--index=" + index, "--measure=10")) {
      String name = usual.substring(0, usual.indexOf('=') + 1);
      if (arguments.stream().noneMatch(argument -> argument.startsWith(name))) {
        arguments.add(usual);
      }
    }
    StringWriter outText = new StringWriter();
    StringWriter errText = new StringWriter();
    CommandLine command = ReverseDictionary.commandLine();
    command.setOut(new PrintWriter(outText)).setErr(new PrintWriter(errText));
    int exitCode = command.execute(arguments.toArray(String[]::new));
    out = outText.toString();
    err = errText.toString();
    return exitCode;
  }
}
