package resure.client;

import java.time.Duration;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.concurrent.Future;
import java.util.function.LongSupplier;

/**
 * A clock that moves from event to event while somebody waits: the sender's work, and what others
 * have put down for a time, run on the waiting thread in order of their time.
 */
final class SimulatedTime implements Timeline {

  private record Event(long at, long order, Runnable task) {}

  private final PriorityQueue<Event> events =
      new PriorityQueue<>(Comparator.comparingLong(Event::at).thenComparingLong(Event::order));
  // Not 0: nothing may depend on where the clock begins, nor on its sign.
  private long now = Long.MAX_VALUE - Duration.ofSeconds(3).toNanos();
  private final long start = now;
  private long order;
  private LongSupplier work = () -> FOREVER;
  private long workIn = FOREVER;
  private long workAsked;
  boolean ended;

  /** Times that the sender was called. */
  int works;

  @Override
  public long nanoTime() {
    return now;
  }

  /** Time since the beginning. */
  Duration elapsed() {
    return Duration.ofNanos(now - start);
  }

  void after(Duration delay, Runnable task) {
    events.add(new Event(now - start + delay.toNanos(), order++, task));
  }

  void pass(Duration duration) {
    advance(now - start + duration.toNanos(), () -> false);
  }

  @Override
  public void await(Future<?> done, long until) {
    advance(until - start, done::isDone);
  }

  private void advance(long until, java.util.function.BooleanSupplier enough) {
    while (!enough.getAsBoolean()) {
      long elapsed = now - start;
      long workAt = workIn == FOREVER ? FOREVER : workAsked + workIn;
      long eventAt = events.isEmpty() ? FOREVER : events.peek().at();
      if (Math.min(workAt, eventAt) > until) {
        now = start + Math.max(until, elapsed);
        return;
      }
      now = start + Math.max(elapsed, Math.min(workAt, eventAt));
      if (workAt <= eventAt) {
        workIn = FOREVER;
        workAsked = now - start;
        works++;
        // Woken during its work, it works again: the wake has set this.
        long wait = work.getAsLong();
        workIn = workIn == 0 ? 0 : wait;
        workAsked = now - start;
      } else {
        events.remove().task().run();
      }
    }
  }

  @Override
  public void begin(LongSupplier newWork) {
    work = newWork;
    wake();
  }

  @Override
  public void wake() {
    workIn = 0;
    workAsked = now - start;
  }

  @Override
  public void end() {
    ended = true;
    work = () -> FOREVER;
  }
}
