/**
 * JMH benchmarks, a class for each question; in it every rival beside the subject.
 *
 * <p>See {@code bench/README.md} for commands and caveats.
 */
package dev.tensorarena.bench;
