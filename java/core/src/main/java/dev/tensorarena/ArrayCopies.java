package dev.tensorarena;

/**
 * Copies between arrays and windows, without garbage where the window has typed buffers. Offsets
 * are in bytes, positions in the array and counts in elements.
 */
final class ArrayCopies {
  private ArrayCopies() {}

  static void put(Window to, int offset, float[] from, int start, int count) {
    if (to.isForeign()) {
      to.floatsAt(offset, count).put(0, from, start, count);
    } else {
      to.floats.put(offset >> 2, from, start, count);
    }
  }

  static void get(Window from, int offset, float[] to, int start, int count) {
    if (from.isForeign()) {
      from.floatsAt(offset, count).get(0, to, start, count);
    } else {
      from.floats.get(offset >> 2, to, start, count);
    }
  }

  static void put(Window to, int offset, double[] from, int start, int count) {
    if (to.isForeign()) {
      to.doublesAt(offset, count).put(0, from, start, count);
    } else {
      to.doubles.put(offset >> 3, from, start, count);
    }
  }

  static void get(Window from, int offset, double[] to, int start, int count) {
    if (from.isForeign()) {
      from.doublesAt(offset, count).get(0, to, start, count);
    } else {
      from.doubles.get(offset >> 3, to, start, count);
    }
  }

  static void put(Window to, int offset, long[] from, int start, int count) {
    if (to.isForeign()) {
      to.longsAt(offset, count).put(0, from, start, count);
    } else {
      to.longs.put(offset >> 3, from, start, count);
    }
  }

  static void get(Window from, int offset, long[] to, int start, int count) {
    if (from.isForeign()) {
      from.longsAt(offset, count).get(0, to, start, count);
    } else {
      from.longs.get(offset >> 3, to, start, count);
    }
  }

  static void put(Window to, int offset, int[] from, int start, int count) {
    if (to.isForeign()) {
      to.intsAt(offset, count).put(0, from, start, count);
    } else {
      to.ints.put(offset >> 2, from, start, count);
    }
  }

  static void get(Window from, int offset, int[] to, int start, int count) {
    if (from.isForeign()) {
      from.intsAt(offset, count).get(0, to, start, count);
    } else {
      from.ints.get(offset >> 2, to, start, count);
    }
  }

  static void put(Window to, int offset, short[] from, int start, int count) {
    if (to.isForeign()) {
      to.shortsAt(offset, count).put(0, from, start, count);
    } else {
      to.shorts.put(offset >> 1, from, start, count);
    }
  }

  static void get(Window from, int offset, short[] to, int start, int count) {
    if (from.isForeign()) {
      from.shortsAt(offset, count).get(0, to, start, count);
    } else {
      from.shorts.get(offset >> 1, to, start, count);
    }
  }

  static void put(Window to, int offset, byte[] from, int start, int count) {
    to.bytes.put(offset, from, start, count);
  }

  static void get(Window from, int offset, byte[] to, int start, int count) {
    from.bytes.get(offset, to, start, count);
  }
}
