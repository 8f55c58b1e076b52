/**
 * Runs the rows and reports them: {@code mvn -q -Pbench verify}; and the tables of the original's
 * first phase, measured anew here: {@code mvn -q -Pphase1 verify}.
 */
package dev.tensorarena.bench.report;
