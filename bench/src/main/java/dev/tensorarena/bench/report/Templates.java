package dev.tensorarena.bench.report;

import freemarker.template.Configuration;
import freemarker.template.TemplateException;
import java.io.IOException;
import java.io.InputStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.webjars.WebJarVersionLocator;

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

  /** Writes the page, with style, scripts and data in it. */
  static void html(Object model, Path file) throws IOException {
    String echarts = new WebJarVersionLocator().fullPath("echarts", "dist/echarts.min.js");
    fill(
        "page.ftlh",
        Map.of(
            "report", Json.tree(model),
            "data", Json.forScript(model),
            "style", resource("page.css"),
            "script", resource("page.js"),
            "echarts", resource("/" + echarts)),
        file);
  }

  static void markdown(Object model, Path file) throws IOException {
    fill("markdown.ftl", Map.of("report", Json.tree(model)), file);
  }

  private static void fill(String template, Map<String, Object> model, Path file)
      throws IOException {
    try (Writer writer = Files.newBufferedWriter(file)) {
      FREEMARKER.getTemplate(template).process(model, writer);
    } catch (TemplateException e) {
      throw new IllegalStateException(template, e);
    }
  }

  private static String resource(String name) throws IOException {
    try (InputStream bytes = Templates.class.getResourceAsStream(name)) {
      return new String(bytes.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
