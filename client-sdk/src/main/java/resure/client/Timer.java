package resure.client;

import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Time as calls know it. Tests move it by hand. */
interface Timer {

  /** Nanoseconds of a clock that only runs forwards; differences alone mean anything. */
  long nanoTime();

  /** Runs a task after a delay; running what is returned calls that off. */
  Runnable after(long nanos, Runnable task);

  /** By the system's clock. The scheduler has one thread, so the tasks run on others. */
  static Timer of(ScheduledThreadPoolExecutor scheduler, Executor executor) {
    return new Timer() {
      @Override
      public long nanoTime() {
        return System.nanoTime();
      }

      @Override
      public Runnable after(long nanos, Runnable task) {
        ScheduledFuture<?> scheduled =
            scheduler.schedule(
                () -> executor.execute(task), Math.max(0, nanos), TimeUnit.NANOSECONDS);
        return () -> scheduled.cancel(false);
      }
    };
  }
}
