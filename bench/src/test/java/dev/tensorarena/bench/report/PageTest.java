package dev.tensorarena.bench.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Opens the page of two short runs in a real browser. */
class PageTest {
  private static final int PHONE = 360;
  private static final int DESK = 1200;

  @TempDir private static Path folder;

  private static Browser browser;
  private static List<Chart> charts;

  @BeforeAll
  static void openBrowser() throws IOException {
    List<Run> runs = Fixtures.runs();
    new Report(
            runs,
            Fixtures.inC(),
            new Comparison(Fixtures.run("earlier/jmh-jdk25.json"), runs.get(1)))
        .write(folder);
    List<Run> all = new ArrayList<>(runs);
    all.add(Fixtures.inC());
    charts = Answer.all(all).stream().flatMap(answer -> AnswerCharts.of(answer).stream()).toList();
    Optional<Browser> found = Browser.open();
    if ("true".equals(System.getenv("CI"))) {
      assertTrue(found.isPresent(), Browser.MISSING);
    }
    assumeTrue(found.isPresent(), Browser.MISSING);
    browser = found.get();
  }

  @AfterAll
  static void closeBrowser() {
    if (browser != null) {
      browser.close();
    }
  }

  @Test
  void theConsoleIsSilentAndNothingIsLoaded() {
    show(DESK);
    assertEquals(List.of(), browser.console());
    List<String> loaded =
        browser.run("return performance.getEntriesByType('resource').map(entry => entry.name)");
    assertEquals(List.of(), loaded);
  }

  @Test
  void everyChartIsDrawnOnADesk() {
    show(DESK);
    assertEveryChartIsDrawn();
  }

  @Test
  void everyChartIsDrawnOnAPhone() {
    show(PHONE);
    assertEveryChartIsDrawn();
  }

  /** Each bar and each whisker is there, and none is empty. */
  private static void assertEveryChartIsDrawn() {
    assertTrue(charts.size() >= Fixtures.QUESTIONS, () -> charts.size() + " charts");
    for (Chart chart : charts) {
      List<Chart.Bar> bars =
          chart.series().stream()
              .flatMap(series -> series.values().stream())
              .filter(bar -> bar != null && bar.value() > 0)
              .toList();
      long whiskers = bars.stream().filter(bar -> bar.high() > bar.low()).count();
      int legend = chart.series().size() > 1 ? chart.series().size() : 0;
      assertEquals(bars.size() + legend, count(chart, BARS), chart.id() + ": bars");
      assertEquals(3 * whiskers, count(chart, WHISKERS), chart.id() + ": lines of whiskers");
    }
  }

  private static final String BARS =
      "Object.values(COLOURS).flat().includes(path.getAttribute('fill')) && box.width > 0"
          + " && box.height > 0";
  private static final String WHISKERS =
      "path.getAttribute('stroke') === WHISKER && box.width + box.height > 0";

  private static long count(Chart chart, String condition) {
    return browser.<Long>run(
        "return [...document.getElementById(arguments[0]).querySelectorAll('svg path')]"
            + ".filter(path => { const box = path.getBoundingClientRect(); return "
            + condition
            + "; }).length",
        chart.id());
  }

  @Test
  void onAPhoneNothingOverflows() {
    show(PHONE);
    browser.run("document.querySelectorAll('details').forEach(details => details.open = true)");
    assertEquals((long) PHONE, browser.<Long>run("return innerWidth"));
    assertEquals((long) PHONE, browser.<Long>run("return document.documentElement.scrollWidth"));
    List<String> wide =
        browser.run(
            "return [...document.body.querySelectorAll('*')].filter(element => {"
                + "const box = element.getBoundingClientRect();"
                + "return box.width > 0 && (box.left < -0.5 || box.right > innerWidth + 0.5"
                + " || element instanceof HTMLElement && element.scrollWidth > element.clientWidth + 1);"
                + "}).map(element => element.outerHTML.slice(0, 120))");
    assertEquals(List.of(), wide);
  }

  @Test
  void theTablesAreOnThePage() {
    show(DESK);
    String text = browser.run("return document.body.innerText");
    for (String expected :
        List.of(
            "610.97",
            "JDK 17",
            "JDK 25",
            "garbage of share and close",
            "Slower than the baseline")) {
      assertTrue(text.contains(expected), () -> expected + " is missing in\n" + text);
    }
  }

  private static void show(int width) {
    browser.console();
    browser.show(folder.resolve(Report.PAGE), width);
  }
}
