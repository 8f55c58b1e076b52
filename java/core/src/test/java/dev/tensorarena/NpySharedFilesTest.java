package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The files in {@code ../shared/npy}, which NumPy wrote, against the manifest beside them. */
class NpySharedFilesTest {
  private static final Path FOLDER =
      Path.of(System.getProperty("basedir", "")).resolve("../../../shared/npy").normalize();

  @TempDir Path folder;

  private List<Entry> entries;

  /** An object of the manifest. */
  private record Entry(
      String file,
      String dtype,
      String shape,
      boolean fortran,
      int major,
      List<String> first,
      boolean refused) {

    static Entry parse(String object) {
      Matcher items =
          Pattern.compile("\"([^\"]*)\"").matcher(field(object, "first", "\\[(.*?)\\]"));
      List<String> first = new ArrayList<>();
      while (items.find()) {
        first.add(items.group(1));
      }
      String version = field(object, "version", "\\[\\s*(\\d)");
      return new Entry(
          field(object, "file", "\"(.*?)\""),
          field(object, "dtype", "\"(.*?)\""),
          "[" + field(object, "shape", "\\[(.*?)\\]").strip().replaceAll("\\s+", " ") + "]",
          field(object, "fortran_order", "(\\w+)").equals("true"),
          version.isEmpty() ? 0 : Integer.parseInt(version),
          first,
          field(object, "note", "\"(.*?)\"").startsWith("refuse"));
    }

    private static String field(String object, String key, String value) {
      Matcher found =
          Pattern.compile("\"" + key + "\":\\s*" + value, Pattern.DOTALL).matcher(object);
      return found.find() ? found.group(1) : "";
    }
  }

  @BeforeEach
  void readManifest() throws IOException {
    Path manifest = FOLDER.resolve("manifest.json");
    assumeTrue(Files.exists(manifest), "skipped: there is no " + manifest.toAbsolutePath());
    entries = new ArrayList<>();
    Matcher objects = Pattern.compile("\\{[^}]*\\}").matcher(Files.readString(manifest));
    while (objects.find()) {
      entries.add(Entry.parse(objects.group()));
    }
    try (var files = Files.newDirectoryStream(FOLDER, "*.npy")) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        assertEquals(1, entries.stream().filter(e -> e.file().equals(name)).count(), name);
      }
    }
  }

  @Test
  void whatNumPyWroteIsReadAndWrittenAsItWas() throws IOException {
    int read = 0;
    for (Entry entry : entries) {
      if (!entry.refused()) {
        checkContents(entry);
        read++;
      }
    }
    assertEquals(28, read);
  }

  private void checkContents(Entry entry) throws IOException {
    Path path = FOLDER.resolve(entry.file());
    try (ExecutionContext ctx = ExecutionContext.open()) {
      Tensor tensor = Npy.read(ctx, path);
      assertEquals(entry.dtype(), NpyDescr.of(tensor.dtype()), entry.file());
      assertEquals(entry.shape(), tensor.shape().toString(), entry.file());
      assertEquals(entry.fortran(), !tensor.isContiguous(), entry.file());
      assertEquals(Math.min(8, tensor.size()), entry.first().size(), entry.file());
      for (int i = 0; i < entry.first().size(); i++) {
        checkElement(entry.file(), entry.first().get(i), tensor, i);
      }
      Path copy = folder.resolve(entry.file());
      Npy.write(tensor, copy);
      if (entry.major() == 1) {
        assertArrayEquals(Files.readAllBytes(path), Files.readAllBytes(copy), entry.file());
      }
    }
  }

  private static void checkElement(String file, String expected, Tensor tensor, long flat) {
    String value = expected.replace("inf", "Infinity").replace("nan", "NaN");
    switch (tensor.dtype()) {
      case FLOAT64:
        assertEquals(Double.parseDouble(value), tensor.getDoubleAt(flat), file);
        break;
      case FLOAT32:
        assertEquals(Float.parseFloat(value), tensor.getFloatAt(flat), file);
        break;
      case FLOAT16: // shown with as many digits as tell it from its neighbours
        short nearest = HalfFloats.fromFloat(DType.FLOAT16, Float.parseFloat(value));
        assertEquals(HalfFloats.toFloat(DType.FLOAT16, nearest), tensor.getFloatAt(flat), file);
        break;
      case INT64:
        assertEquals(Long.parseLong(value), tensor.getLongAt(flat), file);
        break;
      case INT32:
        assertEquals(Integer.parseInt(value), tensor.getIntAt(flat), file);
        break;
      case INT16:
        assertEquals(Short.parseShort(value), tensor.getShortAt(flat), file);
        break;
      case BOOL:
        assertEquals(Boolean.parseBoolean(value), tensor.getBooleanAt(flat), file);
        break;
      default:
        assertEquals((byte) Integer.parseInt(value), tensor.getByteAt(flat), file);
    }
  }

  @Test
  void whatMustBeRefusedIs() {
    int refused = 0;
    for (Entry entry : entries) {
      if (entry.refused()) {
        Path path = FOLDER.resolve(entry.file());
        try (ExecutionContext ctx = ExecutionContext.open()) {
          IOException e = assertThrows(IOException.class, () -> Npy.read(ctx, path), entry.file());
          assertEquals(path + ": ", e.getMessage().substring(0, path.toString().length() + 2));
          assertEquals(0, ctx.arenaStats().reservedBytes(), entry.file());
        }
        refused++;
      }
    }
    assertEquals(17, refused);
  }
}
