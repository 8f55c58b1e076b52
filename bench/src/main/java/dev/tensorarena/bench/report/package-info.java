/**
 * The tables of the original's first phase, measured anew here, and the figures that the project
 * promises: {@code mvn -q -Pphase1 verify}.
 */
package dev.tensorarena.bench.report;
