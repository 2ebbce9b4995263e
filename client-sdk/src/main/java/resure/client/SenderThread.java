package resure.client;

import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** The system's clock, and one daemon thread for the work. */
final class SenderThread implements Timeline {

  /** The work never blocks: an end that takes longer than this has met a bug. */
  private static final long JOIN_MILLIS = 2_000;

  /** Set by {@link #begin}, before any other thread knows of this. */
  private @Nullable Thread thread;

  /** Read by the thread after each wake. */
  private volatile boolean ended;

  @Override
  public long nanoTime() {
    return System.nanoTime();
  }

  @Override
  public void await(Future<?> done, long until) {
    try {
      Object unused = done.get(Math.max(0, until - System.nanoTime()), TimeUnit.NANOSECONDS);
    } catch (TimeoutException | ExecutionException | CancellationException e) {
      // Whoever waits looks at the future itself.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void begin(LongSupplier work) {
    Thread sender =
        new Thread(
            () -> {
              while (!ended) {
                long nanos = work.getAsLong();
                if (nanos > 0) {
                  // A wake before this is not lost: parking returns at once then.
                  LockSupport.parkNanos(this, nanos);
                }
              }
            },
            "resure-outbox");
    sender.setDaemon(true);
    thread = sender;
    sender.start();
  }

  @Override
  public void wake() {
    LockSupport.unpark(thread);
  }

  @Override
  public void end() {
    ended = true;
    Thread sender = thread;
    if (sender == null || sender == Thread.currentThread()) {
      return;
    }
    LockSupport.unpark(sender);
    boolean interrupted = false;
    long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(JOIN_MILLIS);
    while (sender.isAlive() && System.nanoTime() - until < 0) {
      try {
        sender.join(10);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
