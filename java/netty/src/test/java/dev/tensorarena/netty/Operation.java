package dev.tensorarena.netty;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.util.ByteProcessor;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.GatheringByteChannel;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.ScatteringByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** A public method of a buffer, called with random arguments that a seed alone tells. */
final class Operation {
  /** What differs by what they are for, and is tested by name. */
  private static final Set<String> BY_NAME =
      Set.of(
          "array",
          "arrayOffset",
          "hasMemoryAddress",
          "memoryAddress",
          "alloc",
          "unwrap",
          "touch",
          "retain",
          "release",
          "refCnt");

  /** What an operation came to: a value, or an exception, and what its arguments are then. */
  record Outcome(Object value, Throwable thrown, List<Object> arguments) {
    boolean isRefusal() {
      return thrown != null;
    }

    /** Returns whether numbers were refused that are no range, of what else than numbers has. */
    boolean isRefusalOfRange(int capacity) {
      if (!(thrown instanceof IndexOutOfBoundsException
              || thrown instanceof IllegalArgumentException)
          || arguments.stream().allMatch(argument -> argument instanceof Number)) {
        return false;
      }
      long end = 0;
      for (Object argument : arguments) {
        if (argument instanceof Number number) {
          boolean isBad = number.longValue() < 0;
          end += isBad ? Integer.MAX_VALUE : argument instanceof Integer ? number.intValue() : 0;
        }
      }
      return end > capacity;
    }
  }

  private final Method method;
  private final FileChannel file;

  private Operation(Method method, FileChannel file) {
    this.method = method;
    this.file = file;
  }

  /** Returns all operations of this version of Netty. */
  static List<Operation> all(FileChannel file) {
    return Arrays.stream(ByteBuf.class.getMethods())
        .filter(method -> ByteBuf.class.isAssignableFrom(method.getDeclaringClass()))
        .filter(method -> !method.isBridge() && !Modifier.isStatic(method.getModifiers()))
        .filter(method -> !BY_NAME.contains(method.getName()))
        .filter(method -> !is(method, "toString"))
        .sorted(Comparator.comparing(Method::toString))
        .map(method -> new Operation(method, file))
        .toList();
  }

  private static boolean is(Method method, String name) {
    return method.getName().equals(name) && method.getParameterCount() == 0;
  }

  /** Returns whether it is meant to change bytes, or their number. */
  boolean writes() {
    String name = method.getName();
    return name.startsWith("set") && !name.equals("setIndex")
        || name.startsWith("write") && !name.equals("writerIndex")
        || name.startsWith("discard")
        || name.equals("ensureWritable") && method.getParameterCount() == 1
        || name.equals("capacity") && method.getParameterCount() == 1;
  }

  boolean isAbout(String... names) {
    return List.of(names).contains(method.getName());
  }

  /** Calls it. */
  Outcome on(ByteBuf buffer, long seed) throws Exception {
    Random random = new Random(seed);
    Object[] arguments = new Object[method.getParameterCount()];
    for (int i = 0; i < arguments.length; i++) {
      arguments[i] = argument(method.getParameterTypes()[i], random);
    }
    Object value = null;
    Throwable thrown = null;
    try {
      value = method.invoke(buffer, arguments);
    } catch (InvocationTargetException e) {
      thrown = e.getCause();
    }
    List<Object> after = new ArrayList<>();
    for (Object argument : arguments) {
      after.add(told(argument, null));
      if (argument instanceof ByteBuf other) {
        other.release();
      }
    }
    Object told = told(value instanceof ByteBuffer view ? view.slice() : value, buffer);
    if (value instanceof ByteBuf result && result != buffer && isCounted()) {
      result.release();
    }
    return new Outcome(told, thrown, after);
  }

  /** Returns whether the caller has to release the result. */
  private boolean isCounted() {
    String name = method.getName();
    return name.startsWith("retained")
        || name.equals("readRetainedSlice")
        || name.equals("copy")
        || name.equals("readBytes");
  }

  // ---- arguments

  private Object argument(Class<?> type, Random random) throws IOException {
    if (type == int.class) {
      return switch (random.nextInt(10)) {
        case 0 -> isOfNumbers() ? random.nextInt() : random.nextInt(1000); // Netty makes arrays
        case 1 -> -1;
        case 2, 3 -> random.nextInt(BufferModel.SIZE + 2);
        default -> random.nextInt(16);
      };
    } else if (type == long.class) {
      return random.nextInt(8) == 0 ? random.nextLong() : random.nextLong(20);
    } else if (type == boolean.class) {
      return random.nextBoolean();
    } else if (type == byte.class) {
      return (byte) random.nextInt();
    } else if (type == float.class) {
      return random.nextFloat();
    } else if (type == double.class) {
      return random.nextDouble();
    } else if (type == byte[].class) {
      return bytes(random, random.nextInt(24));
    } else if (type == ByteBuf.class || type == Object.class) {
      return buffer(random);
    } else if (type == ByteBuffer.class) {
      int size = random.nextInt(24);
      ByteBuffer buffer =
          random.nextBoolean() ? ByteBuffer.allocate(size) : ByteBuffer.allocateDirect(size);
      buffer.put(bytes(random, size)).flip();
      return buffer;
    } else if (type == Charset.class) {
      return List.of(
              StandardCharsets.UTF_8,
              StandardCharsets.US_ASCII,
              StandardCharsets.ISO_8859_1,
              StandardCharsets.UTF_16LE)
          .get(random.nextInt(4));
    } else if (type == CharSequence.class) {
      return List.of("", "text", "t\u00e4xt", new StringBuilder("\u20ac \ud83d\ude00 ?"))
          .get(random.nextInt(4));
    } else if (type == ByteOrder.class) {
      return random.nextBoolean() ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
    } else if (type == FileChannel.class) {
      file.truncate(0).write(ByteBuffer.wrap(bytes(random, 40)), 0);
      return file.position(0);
    } else if (type == ByteProcessor.class) {
      return new Visits(random.nextInt(256));
    } else if (type == java.io.OutputStream.class) {
      return new ByteArrayOutputStream();
    } else if (type == java.io.InputStream.class) {
      return new ByteArrayInputStream(bytes(random, random.nextInt(24)));
    } else if (type == GatheringByteChannel.class) {
      return new Written();
    } else if (type == ScatteringByteChannel.class) {
      return new Given(bytes(random, random.nextInt(24)));
    }
    throw new AssertionError("no argument of " + type + " for " + method);
  }

