package resure.client;

import java.util.Comparator;
import java.util.PriorityQueue;

/** A clock that stands until it is moved; what it was asked to do happens as it passes. */
final class HandTimer implements Timer {

  private record Task(long at, long order, Runnable run) {}

  private final PriorityQueue<Task> tasks =
      new PriorityQueue<>(Comparator.comparingLong(Task::at).thenComparingLong(Task::order));

  /** Not 0, and soon past the largest number: a clock may begin anywhere. */
  private long now = Long.MAX_VALUE - 1_000_000_000L;

  private long elapsed;
  private long order;

  @Override
  public long nanoTime() {
    return now + elapsed;
  }

  /** Since the beginning. */
  long elapsed() {
    return elapsed;
  }

  /** Tasks that wait. */
  int waiting() {
    return tasks.size();
  }

  @Override
  public Runnable after(long nanos, Runnable run) {
    Task task = new Task(elapsed + Math.max(0, nanos), order++, run);
    tasks.add(task);
    return () -> tasks.remove(task);
  }

  /** Moves to the next task and does it; false when there is none. */
  boolean step() {
    Task task = tasks.poll();
    if (task == null) {
      return false;
    }
    elapsed = Math.max(elapsed, task.at);
    task.run.run();
    return true;
  }
}
