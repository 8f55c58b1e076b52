package dev.tensorarena.ffm;

import static dev.tensorarena.ffm.Outcomes.describe;
import static dev.tensorarena.ffm.Outcomes.nameOf;
import static dev.tensorarena.ffm.Outcomes.outcomeOf;
import static dev.tensorarena.ffm.Outcomes.outcomeOfClosing;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_CHAR;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Code written for {@code Arena.ofConfined()} runs with an {@code ArenaAllocator}: small programs
 * run with both, and what they return or throw is the same.
 */
class ArenaReferenceTest extends InContext {
  private interface Program {
    Object run(Arena arena) throws Throwable;
  }

  /** What a program did: its result, or the type of what it threw. */
  private static String outcome(Arena arena, Program program) {
    try {
      Object result = program.run(arena);
      return result instanceof MemorySegment segment ? describe(segment) : String.valueOf(result);
    } catch (Throwable e) {
      return nameOf(e);
    } finally {
      if (arena.scope().isAlive()) {
        arena.close();
      }
    }
  }

  private static final byte[] BYTES = {1, 2, 3};

  private static TreeMap<String, Program> allocations() {
    TreeMap<String, Program> programs = new TreeMap<>();
    for (long size : new long[] {0, 1, 7, 8, 100, 4000, 100_000, 3_000_000, -1, Long.MIN_VALUE}) {
      programs.put("allocate " + size, arena -> arena.allocate(size));
      for (long align : new long[] {1, 2, 8, 16, 64, 4096, 8192, 1 << 20, 0, -1, 3, 48}) {
        programs.put(
            "allocate " + size + " aligned to " + align,
            arena -> {
              arena.allocate(1);
              MemorySegment segment = arena.allocate(size, align);
              assertEquals(0, segment.address() % align);
              return segment;
            });
      }
    }
    programs.put("too much", arena -> arena.allocate(Long.MAX_VALUE));
    programs.put("too much, aligned", arena -> arena.allocate(Long.MAX_VALUE, 8192));
    programs.put("more than there is", arena -> arena.allocate(1L << 60));
    programs.put(
        "after more than there is",
        arena -> {
          String refused = outcomeOf(() -> arena.allocate(1L << 60));
          return refused + describe(arena.allocate(5));
        });
    programs.put("layout", arena -> arena.allocate(JAVA_DOUBLE));
    programs.put("layout and count", arena -> arena.allocate(JAVA_INT, 10));
    programs.put("layout and no count", arena -> arena.allocate(JAVA_INT, 0));
    programs.put("layout and negative count", arena -> arena.allocate(JAVA_INT, -1));
    programs.put("layout and too large a count", arena -> arena.allocate(JAVA_LONG, 1L << 61));
    programs.put(
        "struct",
        arena ->
            arena.allocate(
                MemoryLayout.structLayout(JAVA_LONG, JAVA_INT, MemoryLayout.paddingLayout(4)), 3));
    programs.put("no layout", arena -> arena.allocate((MemoryLayout) null));
    programs.put(
        "zeroed after use",
        arena -> {
          arena.allocate(4096).fill((byte) 7);
          return arena.allocate(4096);
        });
    programs.put(
        "distinct addresses of nothing",
        arena -> {
          TreeSet<Long> addresses = new TreeSet<>();
          for (int i = 0; i < 10; i++) {
            addresses.add(arena.allocate(0).address());
          }
          return addresses.size() + " " + addresses.contains(0L);
        });
    programs.put(
        "longs in bytes",
        arena -> {
          arena.allocate(3);
          MemorySegment segment = arena.allocate(64);
          segment.set(JAVA_LONG, 8, 5);
          return segment;
        });
    programs.put("out of bounds", arena -> arena.allocate(8).get(JAVA_LONG, 1));
    programs.put("misaligned", arena -> arena.allocate(16).get(JAVA_LONG, 1));
    programs.put("negative offset", arena -> arena.allocate(16).get(JAVA_BYTE, -1));
    return programs;
  }

