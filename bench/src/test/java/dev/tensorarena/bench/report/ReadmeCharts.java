package dev.tensorarena.bench.report;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Writes the charts of a report that the root's README shows, as the browser draws them. */
final class ReadmeCharts {
  private static final int WIDTH = 760;

  private ReadmeCharts() {}

  /**
   * Writes {@code <question>.svg} for each.
   *
   * @param args the report's folder, and the one to write to
   */
  public static void main(String... args) throws IOException {
    Path page = Path.of(args[0], Report.PAGE).toAbsolutePath();
    if (!Files.exists(page)) {
      throw new BadInputException("There is no " + page + ": write the report first");
    }
    Path folder = Files.createDirectories(Path.of(args[1]));
    try (Browser browser =
        Browser.open().orElseThrow(() -> new BadInputException(Browser.MISSING))) {
      browser.show(page, WIDTH);
      List<Map<String, String>> drawn =
          browser.run(
              """
              return JSON.parse(document.getElementById("data").textContent).answers.flatMap(answer =>
                answer.charts.filter(chart => chart.forReadme).map(chart => ({
                  name: answer.title, svg: charts.get(chart.id).renderToSVGString() })))
              """);
      for (Map<String, String> chart : drawn) {
        Path file = folder.resolve(chart.get("name").replace(' ', '-') + ".svg");
        Files.writeString(file, chart.get("svg") + "\n");
        System.out.println(file);
      }
    }
  }
}
