package dev.tensorarena;

import java.lang.invoke.MethodHandles;
import java.util.List;

/**
 * Room on the calling thread's stack, which is tried before what must not stop half-way. A stack
 * overflow comes where a method is entered; whoever has tried this may then call methods of this
 * library, and they theirs, without meeting one.
 */
final class StackRoom {
  /** One more than HotSpot inlines of a method into itself: so a call is left, and is tried. */
  private static final int CALLS = 2;

  /** For code of a user's besides, of which nobody knows how much it takes. */
  private static final int FRAMES_OF_USERS = 50;

  private StackRoom() {}

  /**
   * Loads what an end uses, and what a first call could be unable to initialise: where the stack or
   * the heap has ended that could fail, and then for ever.
   */
  static void prepare() {
    try {
      for (Class<?> each :
          List.of(
              Resources.class,
              HandleResources.class,
              HandleResources.Missed.class,
              End.class,
              Leftovers.class,
              Bulk.class,
              ChunkPins.class,
              Custody.class,
              Figures.class,
              Held.class,
              KeptResult.class,
              KeptResults.class,
              Remains.Holds.class,
              SharedTensor.class,
              TensorPart.class,
              TensorPin.class,
              DetachedContext.class,
              MemoryBudget.class)) {
        MethodHandles.lookup().ensureInitialized(each);
      }
    } catch (IllegalAccessException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /**
   * Does nothing but use the stack: 8 KiB where it is compiled, 13 where it is interpreted, each
   * several times what any end takes below the method that tries.
   *
   * @throws StackOverflowError if there is no room; nothing has changed then
   */
  static void require() {
    descend(CALLS);
  }

  /**
   * Does the same for an end that calls a user's code, which would otherwise be broken off where it
   * cannot be called again: uses some 4 KiB more, and tries then. What is called after it may try
   * once more.
   *
   * @throws StackOverflowError if there is no room; nothing has changed then
   */
  static void requireForUsers() {
    descendForUsers(FRAMES_OF_USERS, 1, 2, 3, 4, 5, 6, 7, 8);
  }

  /**
   * Does the same for whoever will call an end that tries {@link #requireForUsers}: uses as much
   * once more, for the calls between.
   *
   * @throws StackOverflowError if there is no room; nothing has changed then
   */
  static void requireForHolders() {
    descendForUsers(2 * FRAMES_OF_USERS, 1, 2, 3, 4, 5, 6, 7, 8);
  }

  /** The numbers are used after the call, so that each frame has room for them all. */
  private static long descendForUsers(
      int left, long a, long b, long c, long d, long e, long f, long g, long h) {
    if (left == 0) {
      require();
      return a;
    }
    return descendForUsers(left - 1, b, c, d, e, f, g, h, a) + a * b + c * d + e * f + g * h;
  }

  /**
   * Has frames of 4 KiB. Compiled they are small, but a compiled method may be left for the
   * interpreter at any call, so HotSpot makes sure as it is entered that there is room for its
   * interpreted frame. That takes a nanosecond for what frames that are really used take 40.
   */
  @SuppressWarnings("unused")
  private static void descend(int left) {
    // spotless:off
    long l0, l1, l2, l3, l4, l5, l6, l7, l8, l9, l10, l11, l12, l13, l14, l15, l16, l17, l18, l19,
        l20, l21, l22, l23, l24, l25, l26, l27, l28, l29, l30, l31, l32, l33, l34, l35, l36, l37,
        l38, l39, l40, l41, l42, l43, l44, l45, l46, l47, l48, l49, l50, l51, l52, l53, l54, l55,
        l56, l57, l58, l59, l60, l61, l62, l63, l64, l65, l66, l67, l68, l69, l70, l71, l72, l73,
        l74, l75, l76, l77, l78, l79, l80, l81, l82, l83, l84, l85, l86, l87, l88, l89, l90, l91,
        l92, l93, l94, l95, l96, l97, l98, l99, l100, l101, l102, l103, l104, l105, l106, l107,
        l108, l109, l110, l111, l112, l113, l114, l115, l116, l117, l118, l119, l120, l121, l122,
        l123, l124, l125, l126, l127, l128, l129, l130, l131, l132, l133, l134, l135, l136, l137,
        l138, l139, l140, l141, l142, l143, l144, l145, l146, l147, l148, l149, l150, l151, l152,
        l153, l154, l155, l156, l157, l158, l159, l160, l161, l162, l163, l164, l165, l166, l167,
        l168, l169, l170, l171, l172, l173, l174, l175, l176, l177, l178, l179, l180, l181, l182,
        l183, l184, l185, l186, l187, l188, l189, l190, l191, l192, l193, l194, l195, l196, l197,
        l198, l199, l200, l201, l202, l203, l204, l205, l206, l207, l208, l209, l210, l211, l212,
        l213, l214, l215, l216, l217, l218, l219, l220, l221, l222, l223, l224, l225, l226, l227,
        l228, l229, l230, l231, l232, l233, l234, l235, l236, l237, l238, l239, l240, l241, l242,
        l243, l244, l245, l246, l247, l248, l249, l250, l251, l252, l253, l254, l255, l256, l257,
        l258, l259, l260, l261, l262, l263, l264, l265, l266, l267, l268, l269, l270, l271;
    // spotless:on
    if (left > 0) {
      descend(left - 1);
    }
  }
}
