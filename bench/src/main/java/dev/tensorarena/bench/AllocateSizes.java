package dev.tensorarena.bench;

import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/**
 * What {@link Allocate}'s rows, and those of its sibling for JDK 22, are parameterised with. A row
 * allocates once for each operation; when {@link #perContext} allocations are live, all are given
 * back, which the row pays for too.
 */
@State(Scope.Thread)
public abstract class AllocateSizes extends AverageTime {
  /** Size of an allocation. */
  @Param({"64", "4000", "65536", "1048576"})
  public int bytes;

  /** Allocations that live, and end, together. */
  @Param({"1", "100"})
  public int perContext;

  /** For the rows' classes. */
  protected AllocateSizes() {}
}
