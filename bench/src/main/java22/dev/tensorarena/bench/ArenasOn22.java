package dev.tensorarena.bench;

import dev.tensorarena.ExecutionContext;
import dev.tensorarena.ffm.ArenaAllocator;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.infra.Blackhole;

/** What does it cost to replace the JDK's arenas by one in a context's memory? */
@State(Scope.Thread)
public class ArenasOn22 extends AverageTime {
  private static final long BYTES = 4000;

  /** Allocations between two renewals of the arena. */
  private static final int MANY = 100;

  private static final String TEXT = "a string of forty characters, all ASCII.";

  private ExecutionContext context;
  private ArenaAllocator ours;
  private Arena confined;
  private Arena own;
  private MemorySegment block;
  private SegmentAllocator slices;
  private int left;

  /** Opens what rows allocate in, and touches the memory of ours and of the fixed block. */
  @Setup
  public void open() {
    context = ExecutionContext.withCapacity(2 * MANY * BYTES);
    own = Arena.ofConfined();
    block = own.allocate(MANY * BYTES);
    try (ArenaAllocator arena = ArenaAllocator.of(context)) {
      arena.allocate(2 * MANY * BYTES - 4096);
    }
    ours = ArenaAllocator.of(context);
    confined = Arena.ofConfined();
    slices = SegmentAllocator.slicingAllocator(block);
    left = MANY;
  }

  /** Closes them. */
  @TearDown
  public void close() {
    context.close();
    confined.close();
    own.close();
  }

  private ArenaAllocator ours() {
    if (left == 0) {
      ours.close();
      ours = ArenaAllocator.of(context);
      left = MANY;
    }
    left--;
    return ours;
  }

  private Arena confined() {
    if (left == 0) {
      confined.close();
      confined = Arena.ofConfined();
      left = MANY;
    }
    left--;
    return confined;
  }

  private SegmentAllocator slices() {
    if (left == 0) {
      slices = SegmentAllocator.slicingAllocator(block);
      left = MANY;
    }
    left--;
    return slices;
  }

  // ---- one allocation, with its part of the renewals

  /**
   * Ours, contents unspecified.
   *
   * @return 4000 B
   */
  @Benchmark
  public MemorySegment allocateUninitialized() {
    return ours().allocateUninitialized(BYTES, 1);
  }

  /**
   * Ours, zeroed as an arena must.
   *
   * @return 4000 B
   */
  @Benchmark
  public MemorySegment allocateZeroed() {
    return ours().allocate(BYTES);
  }

  /**
   * The JDK's, zeroed.
   *
   * @return 4000 B
   */
  @Benchmark
  public MemorySegment allocateConfined() {
    return confined().allocate(BYTES);
  }

  /**
   * The JDK's bump allocator on a block of a fixed size, not zeroed; aligned to 16 as the others
   * are.
   *
   * @return 4000 B
   */
  @Benchmark
  public MemorySegment allocateSlicing() {
    return slices().allocate(BYTES, 16);
  }

  // ---- a string of 40 characters, likewise

  /**
   * Ours.
   *
   * @return 41 B
   */
  @Benchmark
  public MemorySegment string() {
    return ours().allocateFrom(TEXT);
  }

  /**
   * The JDK's.
   *
   * @return 41 B
   */
  @Benchmark
  public MemorySegment stringConfined() {
    return confined().allocateFrom(TEXT);
  }

  // ---- an arena of its own

  /**
   * Ours: opened and closed.
   *
   * @param somebody who sees it
   */
  @Benchmark
  public void openAndClose(Blackhole somebody) {
    try (Arena arena = ArenaAllocator.of(context)) {
      somebody.consume(arena);
    }
  }

  /**
   * The JDK's: opened and closed.
   *
   * @param somebody who sees it
   */
  @Benchmark
  public void openAndCloseConfined(Blackhole somebody) {
    try (Arena arena = Arena.ofConfined()) {
      somebody.consume(arena);
    }
  }

  // ---- an arena, a few small segments, closed

  /**
   * Ours, in a context that is open: one of 16 B.
   *
   * @param somebody who sees the segment
   */
  @Benchmark
  public void oneSmall(Blackhole somebody) {
    try (Arena arena = ArenaAllocator.of(context)) {
      somebody.consume(arena.allocate(16));
    }
  }

  /**
   * The JDK's: one of 16 B.
   *
   * @param somebody who sees the segment
   */
  @Benchmark
  public void oneSmallConfined(Blackhole somebody) {
    try (Arena arena = Arena.ofConfined()) {
      somebody.consume(arena.allocate(16));
    }
  }

  /**
   * Ours, with a context of its own: one of 100 B.
   *
   * @param somebody who sees the segment
   */
  @Benchmark
  public void oneAlone(Blackhole somebody) {
    try (Arena arena = ArenaAllocator.open()) {
      somebody.consume(arena.allocate(100));
    }
  }

  /**
   * The JDK's: one of 100 B.
   *
   * @param somebody who sees the segment
   */
  @Benchmark
  public void oneAloneConfined(Blackhole somebody) {
    try (Arena arena = Arena.ofConfined()) {
      somebody.consume(arena.allocate(100));
    }
  }

  /**
   * Ours, with a context of its own: three of 100 B.
   *
   * @param somebody who sees the segments
   */
  @Benchmark
  public void threeAlone(Blackhole somebody) {
    try (Arena arena = ArenaAllocator.open()) {
      allocateThree(arena, somebody);
    }
  }

  /**
   * The JDK's: three of 100 B.
   *
   * @param somebody who sees the segments
   */
  @Benchmark
  public void threeAloneConfined(Blackhole somebody) {
    try (Arena arena = Arena.ofConfined()) {
      allocateThree(arena, somebody);
    }
  }

  private static void allocateThree(Arena arena, Blackhole somebody) {
    for (int i = 0; i < 3; i++) {
      somebody.consume(arena.allocate(100));
    }
  }

  // ---- an arena, many segments, closed

  /**
   * Ours: opened, 100 times 4000 B, uninitialised, and closed.
   *
   * @param somebody who sees the segments
   */
  @Benchmark
  public void hundredAndCloseUninitialized(Blackhole somebody) {
    try (ArenaAllocator arena = ArenaAllocator.of(context)) {
      for (int i = 0; i < MANY; i++) {
        somebody.consume(arena.allocateUninitialized(BYTES, 1));
      }
    }
  }

  /**
   * Ours: opened, 100 times 4000 B, zeroed, and closed.
   *
   * @param somebody who sees the segments
   */
  @Benchmark
  public void hundredAndClose(Blackhole somebody) {
    try (Arena arena = ArenaAllocator.of(context)) {
      allocateHundred(arena, somebody);
    }
  }

  /**
   * The JDK's: opened, 100 times 4000 B, zeroed, and closed.
   *
   * @param somebody who sees the segments
   */
  @Benchmark
  public void hundredAndCloseConfined(Blackhole somebody) {
    try (Arena arena = Arena.ofConfined()) {
      allocateHundred(arena, somebody);
    }
  }

  private static void allocateHundred(Arena arena, Blackhole somebody) {
    for (int i = 0; i < MANY; i++) {
      somebody.consume(arena.allocate(BYTES));
    }
  }
}
