package dev.tensorarena.bench;

import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/** The second half of {@link HandOff}'s stages, behind a bounded queue. */
final class SecondThread {
  private static final int QUEUE_LENGTH = 64;
  private static final Object END = new Object();

  /** What is to be done with so many tensors; the last one's sum is sent back. */
  private record Task<T>(int count, HandOff.Carrier<T> carrier, int times) {
    @SuppressWarnings("unchecked") // the sender has the carrier's own
    float run(BlockingQueue<Object> inbox) throws InterruptedException {
      float sum = 0;
      for (int i = 0; i < count; i++) {
        sum += carrier.last(HandOff.pass(carrier, carrier.next((T) inbox.take()), times));
      }
      return sum;
    }
  }

  private final BlockingQueue<Object> inbox = new ArrayBlockingQueue<>(QUEUE_LENGTH);
  private final BlockingQueue<Float> outbox = new ArrayBlockingQueue<>(1);
  private final Thread thread = new Thread(this::run, "second thread");

  SecondThread() {
    thread.setDaemon(true);
    thread.start();
  }

  /** Announces tensors, each of which passes so many stages behind the first one there. */
  void expect(int count, HandOff.Carrier<?> carrier, int times) throws InterruptedException {
    inbox.put(new Task<>(count, carrier, times));
  }

  void send(Object held) throws InterruptedException {
    inbox.put(held);
  }

  /** The sum of the elements that arrived, once all have. */
  float sum() throws InterruptedException {
    return outbox.take();
  }

  private void run() {
    try {
      for (Object next = inbox.take(); next != END; next = inbox.take()) {
        outbox.put(((Task<?>) next).run(inbox));
      }
    } catch (InterruptedException e) {
      throw new AssertionError("nobody else knows this thread", e);
    }
  }

  void end() throws InterruptedException {
    inbox.put(END);
    thread.join();
  }
}
