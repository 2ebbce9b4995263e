package resure.client;

import java.util.concurrent.Future;
import java.util.function.LongSupplier;

/** The clock of a training run, and how its two threads wait. A test moves it by hand. */
interface Timeline {

  /** What work returns that waits for nothing but to be woken. */
  long FOREVER = Long.MAX_VALUE;

  /** Nanoseconds of a clock that only runs forwards; differences alone mean anything. */
  long nanoTime();

  /** Waits until a future is done, a time has come, or the waiting thread is interrupted. */
  void await(Future<?> done, long until);

  /**
   * Calls {@code work} on the sender's thread, again and again: after as many nanoseconds as it
   * returned, or as soon as it is woken.
   */
  void begin(LongSupplier work);

  /** Has the work called soon. */
  void wake();

  /** Calls the work no more; once this returns it is not running either. */
  void end();
}
