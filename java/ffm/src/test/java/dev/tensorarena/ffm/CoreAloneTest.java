package dev.tensorarena.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.tensorarena.ExecutionContext;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * With this module beside it the core runs on the oldest JDK, and loads no class of this module.
 */
class CoreAloneTest {
  private static final String PROGRAM =
      """
      import dev.tensorarena.*;
      import java.nio.ByteBuffer;

      public class Program {
        public static void main(String[] args) throws Exception {
          try (ExecutionContext ctx = ExecutionContext.open()) {
            Tensor tensor = ctx.allocSlice(1f, 2f);
            try (Scope scope = ctx.scope(); SharedTensor handle = tensor.share()) {
              System.out.println(handle.getFloat(1) + handle.copy(ctx).transpose().getFloat(0));
              ctx.wrap(ByteBuffer.allocateDirect(1), DType.INT8, Shape.of(1)).setByte((byte) 1, 0);
            }
            Tensor large = ctx.empty(DType.INT8, 3L << 30);
            try {
              large.getByteAt(0);
            } catch (IllegalStateException e) {
              System.out.println(e.getMessage());
            }
          }
          if (Runtime.version().feature() < 22) {
            try {
              Class.forName("dev.tensorarena.ffm.Segments");
            } catch (UnsupportedClassVersionError e) {
              System.out.println("on the class path, and not for this JDK");
            }
          }
        }
      }
      """;

  private static Path home(Class<?> type) throws Exception {
    return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
  }

  @Test
  void noClassOfThisModuleIsLoaded(@TempDir Path folder) throws Exception {
    String java = System.getProperty("maven.jvm");
    Path core = home(ExecutionContext.class);
    Path source = Files.writeString(folder.resolve("Program.java"), PROGRAM);
    int compiled =
        ToolProvider.getSystemJavaCompiler()
            .run(null, null, null, "--release", "17", "-cp", core.toString(), source.toString());
    assertEquals(0, compiled);
    String classPath =
        String.join(
            File.pathSeparator,
            folder.toString(),
            core.toString(),
            home(Segments.class).toString());
    Process process =
        new ProcessBuilder(java, "-Xlog:class+load", "-cp", classPath, "Program")
            .redirectErrorStream(true)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), output);
    for (String part :
        List.of("3.0", "dev.tensorarena.Tensor source:", "module dev.tensorarena.ffm")) {
      assertTrue(output.contains(part), () -> "\"" + part + "\" is not in:\n" + output);
    }
    output
        .lines()
        .filter(line -> line.contains(" source: "))
        .forEach(line -> assertFalse(line.contains("dev.tensorarena.ffm"), line));
  }
}
