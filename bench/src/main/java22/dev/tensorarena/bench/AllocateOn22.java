package dev.tensorarena.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.function.Supplier;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * The rows of {@link Allocate} with {@code java.lang.foreign}: a JDK arena for each batch. All but
 * the slicing allocator zero what they hand out.
 */
@State(Scope.Thread)
public class AllocateOn22 extends AllocateSizes {
  private Arena arena;
  private int left;
  private Arena own;
  private MemorySegment room;
  private SegmentAllocator slices;

  /** Makes room for {@link #slicing}. */
  @Setup
  public void prepare() {
    own = Arena.ofConfined();
    room = own.allocate((long) bytes * perContext);
  }

  /** Gives it back. */
  @TearDown
  public void close() {
    own.close();
  }

  /**
   * Opened and closed by this thread.
   *
   * @return the segment
   */
  @Benchmark
  public MemorySegment confined() {
    return next(Arena::ofConfined).allocate(bytes);
  }

  /**
   * Which any thread may use and close.
   *
   * @return the segment
   */
  @Benchmark
  public MemorySegment shared() {
    return next(Arena::ofShared).allocate(bytes);
  }

  private Arena next(Supplier<Arena> open) {
    if (left == 0) {
      if (arena != null) {
        arena.close();
      }
      arena = open.get();
      left = perContext;
    }
    left--;
    return arena;
  }

  /**
   * Freed by the collector.
   *
   * @return the segment
   */
  @Benchmark
  public MemorySegment auto() {
    if (left == 0) {
      arena = Arena.ofAuto();
      left = perContext;
    }
    left--;
    return arena.allocate(bytes);
  }

  /**
   * The JDK's own bump allocator, on memory that is allocated once and never given back: a new one
   * over it for each batch. It does not zero.
   *
   * @return the segment
   */
  @Benchmark
  public MemorySegment slicing() {
    if (left == 0) {
      slices = SegmentAllocator.slicingAllocator(room);
      left = perContext;
    }
    left--;
    return slices.allocate(bytes);
  }
}
