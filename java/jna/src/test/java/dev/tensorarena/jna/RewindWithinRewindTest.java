package dev.tensorarena.jna;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.sun.jna.Pointer;
import dev.tensorarena.ExecutionContext;
import org.junit.jupiter.api.Test;

/** A tracked resource that rewinds while its scope is being rewound. */
class RewindWithinRewindTest {
  @Test
  void aRewindToTheSameMarkIsRefusedAndEndsNothingBeforeIt() {
    try (ExecutionContext ctx = ExecutionContext.open()) {
      JnaArena arena = JnaArena.of(ctx);
      Pointer before = arena.allocate(8, 8);
      before.setLong(0, 7);
      Mark mark = arena.mark();
      Pointer after = arena.allocate(8, 8);
      Status[] within = new Status[1];
      ctx.track(() -> within[0] = arena.rewind(mark));
      assertEquals(Status.OK, arena.rewind(mark));
      assertEquals(Status.MARK, within[0]);
      assertEquals(7, before.getLong(0));
      assertThrows(IllegalStateException.class, () -> after.getLong(0));
    }
  }
}
