package resure.access;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class RateTest {

  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  @Property(tries = 200)
  void inNoTimeAreMoreAdmittedThanTheBurstAndTheRate(
      @ForAll @IntRange(min = 1, max = 1_000_000) int perSecond, @ForAll long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Rate rate = new Rate(perSecond);
    AtomicLong due = new AtomicLong();
    List<Long> admitted = new ArrayList<>();
    long interval = SECOND / perSecond;
    long now = 0;
    for (int i = 0; i < 300; i++) {
      now += random.nextInt(4) == 0 ? random.nextLong(3 * interval + 1) : 0;
      if (rate.take(due, now) == 0) {
        admitted.add(now);
      }
    }
    long burst = 10 * SECOND / interval;
    for (int first = 0; first < admitted.size(); first++) {
      for (int last = first; last < admitted.size(); last++) {
        long time = admitted.get(last) - admitted.get(first);
        assertThat((long) last - first + 1).isLessThanOrEqualTo(burst + time / interval);
      }
    }
  }

  @Property(tries = 200)
  void whoIsToldToWaitIsAdmittedThenAndNotSooner(
      @ForAll @IntRange(min = 1, max = 1000) int perSecond, @ForAll long seed) {
    long start = seed >>> 8;
    Rate rate = new Rate(perSecond);
    AtomicLong due = new AtomicLong();
    while (rate.take(due, start) == 0) {
      // The burst.
    }
    long wait = rate.take(due, start);
    long before = due.get();
    assertThat(rate.take(due, start + wait - 1)).isEqualTo(1);
    assertThat(due).as("a refusal takes nothing").hasValue(before);
    assertThat(rate.take(due, start + wait)).isZero();
  }

  @Property(tries = 100)
  void whoKeepsToTheRateIsNeverRefused(@ForAll @IntRange(min = 1, max = 1_000_000) int perSecond) {
    Rate rate = new Rate(perSecond);
    AtomicLong due = new AtomicLong();
    for (long i = 0; i < 1000; i++) {
      assertThat(rate.take(due, i * SECOND / perSecond + 1)).isZero();
    }
  }

  @Example
  void ofManyAtOnceExactlyTheBurstIsAdmitted() throws InterruptedException {
    Rate rate = new Rate(100);
    AtomicLong due = new AtomicLong();
    AtomicInteger admitted = new AtomicInteger();
    CountDownLatch go = new CountDownLatch(1);
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      threads.add(
          Thread.startVirtualThread(
              () -> {
                try {
                  go.await();
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
                for (int n = 0; n < 1000; n++) {
                  if (rate.take(due, 7) == 0) {
                    admitted.incrementAndGet();
                  }
                }
              }));
    }
    go.countDown();
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(admitted).hasValue(1000);
  }
}
