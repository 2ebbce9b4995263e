package resure.crash;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Strikes this and that, two at a time at most, and heals each after a while: all that there is, in
 * random order, then all of it again.
 */
final class Faults {

  /**
   * What can be done to something.
   *
   * @param victim to what; one fault at a time is done to it
   * @param name for people to read
   * @param strike does it
   * @param heal undoes it; it is over when all is well again
   * @param mostMillis longest time between the two
   */
  record Fault(String victim, String name, Runnable strike, Runnable heal, int mostMillis) {}

  private static final int AT_A_TIME = 2;
  private static final int MOST_BETWEEN_MILLIS = 1200;

  private final List<Fault> faults;
  private final Random random;

  /** What is not as it should be, by name. */
  private final Set<String> struck;

  private final Map<String, Integer> counts = new TreeMap<>();

  Faults(List<Fault> faults, Set<String> struck, long seed) {
    this.faults = faults;
    this.struck = struck;
    this.random = new Random(seed);
  }

  /** Strikes until the time is over; then all is healed. */
  void strike(Duration time) throws InterruptedException, ExecutionException {
    long start = System.nanoTime();
    List<Fault> left = new ArrayList<>();
    List<Future<?>> all = new ArrayList<>();
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      while (System.nanoTime() - start < time.toNanos()) {
        LockSupport.parkNanos(
            TimeUnit.MILLISECONDS.toNanos(1 + random.nextInt(MOST_BETWEEN_MILLIS)));
        if (left.isEmpty()) {
          left.addAll(faults);
          Collections.shuffle(left, random);
        }
        Set<String> busy = new HashSet<>(struck);
        Fault next =
            left.stream().filter(fault -> !busy.contains(fault.victim())).findFirst().orElse(null);
        if (busy.size() < AT_A_TIME && next != null) {
          left.remove(next);
          struck.add(next.victim());
          counts.merge(next.name(), 1, Integer::sum);
          long millis = 1 + random.nextInt(next.mostMillis());
          System.out.printf(
              "  %6.2f s: %s %s for %d ms%n",
              (System.nanoTime() - start) / 1e9, next.victim(), next.name(), millis);
          all.add(threads.submit(() -> doTo(next, millis)));
        }
      }
      for (Future<?> healed : all) {
        healed.get();
      }
    }
  }

  private void doTo(Fault fault, long millis) {
    fault.strike().run();
    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
    fault.heal().run();
    struck.remove(fault.victim());
  }

  /** How often each fault was there. */
  Map<String, Integer> counts() {
    return counts;
  }
}
