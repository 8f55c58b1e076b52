package dev.tensorarena;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;

/**
 * Fills a JVM's heap but for some objects, and empties it. The heap has to be small, as {@link
 * #run} makes it.
 */
public final class FullHeap {
  /** Leaves the heap as it is. */
  public static final int ALL = Integer.MAX_VALUE;

  /** More than a small heap takes: arrays fill most of it. */
  private static final int OBJECTS = 100_000;

  private final Object[] ballast = new Object[OBJECTS];
  private int count;
  private int refused;

  /** Fills nothing yet. */
  public FullHeap() {
    // What is looked up for the first time takes heap.
    try {
      ballast[0] = new Object();
      throw new OutOfMemoryError();
    } catch (OutOfMemoryError e) {
      Arrays.fill(ballast, 0, 1, null);
    }
    empty();
  }

  /**
   * Runs a main class in a JVM that has little heap, of which no thread keeps a part for itself,
   * and fails if it fails.
   */
  public static void run(Class<?> main, String... jvmArguments) throws Exception {
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of("-Xmx16m", "-XX:+UseSerialGC", "-XX:-UseTLAB"));
    arguments.add("--enable-native-access=ALL-UNNAMED");
    arguments.addAll(List.of(jvmArguments));
    ForkedJvm.run(ForkedJvm.command(main, arguments));
  }

  /**
   * Fills the heap, and leaves room.
   *
   * @param room for how many objects without fields there is room then, or {@link #ALL}
   */
  public void fillButFor(int room) {
    if (room == ALL) {
      return;
    }
    count = 0;
    fillWith(8192);
    for (int before = -1; before < count; ) { // once may not be all: the JVM finds some more
      before = count;
      fillWith(0);
    }
    Arrays.fill(ballast, count - room, count, null);
    count -= room;
  }

  /** Fills it with arrays, or with objects without fields. */
  private void fillWith(int bytes) {
    try {
      while (true) {
        ballast[count] = bytes == 0 ? new Object() : new byte[bytes];
        count++;
      }
    } catch (OutOfMemoryError e) {
      return; // full
    }
  }

  /**
   * Does something that takes heap, first with no room and then with room for ever one object more,
   * until there is enough; then empties the heap.
   *
   * @param taking what throws {@link OutOfMemoryError} where there is too little room
   * @param <T> the type of its result
   * @return the result, which is not null
   * @throws Exception what it throws
   */
  public <T> T roomBitByBit(Callable<T> taking) throws Exception {
    return roomBitByBit(1, taking);
  }

  /** Does the same with room for ever so many objects more, where another library takes much. */
  public <T> T roomBitByBit(int objects, Callable<T> taking) throws Exception {
    T taken = null;
    fillButFor(0);
    while (taken == null) {
      try {
        taken = taking.call();
      } catch (OutOfMemoryError e) {
        refused++;
        Arrays.fill(ballast, count - objects, count, null);
        count -= objects;
      }
    }
    empty();
    return taken;
  }

  /**
   * Returns how often there was too little room. How often varies with the JVM: it must find some
   * that is left where there was none before.
   *
   * @return how often {@link #roomBitByBit} was refused so far
   */
  public int refused() {
    return refused;
  }

  /** Lets go of all that filled the heap. */
  public void empty() {
    Arrays.fill(ballast, null);
  }
}