  private static TreeMap<String, Program> contents() {
    TreeMap<String, Program> programs = new TreeMap<>();
    for (String text : List.of("", "arena", "é", "日本語 text", "\ud83c\udfdf", "a\0b")) {
      programs.put("string " + text, arena -> arena.allocateFrom(text));
      for (var charset : List.of(UTF_8, ISO_8859_1, UTF_16LE)) {
        programs.put(
            "string " + text + " in " + charset, arena -> arena.allocateFrom(text, charset));
      }
    }
    programs.put("long string", arena -> arena.allocateFrom("0123456789".repeat(10_000)));
    programs.put("no string", arena -> arena.allocateFrom((String) null));
    programs.put(
        "unknown charset",
        arena -> arena.allocateFrom("a", java.nio.charset.Charset.forName("windows-1252")));
    programs.put("byte", arena -> arena.allocateFrom(JAVA_BYTE, (byte) 1));
    programs.put("char", arena -> arena.allocateFrom(JAVA_CHAR, 'x'));
    programs.put("short", arena -> arena.allocateFrom(JAVA_SHORT, (short) 2));
    programs.put("int", arena -> arena.allocateFrom(JAVA_INT, 3));
    programs.put(
        "big-endian", arena -> arena.allocateFrom(JAVA_INT.withOrder(ByteOrder.BIG_ENDIAN), 3));
    programs.put("float", arena -> arena.allocateFrom(JAVA_FLOAT, 4f));
    programs.put("long", arena -> arena.allocateFrom(JAVA_LONG, 5L));
    programs.put("double", arena -> arena.allocateFrom(JAVA_DOUBLE, 6d));
    programs.put(
        "address", arena -> arena.allocateFrom(ADDRESS, MemorySegment.ofAddress(0x123456789L)));
    programs.put(
        "heap address", arena -> arena.allocateFrom(ADDRESS, MemorySegment.ofArray(BYTES)));
    programs.put("bytes", arena -> arena.allocateFrom(JAVA_BYTE, BYTES));
    programs.put("no bytes", arena -> arena.allocateFrom(JAVA_BYTE, new byte[0]));
    programs.put("null bytes", arena -> arena.allocateFrom(JAVA_BYTE, (byte[]) null));
    programs.put("chars", arena -> arena.allocateFrom(JAVA_CHAR, 'a', 'b'));
    programs.put("shorts", arena -> arena.allocateFrom(JAVA_SHORT, (short) 1, (short) 2));
    programs.put("ints", arena -> arena.allocateFrom(JAVA_INT, 1, 2, 3));
    programs.put("unaligned ints", arena -> arena.allocateFrom(JAVA_INT_UNALIGNED, 1, 2, 3));
    programs.put("floats", arena -> arena.allocateFrom(JAVA_FLOAT, new float[1000]));
    programs.put("longs", arena -> arena.allocateFrom(JAVA_LONG, 1L, 2L));
    programs.put("doubles", arena -> arena.allocateFrom(JAVA_DOUBLE, 1d, 2d));
    programs.put(
        "part of a segment",
        arena -> arena.allocateFrom(JAVA_BYTE, MemorySegment.ofArray(BYTES), JAVA_BYTE, 1, 2));
    programs.put(
        "too much of a segment",
        arena -> arena.allocateFrom(JAVA_BYTE, MemorySegment.ofArray(BYTES), JAVA_BYTE, 1, 3));
    programs.put(
        "over-aligned elements",
        arena -> arena.allocateFrom(JAVA_SHORT.withByteAlignment(8), (short) 1, (short) 2));
    programs.put(
        "sliced",
        arena -> {
          SegmentAllocator slices = SegmentAllocator.slicingAllocator(arena.allocate(100));
          slices.allocateFrom("abc");
          return slices.allocateFrom(JAVA_INT, 1, 2, 3);
        });
    return programs;
  }

