package resure.replay;

import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Does a trial's work on the threads of an executor, while the thread that asked reports progress.
 * What is asked for ends before the asking ends, whatever happens: no task outlives it, and what
 * tasks wrote is visible to the asking thread then.
 */
final class Crew {

  /** One of several like tasks; {@code worker} numbers those that run at a time, from 0. */
  interface Task {
    void run(int item, int worker);
  }

  private static final long REPORT_MILLIS = 50;

  private final Executor executor;
  private final Progress progress;

  /** Work done so far, in units of the caller's choice; any thread adds. */
  private final LongAdder done = new LongAdder();

  /** What ended the work; set once, and read by every worker between items. */
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

  private double whole = Double.POSITIVE_INFINITY;

  Crew(Executor executor, Progress progress) {
    this.executor = executor;
    this.progress = progress;
  }

  /** Says how many units all work has. */
  void expect(double units) {
    whole = units;
  }

  /** Adds to the work done. Any thread. */
  void did(long units) {
    done.add(units);
  }

  /** Whether a long task should return early. Any thread. */
  boolean stopped() {
    return failure.get() != null;
  }

  /** Reports how far it is. The asking thread only. */
  void report() {
    progress.at(Math.min(1, done.sum() / whole));
  }

  /**
   * Runs {@code items} tasks, at most {@code workers} at a time.
   *
   * @throws CancellationException when the progress threw it, or this thread was interrupted
   */
  void each(int items, int workers, Task task) {
    int hired = Math.min(items, workers);
    CountDownLatch running = new CountDownLatch(hired);
    AtomicInteger next = new AtomicInteger();
    for (int w = 0; w < hired; w++) {
      int worker = w;
      try {
        executor.execute(
            () -> {
              try {
                for (int item = next.getAndIncrement();
                    item < items && !stopped();
                    item = next.getAndIncrement()) {
                  task.run(item, worker);
                }
              } catch (RuntimeException | Error e) {
                failure.compareAndSet(null, e);
              } finally {
                running.countDown();
              }
            });
      } catch (RuntimeException e) {
        failure.compareAndSet(null, e);
        running.countDown();
      }
    }
    await(running);
    Throwable thrown = failure.get();
    if (thrown instanceof Error error) {
      throw error;
    }
    if (thrown instanceof RuntimeException exception) {
      throw exception;
    }
  }

  private void await(CountDownLatch running) {
    boolean interrupted = false;
    boolean ended = false;
    while (!ended) {
      try {
        ended = running.await(REPORT_MILLIS, TimeUnit.MILLISECONDS);
        if (!stopped()) {
          report();
        }
      } catch (InterruptedException e) {
        interrupted = true;
        failure.compareAndSet(null, new CancellationException("interrupted"));
      } catch (RuntimeException e) {
        failure.compareAndSet(null, e);
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
