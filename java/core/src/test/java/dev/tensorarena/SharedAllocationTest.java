package dev.tensorarena;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("platform")
class SharedAllocationTest {
  @Test
  void fromZeroThereIsNoWayBack() {
    SharedTensor handle;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      handle = ctx.allocSlice(1f, 2f).share();
    }
    SharedAllocation shared = handle.shared;
    assertTrue(shared.tryRetain());
    shared.giveBack();
    assertEquals(2f, handle.getFloatAt(1));
    handle.close();
    assertFalse(shared.tryRetain());
    assertFalse(shared.tryRetain());
  }

  @Test
  void whatHasBeenDetachedIsNobodysAgain() {
    SharedTensor handle;
    try (ExecutionContext ctx = ExecutionContext.open()) {
      handle = ctx.allocSlice(1f, 2f).share();
    }
    handle.shared.moveTo(Thread.currentThread());
    assertFalse(handle.shared.isBiasedToMe());
    handle.close();
  }
}
