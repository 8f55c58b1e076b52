package dev.tensorarena.ffm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.tensorarena.MemoryLimitExceededException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HexFormat;

/** What a call did, in words that are the same for an arena of the JDK and one of ours. */
final class Outcomes {
  private Outcomes() {}

  /** Everything about a segment that does not differ from run to run. */
  static String describe(MemorySegment segment) {
    return "%d bytes, native %s, mapped %s, read-only %s, alive %s, aligned to 16 %s, mine %s: %s"
        .formatted(
            segment.byteSize(),
            segment.isNative(),
            segment.isMapped(),
            segment.isReadOnly(),
            segment.scope().isAlive(),
            segment.address() % 16 == 0,
            segment.isAccessibleBy(Thread.currentThread()),
            segment.byteSize() > 1000
                ? "hash " + Arrays.hashCode(segment.toArray(JAVA_BYTE))
                : HexFormat.of().formatHex(segment.toArray(JAVA_BYTE)));
  }

  static String outcomeOfClosing(Arena arena) {
    return outcomeOf(
        () -> {
          arena.close();
          return "closed";
        });
  }

  static String outcomeOf(java.util.concurrent.Callable<?> call) {
    try {
      return String.valueOf(call.call());
    } catch (Exception | OutOfMemoryError e) {
      return nameOf(e);
    }
  }

  /**
   * The JDK's arena asks the system for whatever it is asked for; ours knows by default how much
   * there can be, and says so itself.
   */
  static String nameOf(Throwable thrown) {
    Class<?> type =
        thrown instanceof MemoryLimitExceededException ? OutOfMemoryError.class : thrown.getClass();
    return type.getName();
  }
}