  private boolean isOfNumbers() {
    return Arrays.stream(method.getParameterTypes()).allMatch(Class::isPrimitive);
  }

  private static byte[] bytes(Random random, int count) {
    byte[] bytes = new byte[count];
    random.nextBytes(bytes);
    return bytes;
  }

  /** On the heap, outside of it, or in two pieces. */
  private static ByteBuf buffer(Random random) {
    byte[] bytes = bytes(random, 24);
    ByteBuf buffer =
        switch (random.nextInt(3)) {
          case 0 -> Unpooled.wrappedBuffer(bytes);
          case 1 -> Unpooled.wrappedBuffer(ByteBuffer.allocateDirect(24).put(bytes).flip());
          default ->
              Unpooled.wrappedBuffer(
                  Unpooled.wrappedBuffer(bytes, 0, 7), Unpooled.wrappedBuffer(bytes, 7, 17));
        };
    return buffer.setIndex(random.nextInt(4), 4 + random.nextInt(20));
  }

  // ---- what can be compared

  @SuppressWarnings("deprecation") // order()
  private Object told(Object value, ByteBuf receiver) throws IOException {
    if (value == null) {
      return "nothing";
    } else if (value == receiver) {
      return "itself";
    } else if (value instanceof ByteBuf buffer) {
      String bytes = ByteBufUtil.hexDump(buffer, 0, buffer.capacity());
      return List.of(bytes, buffer.readerIndex(), buffer.writerIndex(), buffer.order());
    } else if (value instanceof ByteBuffer buffer) {
      byte[] bytes = new byte[buffer.limit()];
      buffer.duplicate().clear().get(bytes);
      String text = HexFormat.of().formatHex(bytes);
      return List.of(text, buffer.position(), buffer.order(), buffer.isDirect());
    } else if (value instanceof ByteBuffer[] buffers) {
      return List.of(buffers.length, told(buffers[0], null));
    } else if (value instanceof byte[] bytes) {
      return HexFormat.of().formatHex(bytes);
    } else if (value instanceof ByteArrayOutputStream out) {
      return HexFormat.of().formatHex(out.toByteArray());
    } else if (value instanceof ByteArrayInputStream in) {
      return in.available() + " left";
    } else if (value instanceof FileChannel channel) {
      ByteBuffer bytes = ByteBuffer.allocate((int) Math.min(channel.size(), 200));
      channel.read(bytes, 0);
      return List.of(channel.size(), channel.position(), told(bytes.array(), null));
    }
    return value instanceof CharSequence ? value.toString() : value;
  }

  /** What a buffer shows, until it shows one byte. */
  private record Visits(int last, List<Byte> seen) implements ByteProcessor {
    Visits(int last) {
      this(last, new ArrayList<>());
    }

    @Override
    public boolean process(byte value) {
      seen.add(value);
      return value != (byte) last;
    }
  }

  /** What a buffer wrote: at most seven bytes at once. */
  private record Written(ByteArrayOutputStream out, WritableByteChannel channel)
      implements GatheringByteChannel {
    Written(ByteArrayOutputStream out) {
      this(out, Channels.newChannel(out));
    }

    Written() {
      this(new ByteArrayOutputStream());
    }

    @Override
    public int write(ByteBuffer source) throws IOException {
      int count = Math.min(source.remaining(), 7);
      channel.write(source.duplicate().limit(source.position() + count));
      source.position(source.position() + count);
      return count;
    }

    @Override
    public long write(ByteBuffer[] sources, int offset, int length) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long write(ByteBuffer[] sources) {
      throw new UnsupportedOperationException();
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}

    @Override
    public boolean equals(Object other) {
      return other instanceof Written written
          && Arrays.equals(out.toByteArray(), written.out.toByteArray());
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(out.toByteArray());
    }
  }

  /** What a buffer is given; none is a channel that is closed. */
  private record Given(ByteArrayInputStream in, ReadableByteChannel channel)
      implements ScatteringByteChannel {
    Given(byte[] bytes) {
      this(new ByteArrayInputStream(bytes));
    }

    Given(ByteArrayInputStream in) {
      this(in, Channels.newChannel(in));
    }

    @Override
    public int read(ByteBuffer target) throws IOException {
      if (in.available() == 0) {
        throw new java.nio.channels.ClosedChannelException();
      }
      return channel.read(target);
    }

    @Override
    public long read(ByteBuffer[] targets, int offset, int length) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long read(ByteBuffer[] targets) {
      throw new UnsupportedOperationException();
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}

    @Override
    public boolean equals(Object other) {
      return other instanceof Given given && in.available() == given.in.available();
    }

    @Override
    public int hashCode() {
      return in.available();
    }
  }

  @Override
  public String toString() {
    return method.toString();
  }
}
