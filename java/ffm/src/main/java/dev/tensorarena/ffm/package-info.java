/**
 * Tensors and {@code java.lang.foreign}, for JDK 22 and later: {@link dev.tensorarena.ffm.Segments}
 * gives checked segments of tensors, {@link dev.tensorarena.ffm.ArenaAllocator} is an {@link
 * java.lang.foreign.Arena} in a context's memory, and {@link dev.tensorarena.ffm.Tensors} makes
 * tensors over segments of any other kind.
 *
 * <p>The module calls one restricted method; give {@code
 * --enable-native-access=dev.tensorarena.ffm} (or {@code ALL-UNNAMED} on the class path).
 */
package dev.tensorarena.ffm;
