package dev.tensorarena;

import java.io.IOException;
import java.util.Arrays;

/**
 * Parses the Python literal of a {@code .npy} header, strictly: what NumPy writes, now and in its
 * Python 2 days, with whatever order, quotes, spaces and trailing commas other writers choose.
 *
 * <pre>
 *   dict   = "{" [ entry { "," entry } [ "," ] ] "}"           each of the three keys once
 *   entry  = "descr" ":" string
 *          | "fortran_order" ":" ( "True" | "False" )
 *          | "shape" ":" tuple
 *   tuple  = "(" ")" | "(" number "," [ number { "," number } [ "," ] ] ")"
 *   number = decimal digits without a leading zero; before version 3.0 perhaps an "L"
 *   string = in single or double quotes, without backslashes
 * </pre>
 */
final class NpyHeaderParser {
  private final NpyScanner in;

  private DType dtype;
  private Boolean fortranOrder;
  private Shape shape;

  NpyHeaderParser(NpyScanner in) {
    this.in = in;
  }

  NpyHeader parse() throws IOException {
    long start = in.position();
    in.expect('{');
    while (!in.accept('}')) {
      parseEntry();
      if (!in.accept(',')) {
        in.expect('}');
        break;
      }
    }
    in.expectEnd();
    requireKey("descr", dtype, start);
    requireKey("fortran_order", fortranOrder, start);
    requireKey("shape", shape, start);
    try {
      dtype.byteSize(shape);
    } catch (IllegalArgumentException e) {
      throw in.malformed(e.getMessage(), start);
    }
    return new NpyHeader(dtype, shape, fortranOrder);
  }

  private void requireKey(String key, Object value, long start) throws IOException {
    if (value == null) {
      throw in.malformed("no key '" + key + "' in the header", start);
    }
  }

  private void parseEntry() throws IOException {
    long place = in.position();
    String key = in.string();
    in.expect(':');
    Object earlier;
    switch (key) {
      case "descr":
        earlier = dtype;
        dtype = parseDescr();
        break;
      case "fortran_order":
        earlier = fortranOrder;
        fortranOrder = parseBoolean();
        break;
      case "shape":
        earlier = shape;
        shape = parseShape();
        break;
      default:
        throw in.malformed("unknown key '" + NpyScanner.shown(key) + "'", place);
    }
    if (earlier != null) {
      throw in.malformed("second key '" + key + "'", place);
    }
  }

  private DType parseDescr() throws IOException {
    long place = in.position();
    if (in.sees('[') || in.sees('(')) {
      throw in.malformed("unsupported structured type", place);
    }
    String descr = in.string();
    DType parsed = NpyDescr.parse(descr);
    if (parsed == null) {
      String order = descr.startsWith(">") ? "big-endian " : "";
      throw in.malformed("unsupported " + order + "type '" + NpyScanner.shown(descr) + "'", place);
    }
    return parsed;
  }

  private boolean parseBoolean() throws IOException {
    if (in.acceptWord("True")) {
      return true;
    }
    if (in.acceptWord("False")) {
      return false;
    }
    throw in.expected("True or False");
  }

  private Shape parseShape() throws IOException {
    long place = in.position();
    long[] dims = new long[4];
    int rank = 0;
    in.expect('(');
    while (!in.accept(')')) {
      if (rank == dims.length) {
        dims = Arrays.copyOf(dims, 2 * rank);
      }
      dims[rank++] = in.number();
      if (!in.accept(',')) {
        if (rank == 1) {
          throw in.expected("','"); // (3) is a number, (3,) is a tuple
        }
        in.expect(')');
        break;
      }
    }
    try {
      return Shape.owning(Arrays.copyOf(dims, rank));
    } catch (IllegalArgumentException e) {
      throw in.malformed(e.getMessage(), place);
    }
  }
}
