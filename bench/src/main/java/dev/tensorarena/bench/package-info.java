/**
 * JMH benchmarks, a class for each question; in it every rival beside the subject, with the same
 * parameters.
 *
 * <p>A class that is called {@code XIn256m}, {@code XIn2g} or {@code XOn22} holds rows of the
 * question {@code X} too: with a heap of that size, or rivals that need JDK 22. They extend {@code
 * X} or use its state, so that the parameters are the same, and belong into the same table. A
 * suffix {@code Vectors} before {@code On22} says that the Vector API is used. So the question of a
 * class is its name without {@code (In\d+[mg])?(Vectors)?(On22)?$}: {@code Allocate}, {@code
 * Share}, {@code Free}, {@code HandOff}, {@code Pipeline}, {@code Scale}, {@code Binding}, {@code
 * ElementAccess}; {@code AllocateAndFill} and {@code OpenAndClose} belong to the tables of the
 * original's first phase, {@code report --set=phase1}.
 *
 * <p>See {@code bench/README.md} for commands and caveats.
 */
package dev.tensorarena.bench;
