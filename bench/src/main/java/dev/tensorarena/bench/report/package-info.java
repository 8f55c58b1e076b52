/**
 * Runs the rows and reports them: {@code java -jar benchmarks.jar report}, with the tables of the
 * original's first phase, measured anew here.
 */
package dev.tensorarena.bench.report;
