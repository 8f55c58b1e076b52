package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What the list beside a folder of {@code .npy} files says of one of them.
 *
 * @param path the file
 * @param dtype NumPy's name of the type, or empty
 * @param shape as {@link Shape} prints it
 * @param fortran whether NumPy wrote it in Fortran order
 * @param major the version, or 0
 * @param first values of the first elements in C order
 * @param numpy what NumPy says, or empty
 * @param note what was written about it
 */
record NpyTruth(
    Path path,
    String dtype,
    String shape,
    boolean fortran,
    int major,
    List<String> first,
    String numpy,
    String note) {

  /** The entries of a list in the test resources; there is one for each file beside it. */
  static List<NpyTruth> in(String resource) throws IOException {
    Path list = path(resource);
    List<NpyTruth> entries = new ArrayList<>();
    Matcher objects = Pattern.compile("\\{[^}]*\\}").matcher(Files.readString(list));
    while (objects.find()) {
      entries.add(parse(list.getParent(), objects.group()));
    }
    try (Stream<Path> files = Files.list(list.getParent())) {
      List<Path> listed = entries.stream().map(NpyTruth::path).sorted().toList();
      assertEquals(files.filter(file -> !file.equals(list)).sorted().toList(), listed);
    }
    return entries;
  }

  private static Path path(String resource) {
    URL url = NpyTruth.class.getResource(resource);
    assertNotNull(url, resource);
    try {
      return Path.of(url.toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  private static NpyTruth parse(Path folder, String object) {
    List<String> first = new ArrayList<>();
    Matcher items =
        Pattern.compile("[^\\s,\"\\[]+").matcher(field(object, "first", "\\[([^\\]]*)\\]"));
    while (items.find()) {
      first.add(items.group());
    }
    String version = field(object, "version", "\\[\\s*(\\d)");
    return new NpyTruth(
        folder.resolve(field(object, "file", "\"(.*?)\"")),
        field(object, "dtype", "\"(.*?)\""),
        "[" + field(object, "shape", "\\[(.*?)\\]").strip().replaceAll("\\s+", " ") + "]",
        field(object, "fortran_order", "(\\w+)").equals("true"),
        version.isEmpty() ? 0 : Integer.parseInt(version),
        first,
        field(object, "numpy", "\"(.*?)\""),
        field(object, "note", "\"(.*?)\""));
  }

  private static String field(String object, String key, String value) {
    Matcher found = Pattern.compile("\"" + key + "\":\\s*" + value, Pattern.DOTALL).matcher(object);
    return found.find() ? found.group(1) : "";
  }

  String file() {
    return path.getFileName().toString();
  }

  boolean isBigEndian() {
    return dtype.startsWith(">");
  }

  /** Whether the file's type is one of the library's. */
  boolean isOfAType() {
    return !dtype.isEmpty()
        && NpyFixtures.TYPES.stream()
            .anyMatch(type -> type.descr().substring(1).equals(dtype.substring(1)));
  }

  /** That a tensor has the type, the shape and the values. */
  void check(Tensor tensor) {
    String written = (isBigEndian() ? "<" : dtype.substring(0, 1)) + dtype.substring(1);
    assertEquals(written, NpyHeader.descr(tensor.dtype()), file());
    assertEquals(shape, tensor.shape().toString(), file());
    for (int i = 0; i < first.size(); i++) {
      checkElement(first.get(i), tensor, i);
    }
  }

  private void checkElement(String expected, Tensor tensor, long flat) {
    String value = expected.replace("inf", "Infinity").replace("nan", "NaN");
    switch (tensor.dtype()) {
      case FLOAT64:
        assertEquals(Double.parseDouble(value), tensor.getDoubleAt(flat), file());
        break;
      case FLOAT32:
        assertEquals(Float.parseFloat(value), tensor.getFloatAt(flat), file());
        break;
      case FLOAT16: // shown with as many digits as tell it from its neighbours
        short nearest = HalfFloats.fromFloat(DType.FLOAT16, Float.parseFloat(value));
        assertEquals(HalfFloats.toFloat(DType.FLOAT16, nearest), tensor.getFloatAt(flat), file());
        break;
      case INT64:
        assertEquals(Long.parseLong(value), tensor.getLongAt(flat), file());
        break;
      case INT32:
        assertEquals(Integer.parseInt(value), tensor.getIntAt(flat), file());
        break;
      case INT16:
        assertEquals(Short.parseShort(value), tensor.getShortAt(flat), file());
        break;
      case BOOL:
        assertEquals(Boolean.parseBoolean(value), tensor.getBooleanAt(flat), file());
        break;
      default:
        assertEquals((byte) Integer.parseInt(value), tensor.getByteAt(flat), file());
    }
  }
}
