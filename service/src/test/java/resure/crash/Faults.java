package resure.crash;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Strikes this and that at random, two at a time at most, and heals each after a while. */
final class Faults {

  /**
   * What can be done to something.
   *
   * @param name for people to read
   * @param strike does it
   * @param heal undoes it; it is over when all is well again
   * @param mostMillis longest time between the two
   */
  record Fault(String name, Runnable strike, Runnable heal, int mostMillis) {}

  /** Something with what can be done to it, one at a time. */
  record Victim(String name, List<Fault> faults) {}

  private static final int AT_A_TIME = 2;
  private static final int MOST_BETWEEN_MILLIS = 1500;

  private final List<Victim> victims;
  private final Random random;
  private final Map<String, Integer> struck = new TreeMap<>();

  Faults(List<Victim> victims, long seed) {
    this.victims = victims;
    this.random = new Random(seed);
  }

  /** Strikes until the time is over; then all is healed. */
  void strike(Duration time) throws InterruptedException, ExecutionException {
    long start = System.nanoTime();
    Map<Victim, Future<?>> busy = new java.util.HashMap<>();
    List<Future<?>> all = new ArrayList<>();
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      while (System.nanoTime() - start < time.toNanos()) {
        LockSupport.parkNanos(
            TimeUnit.MILLISECONDS.toNanos(1 + random.nextInt(MOST_BETWEEN_MILLIS)));
        Victim victim = victims.get(random.nextInt(victims.size()));
        Fault fault = victim.faults().get(random.nextInt(victim.faults().size()));
        long millis = 1 + random.nextInt(fault.mostMillis());
        busy.values().removeIf(Future::isDone);
        if (busy.size() < AT_A_TIME && !busy.containsKey(victim)) {
          struck.merge(fault.name(), 1, Integer::sum);
          System.out.printf(
              "  %6.2f s: %s %s for %d ms%n",
              (System.nanoTime() - start) / 1e9, victim.name(), fault.name(), millis);
          Future<?> healing =
              threads.submit(
                  () -> {
                    fault.strike().run();
                    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
                    fault.heal().run();
                  });
          busy.put(victim, healing);
          all.add(healing);
        }
      }
      for (Future<?> healing : all) {
        healing.get();
      }
    }
  }

  /** How often each fault was there. */
  Map<String, Integer> struck() {
    return struck;
  }
}
