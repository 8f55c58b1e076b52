package dev.tensorarena.jna;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.jna.Pointer;
import dev.tensorarena.DType;
import dev.tensorarena.ExecutionContext;
import dev.tensorarena.NativeClient;
import dev.tensorarena.Scope;
import dev.tensorarena.Shape;
import dev.tensorarena.SharedTensor;
import dev.tensorarena.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Programs that a generator makes up: Java, JNA and native code allocate in one arena, scopes,
 * marks, rewinds and resets end what they end, shares and pins outlive it. Whatever is not refused
 * has the contents that it was given.
 */
class JnaFuzzTest {
  private static final int STEPS = 1500;

  static IntStream seeds() {
    return IntStream.range(0, 40);
  }

  /** Some bytes, and how they are read. */
  private static final class Item {
    private final Supplier<byte[]> read;
    private final byte[] contents;
    private final Pointer pointer; // null if JNA did not make one

    Item(Supplier<byte[]> read, byte[] contents, Pointer pointer) {
      this.read = read;
      this.contents = contents;
      this.pointer = pointer;
    }

    /** Whether it is still there; what is there must be right. */
    boolean isAlive() {
      byte[] now;
      try {
        now = read.get();
      } catch (IllegalStateException e) {
        return false;
      }
      assertArrayEquals(contents, now);
      return true;
    }
  }

  private final List<Item> items = new ArrayList<>();
  private final List<Mark> marks = new ArrayList<>();
  private final List<Scope> scopes = new ArrayList<>();
  private final List<AutoCloseable> holders = new ArrayList<>();
  private int rewound;
  private int refused;

  @ParameterizedTest
  @MethodSource("seeds")
  void whatIsNotRefusedIsRight(int seed) throws Exception {
    Random random = new Random(seed);
    boolean isOwn = seed % 4 == 3;
    try (ExecutionContext ctx = ExecutionContext.withMemoryLimit(64 << 20);
        JnaArena own = JnaArena.create(0, 64 << 20)) {
      JnaArena arena = isOwn ? own : JnaArena.of(ctx);
      for (int step = 0; step < STEPS; step++) {
        boolean ends = act(random, ctx, arena, isOwn);
        int before = items.size();
        items.removeIf(item -> !item.isAlive());
        assertTrue(ends || items.size() == before, "nothing ended, and something is refused");
      }
      for (AutoCloseable holder : holders) {
        holder.close();
      }
    }
    assertTrue(rewound > 10, rewound + " rewinds");
    assertTrue(refused > 5, refused + " refused");
  }

  /** One action; returns whether something may have ended by it. */
  private boolean act(Random random, ExecutionContext ctx, JnaArena arena, boolean isOwn)
      throws Exception {
    switch (random.nextInt(items.size() > 60 ? 20 : 16)) {
      case 0:
        scopes.add(ctx.scope());
        return false;
      case 1:
      case 2:
        marks.add(arena.mark());
        return false;
      case 3:
      case 4:
      case 5:
        return rewind(random, arena);
      case 6:
        share(random, ctx);
        return false;
      case 7:
        pin(random, arena);
        return false;
      case 8:
        if (!holders.isEmpty()) {
          holders.remove(random.nextInt(holders.size())).close();
        }
        return true;
      case 9:
        int length = random.nextInt(2000);
        long address = NativeClient.counting(ctx.nativeHandle(), 7, length);
        if (address != 0) {
          Tensor counted = ctx.tensorAt(address, DType.INT32, Shape.of(length));
          items.add(new Item(() -> bytesOf(counted), bytesOf(counted), null));
        }
        return false;
      case 16:
        if (!scopes.isEmpty()) {
          scopes.remove(random.nextInt(scopes.size())).close();
        }
        return true;
      case 17:
        if (isOwn) {
          assertEquals(Status.OK, arena.reset());
        }
        ctx.reset();
        scopes.clear();
        return true;
      default:
        allocate(random, ctx, arena);
        return false;
    }
  }

  private boolean rewind(Random random, JnaArena arena) {
    if (marks.isEmpty()) {
      return false;
    }
    // Mostly a late one, since early ones are soon refused.
    int index = Math.max(random.nextInt(marks.size()), random.nextInt(marks.size()));
    Status status = arena.rewind(marks.get(index));
    if (status == Status.OK) {
      rewound++;
      return true;
    }
    assertEquals(Status.MARK, status);
    marks.remove(index);
    refused++;
    return false;
  }

  private void allocate(Random random, ExecutionContext ctx, JnaArena arena) {
    byte[] contents = new byte[random.nextInt(random.nextInt(20) == 0 ? 200_000 : 3000)];
    random.nextBytes(contents);
    if (random.nextInt(3) == 0) {
      Tensor tensor = ctx.allocSlice(contents);
      items.add(new Item(tensor::toByteArray, contents, null));
      return;
    }
    Pointer pointer = arena.allocate(contents.length, 1 << random.nextInt(8));
    if (pointer != null) {
      pointer.write(0, contents, 0, contents.length);
      items.add(new Item(() -> pointer.getByteArray(0, contents.length), contents, pointer));
    }
  }

  private void share(Random random, ExecutionContext ctx) {
    byte[] contents = new byte[1 + random.nextInt(1000)];
    random.nextBytes(contents);
    SharedTensor shared = ctx.allocSlice(contents).share();
    holders.add(shared);
    items.add(new Item(shared::toByteArray, contents, null));
  }

  private void pin(Random random, JnaArena arena) {
    Iterator<Item> made =
        items.stream().filter(item -> item.pointer != null && item.contents.length > 0).iterator();
    if (!made.hasNext()) {
      return;
    }
    Item item = made.next();
    ChunkPin pin = arena.pin(item.pointer, item.contents.length);
    if (random.nextBoolean()) {
      try (ChunkPin first = pin) {
        pin = first.retain();
      }
    }
    ChunkPin held = pin;
    holders.add(held);
    byte[] contents = Arrays.copyOf(item.contents, item.contents.length);
    items.add(new Item(() -> held.bytes().getByteArray(0, contents.length), contents, null));
  }

  private static byte[] bytesOf(Tensor tensor) {
    byte[] bytes = new byte[(int) tensor.byteSize()];
    tensor.asByteBuffer().get(bytes);
    return bytes;
  }
}