  private static TreeMap<String, Program> lifetimes() {
    TreeMap<String, Program> programs = new TreeMap<>();
    Program closing =
        arena -> {
          arena.close();
          return "closed";
        };
    programs.put("alive", arena -> arena.scope().isAlive());
    programs.put(
        "dead",
        arena -> {
          arena.close();
          return arena.scope().isAlive();
        });
    programs.put(
        "close twice",
        arena -> {
          arena.close();
          return closing.run(arena);
        });
    for (String use : List.of("read", "write", "fill", "copy", "buffer", "slice", "string")) {
      programs.put(
          use + " after close",
          arena -> {
            MemorySegment segment = arena.allocate(8);
            var buffer = segment.asByteBuffer();
            arena.close();
            return use(use, segment, buffer);
          });
      programs.put(
          use + " on another thread",
          arena -> {
            MemorySegment segment = arena.allocate(8);
            var buffer = segment.asByteBuffer();
            return onThread(() -> use(use, segment, buffer));
          });
      programs.put(use, arena -> use(use, arena.allocate(8), arena.allocate(8).asByteBuffer()));
    }
    programs.put(
        "allocate after close",
        arena -> {
          arena.close();
          return arena.allocate(8);
        });
    programs.put(
        "allocate badly after close",
        arena -> {
          arena.close();
          return arena.allocate(-8);
        });
    programs.put(
        "string after close",
        arena -> {
          arena.close();
          return arena.allocateFrom("a");
        });
    programs.put("allocate on another thread", arena -> onThread(() -> arena.allocate(8)));
    programs.put("string on another thread", arena -> onThread(() -> arena.allocateFrom("a")));
    programs.put(
        "close on another thread",
        arena -> {
          String thrown =
              onThread(
                  () -> {
                    try {
                      return closing.run(arena).toString();
                    } catch (Throwable e) {
                      return e.getClass().getName();
                    }
                  });
          return thrown + ", alive " + arena.scope().isAlive() + describe(arena.allocate(8));
        });
    programs.put(
        "one scope for all",
        arena ->
            arena.allocate(1).scope().equals(arena.scope())
                && arena.allocateFrom("a").asSlice(1).scope().equals(arena.scope()));
    programs.put("reinterpret", arena -> arena.allocate(8).reinterpret(4));
    programs.put(
        "cleanup actions run once each at the close",
        arena -> {
          List<Long> cleaned = new ArrayList<>();
          for (long address : new long[] {8, 16, 24}) {
            MemorySegment.ofAddress(address)
                .reinterpret(1, arena, segment -> cleaned.add(segment.address()));
          }
          String before = cleaned.toString();
          arena.close();
          return before + new TreeSet<>(cleaned) + cleaned.size();
        });
    programs.put(
        "cleanup action that throws",
        arena -> {
          MemorySegment.ofAddress(8)
              .reinterpret(
                  1,
                  arena,
                  segment -> {
                    throw new UnsupportedOperationException();
                  });
          return closing.run(arena);
        });
    programs.put(
        "cleanup action that throws an IllegalStateException, and then",
        arena -> {
          MemorySegment.ofAddress(8)
              .reinterpret(
                  1,
                  arena,
                  segment -> {
                    throw new IllegalStateException();
                  });
          try {
            arena.close();
          } catch (IllegalStateException e) {
            return "alive " + arena.scope().isAlive();
          }
          return "nothing thrown";
        });
    programs.put(
        "cleanup action that closes",
        arena -> {
          List<String> seen = new ArrayList<>();
          MemorySegment.ofAddress(8)
              .reinterpret(
                  1,
                  arena,
                  segment -> {
                    try {
                      arena.close();
                    } catch (IllegalStateException e) {
                      seen.add(e.getClass().getName());
                    }
                  });
          arena.close();
          return seen;
        });
    programs.put(
        "close while C uses it",
        arena -> {
          List<String> seen = new ArrayList<>();
          MemorySegment numbers = arena.allocateFrom(JAVA_INT, 2, 1);
          QuickSort.sort(
              numbers,
              2,
              (a, b) -> {
                seen.add(
                    "%s, alive %s".formatted(outcomeOfClosing(arena), arena.scope().isAlive()));
                return Integer.compare(a, b);
              });
          return seen + describe(numbers);
        });
    programs.put(
        "a function's stub lives with it",
        arena -> {
          MemorySegment stub =
              Linker.nativeLinker()
                  .upcallStub(
                      MethodHandles.empty(MethodType.methodType(void.class)),
                      FunctionDescriptor.ofVoid(),
                      arena);
          boolean before = stub.scope().isAlive();
          arena.close();
          return before + " " + stub.scope().isAlive();
        });
    programs.put(
        "a mapped file lives with it",
        arena -> {
          Path path = Files.createTempFile("arena", ".bin");
          try (FileChannel file = FileChannel.open(Files.write(path, BYTES))) {
            MemorySegment mapped = file.map(FileChannel.MapMode.READ_ONLY, 0, 3, arena);
            String before = HexFormat.of().formatHex(mapped.toArray(JAVA_BYTE));
            arena.close();
            return before + outcomeOf(() -> mapped.get(JAVA_BYTE, 0));
          } finally {
            Files.delete(path);
          }
        });
    programs.put(
        "a library is looked up with it",
        arena -> SymbolLookup.libraryLookup("libc.so.6", arena).find("qsort").isPresent());
    return programs;
  }

