package dev.tensorarena;

/** Memory whose handle another thread closes, once the memory is asked whether it is there. */
final class ClosedMeanwhile extends BufferMemory {
  volatile SharedTensor handle;
  volatile boolean isArmed;
  private volatile boolean isAsked;
  private volatile boolean isClosed;
  volatile int released;

  ClosedMeanwhile() {
    super(8);
  }

  void closeWhenAsked() {
    while (!isAsked) {
      Thread.onSpinWait();
    }
    handle.close();
    isClosed = true;
  }

  @Override
  public boolean isAlive() {
    if (isArmed) {
      isAsked = true;
      while (!isClosed) {
        // without a call, for which there may be no stack
      }
    }
    return true;
  }

  @Override
  public void released() {
    released++;
  }
}
