package dev.tensorarena.bench.report;

/** A row of a run. */
record Entry(Run run, Measurement row) {}