  private static Object use(String what, MemorySegment segment, java.nio.ByteBuffer buffer) {
    return switch (what) {
      case "read" -> segment.get(JAVA_LONG, 0);
      case "write" -> {
        segment.set(JAVA_LONG, 0, 1);
        yield "written";
      }
      case "fill" -> segment.fill((byte) 1).byteSize();
      case "copy" -> {
        MemorySegment.copy(MemorySegment.ofArray(new byte[8]), 0, segment, 0, 8);
        yield "copied";
      }
      case "buffer" -> buffer.getInt(0);
      case "slice" -> segment.asSlice(4).byteSize();
      case "string" -> segment.getString(0);
      default -> throw new AssertionError(what);
    };
  }

  @TestFactory
  Stream<DynamicTest> sameResultsAndSameExceptions() {
    TreeMap<String, Program> programs = allocations();
    programs.putAll(contents());
    programs.putAll(lifetimes());
    return programs.entrySet().stream()
        .map(
            each ->
                DynamicTest.dynamicTest(
                    each.getKey(),
                    () -> {
                      // The memory is not fresh: what the arena finds there are no zeros.
                      ctx.empty(dev.tensorarena.DType.INT8, 1 << 22).fill(0x55);
                      ctx.reset();
                      String expected = outcome(Arena.ofConfined(), each.getValue());
                      assertEquals(expected, outcome(ArenaAllocator.of(ctx), each.getValue()));
                      assertEquals(expected, outcome(ArenaAllocator.open(), each.getValue()));
                    }));
  }

  /** So that a method that a later JDK adds is thought of. */
  @Test
  void everyMethodThatNeedsNoZerosIsOverridden() throws Exception {
    for (Method method : SegmentAllocator.class.getMethods()) {
      boolean array = method.isVarArgs(); // they go through the one that copies segments
      if (method.getName().equals("allocateFrom") && !array) {
        assertEquals(
            ArenaAllocator.class,
            ArenaAllocator.class
                .getMethod(method.getName(), method.getParameterTypes())
                .getDeclaringClass(),
            method.toString());
      }
    }
    assertTrue(Modifier.isFinal(ArenaAllocator.class.getModifiers()));
  }

  /**
   * Random allocations, all filled and all still there at the end, as an arena's memory must be.
   */
  @Test
  void randomProgramsReadTheSame() {
    for (int seed = 0; seed < 20; seed++) {
      int start = seed;
      Function<Arena, String> program = arena -> randomProgram(new Random(start), arena);
      String expected;
      try (Arena arena = Arena.ofConfined()) {
        expected = program.apply(arena);
      }
      try (Arena arena = ArenaAllocator.of(ctx)) {
        assertEquals(expected, program.apply(arena), "seed " + seed);
      }
    }
  }

  private static String randomProgram(Random random, Arena arena) {
    List<MemorySegment> segments = new ArrayList<>();
    StringBuilder seen = new StringBuilder();
    for (int i = 0; i < 500; i++) {
      int size = random.nextInt(100) == 0 ? random.nextInt(200_000) : random.nextInt(300);
      switch (random.nextInt(4)) {
        case 0 -> segments.add(arena.allocate(size, 1L << random.nextInt(14)));
        case 1 -> segments.add(arena.allocateFrom("s".repeat(size)));
        case 2 -> segments.add(arena.allocateFrom(JAVA_INT, new int[size]));
        default -> segments.add(arena.allocateFrom(JAVA_LONG, size));
      }
      MemorySegment some = segments.get(random.nextInt(segments.size()));
      some.fill((byte) random.nextInt());
    }
    for (MemorySegment segment : segments) {
      seen.append(Arrays.hashCode(segment.toArray(JAVA_BYTE))).append(' ');
    }
    return seen.toString();
  }
}
