package dev.tensorarena.bench.report;

import java.util.List;
import java.util.Locale;

/** Which rows are measured, and for how long. */
enum RowSet {
  /** Enough to answer every question and show every promise, each row in one JVM. */
  SHORT(Pace.QUICK),
  /** All, each in two JVMs. */
  FULL(Pace.QUICK_TWICE),
  /** Those of the original's two tables and of the promises that go with them. */
  PHASE1(Pace.AS_ANNOTATED),
  /** None: the report is written of the results that are there. */
  NONE(Pace.QUICK);

  private final Pace pace;

  RowSet(Pace pace) {
    this.pace = pace;
  }

  Pace pace() {
    return pace;
  }

  List<Job> jobs() {
    return switch (this) {
      case SHORT -> Plan.quick();
      case FULL -> Plan.full();
      case PHASE1 -> Plan.phase1();
      case NONE -> List.of();
    };
  }

  /** As on the command line. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
