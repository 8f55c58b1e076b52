package dev.tensorarena;

/**
 * Who may write the bytes of an allocation that several may hold: one tensor, or the parts that it
 * was split into, or nobody. It says so in plain fields of the owner's thread, of which a setter
 * reads one.
 *
 * <p>A part that nobody has frozen does not say in what allocation it is ({@code shared} is null),
 * so that it is written like a tensor that nobody has shared. It is frozen by saying so.
 */
abstract class Writers extends LeakDetector.ShareCountdown {
  /**
   * The one tensor that may write; the {@link TensorParts} whose parts do so in its place; null
   * while all are frozen; something else once the scope has ended. The owner's thread writes it.
   * Others only read it where they have a part, and so never find null.
   */
  Object writer;

  /** Lets nobody write from now on, until {@link #thaw}. */
  void freeze() {
    if (writer != null) {
      writer = null;
    }
  }

  /** Lets one tensor write; called only while there is no other holder. */
  void thaw(Tensor tensor) {
    writer = tensor;
  }

  boolean isWriter(Tensor tensor) {
    return writer == tensor || writer != null && isWriterAgain(tensor);
  }

  // ---- parts

  /** Has the parts of a tensor be written in its place. */
  void split(TensorParts parts) {
    Tensor own = parts.whole;
    if (own.scope.isPart()) {
      ((PartScope) own.scope).split = parts;
      own.shared = own.allocation(); // which it does not say while it is not frozen
    } else {
      writer = parts;
    }
  }

  /** Returns the parts that are, or were, written in place of a tensor that is frozen; or null. */
  private TensorParts partsOf(Tensor own) {
    if (own.scope.isPart()) {
      return ((PartScope) own.scope).split;
    }
    return writer instanceof TensorParts parts ? parts : null;
  }

  /**
   * Returns whether a tensor that was split may be written again, since all parts are closed and
   * none was shared. What it finds once they are is noted: it will not change.
   */
  private boolean isWriterAgain(Tensor own) {
    TensorParts parts = partsOf(own);
    if (parts == null || parts.whole != own || !parts.isDone()) {
      return false;
    }
    boolean again = !parts.wasShared();
    if (own.scope.isPart()) {
      ((PartScope) own.scope).split = null;
      own.shared = again ? null : own.shared;
    } else {
      writer = again ? own : null;
    }
    return again;
  }

  /**
   * Refuses while parts of a tensor are open, or of another handle of the same bytes.
   *
   * @throws IllegalStateException if so
   */
  void requireWhole(Tensor own) {
    String open = openParts(own);
    if (!open.isEmpty()) {
      throw new IllegalStateException(
          own.describe()
              + " is split, and parts of it are open: "
              + open
              + "; close() of the TensorParts closes those that nobody uses");
    }
  }

  /** Returns which parts of a tensor are open, in words; empty if none are. */
  String openParts(Tensor own) {
    TensorParts parts = partsOf(own);
    return parts == null ? "" : parts.open();
  }
}
