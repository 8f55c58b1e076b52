/**
 * Measures a row as the least of many short windows, in the JVM that JMH has just measured it in:
 * {@code -prof dev.tensorarena.bench.windows.LeastOfWindows}.
 */
package dev.tensorarena.bench.windows;
