package dev.tensorarena.bench.report;

import freemarker.template.Configuration;
import freemarker.template.TemplateException;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Fills the templates that lie beside this class as resources. */
final class Templates {
  private static final Configuration FREEMARKER = configuration();

  private Templates() {}

  private static Configuration configuration() {
    Configuration configuration = new Configuration(Configuration.VERSION_2_3_34);
    configuration.setClassForTemplateLoading(Templates.class, "");
    configuration.setDefaultEncoding(StandardCharsets.UTF_8.name());
    return configuration;
  }

  /** Writes the page, with its style in it. */
  static void html(Object model, Path file) throws IOException {
    Files.writeString(
        file,
        filled("page.ftlh", Map.of("report", Json.tree(model), "style", resource("page.css"))));
  }

  static void markdown(Object model, Path file) throws IOException {
    Files.writeString(file, filled("markdown.ftl", Map.of("report", Json.tree(model))));
  }

  /** A picture that stands in a page or in a file of its own. */
  static String svg(Chart chart) {
    return filled(
        "chart.ftlx", Map.of("title", chart.title(), "drawing", Json.tree(Drawing.of(chart))));
  }

  private static String filled(String template, Map<String, Object> model) {
    StringWriter text = new StringWriter();
    try {
      FREEMARKER.getTemplate(template).process(model, text);
    } catch (TemplateException | IOException e) {
      throw new IllegalStateException(template, e);
    }
    return text.toString();
  }

  private static String resource(String name) throws IOException {
    try (InputStream bytes = Templates.class.getResourceAsStream(name)) {
      return new String(bytes.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
