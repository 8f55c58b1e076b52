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
            new Comparison(Fixtures.run("earlier/jmh-jdk25.json"), runs.get(1)),
            Promise.all(),
            List.of("Missing row: NativeAllocate.jemalloc"))
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
      int keys = chart.series().size() > 1 ? chart.series().size() : 0;
      assertEquals(bars.size(), count(chart, "rect.bar"), chart.id() + ": bars");
      assertEquals(whiskers, count(chart, "path.whisker"), chart.id() + ": whiskers");
      assertEquals(keys, count(chart, "rect.key"), chart.id() + ": what colours mean");
    }
  }

  /** Those that can be seen. */
  private static long count(Chart chart, String selector) {
    return browser.<Long>run(
        "return [...document.getElementById(arguments[0]).querySelectorAll(arguments[1])]"
            + ".filter(shape => { const box = shape.getBoundingClientRect();"
            + "return box.width > 0 && box.height > 0; }).length",
        chart.id(),
        selector);
  }

  /** Names, values and the axis can be read: none is outside of its picture or upon another. */
  @Test
  void everyTextOfAChartCanBeRead() {
    show(PHONE);
    List<String> wrong =
        browser.run(
            "return [...document.querySelectorAll('figure svg')].flatMap(svg => {"
                + "const all = [...svg.querySelectorAll('text')];"
                + "const boxes = all.map(text => text.getBoundingClientRect());"
                + "const picture = svg.getBoundingClientRect();"
                + "return all.filter((text, i) => { const a = boxes[i];"
                + "return a.width === 0 || a.height < 7 || a.left < picture.left - 0.5"
                + " || a.right > picture.right + 0.5 || a.bottom > picture.bottom + 0.5"
                + " || boxes.some((b, j) => j !== i && a.left < b.right - 1 && b.left < a.right - 1"
                + " && a.top < b.bottom - 4 && b.top < a.bottom - 4);"
                + "}).map(text => svg.parentElement.id + ': ' + text.textContent); })");
    assertEquals(List.of(), wrong);
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
            "kept on 25",
            "Missing row: NativeAllocate.jemalloc",
            "Slower than the baseline")) {
      assertTrue(text.contains(expected), () -> expected + " is missing in\n" + text);
    }
  }

  private static void show(int width) {
    browser.console();
    browser.show(folder.resolve(Report.PAGE), width);
  }
}
