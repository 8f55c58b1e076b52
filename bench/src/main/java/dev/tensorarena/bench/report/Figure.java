package dev.tensorarena.bench.report;

import java.util.Locale;

/**
 * A number and its error: the half width of an interval that holds the true value with 99.9 %, or 0
 * where none is known.
 */
record Figure(double value, double error) {
  static Figure exact(double value) {
    return new Figure(value, 0);
  }

  /** As JMH gives it, with NaN for the error of a single sample. */
  static Figure measured(double value, double error) {
    return new Figure(value, Double.isNaN(error) ? 0 : error);
  }

  /** How many times the other; relative errors of independent measurements add in quadrature. */
  Figure over(Figure other) {
    double ratio = value / other.value;
    return new Figure(
        ratio, Math.abs(ratio) * Math.hypot(error / value, other.error / other.value));
  }

  /** Errors of independent measurements add in quadrature. */
  Figure plus(Figure other) {
    return new Figure(value + other.value, Math.hypot(error, other.error));
  }

  /** With errors as those of {@link #plus}. */
  Figure minus(Figure other) {
    return new Figure(value - other.value, Math.hypot(error, other.error));
  }

  /** Without its error, to three digits or all before the point; below 0.1 to two. */
  String brief() {
    double size = Math.abs(value);
    int decimals = 4;
    if (size >= 99.95 || size == Math.rint(size)) {
      decimals = 0;
    } else if (size >= 9.995) {
      decimals = 1;
    } else if (size >= 0.0995 || size == Math.rint(size * 100) / 100) {
      decimals = 2;
    } else if (size >= 0.00995) {
      decimals = 3;
    }
    return String.format(Locale.ROOT, "%,." + decimals + "f", value);
  }

  /** With its error, if it is known. */
  @Override
  public String toString() {
    return error == 0 ? brief() : brief() + " ± " + exact(error).brief();
  }
}
