package resure.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class CrewTest {

  private static final int WORKERS = 3;

  private final ExecutorService executor = Executors.newFixedThreadPool(WORKERS);
  private final AtomicInteger running = new AtomicInteger();
  private final AtomicInteger begun = new AtomicInteger();

  @AfterEach
  void stop() {
    executor.shutdownNow();
  }

  /** Ends only when it is told to. */
  private void untilStopped(Crew crew) {
    begun.incrementAndGet();
    running.incrementAndGet();
    while (!crew.stopped()) {
      Thread.onSpinWait();
    }
    running.decrementAndGet();
  }

  @Test
  void everyItemIsDoneOnceByAWorkerOfItsOwn() {
    AtomicIntegerArray done = new AtomicIntegerArray(1000);
    AtomicIntegerArray busy = new AtomicIntegerArray(WORKERS);
    Crew crew = new Crew(executor, fraction -> {});

    crew.each(
        1000,
        WORKERS,
        (item, worker) -> {
          assertThat(busy.incrementAndGet(worker)).isEqualTo(1);
          done.incrementAndGet(item);
          busy.decrementAndGet(worker);
        });
    crew.each(0, WORKERS, (item, worker) -> done.incrementAndGet(0));

    for (int item = 0; item < 1000; item++) {
      assertThat(done.get(item)).as("item %d", item).isEqualTo(1);
    }
  }

  @Test
  void aCancellationStopsTheItemsAtHandAndBeginsNoOthers() {
    Crew crew =
        new Crew(
            executor,
            fraction -> {
              throw new CancellationException("enough");
            });

    assertThatThrownBy(() -> crew.each(1000, WORKERS, (item, worker) -> untilStopped(crew)))
        .isInstanceOf(CancellationException.class)
        .hasMessage("enough");

    assertThat(running).hasValue(0);
    assertThat(begun.get()).isLessThanOrEqualTo(WORKERS);
  }

  @Test
  void theFailureOfOneStopsTheOthers() {
    Crew crew = new Crew(executor, fraction -> {});
    Crew.Task task =
        (item, worker) -> {
          if (item == 1) {
            throw new AssertionError("this one");
          }
          untilStopped(crew);
        };

    assertThatThrownBy(() -> crew.each(1000, WORKERS, task)).hasMessage("this one");

    assertThat(running).hasValue(0);
    assertThat(begun.get()).isLessThan(WORKERS);
  }

  @Test
  void progressIsReportedWhileALongTaskRuns() {
    List<Double> seen = new ArrayList<>();
    CountedProgress progress = new CountedProgress(seen);
    Crew crew = new Crew(executor, progress);
    crew.expect(10);
    crew.did(5);

    crew.each(
        1,
        1,
        (item, worker) -> {
          while (progress.calls.get() < 3) {
            Thread.onSpinWait();
          }
        });

    assertThat(seen).hasSizeGreaterThanOrEqualTo(3).containsOnly(0.5);
  }

  private static final class CountedProgress implements Progress {
    final AtomicInteger calls = new AtomicInteger();
    private final List<Double> seen;

    CountedProgress(List<Double> seen) {
      this.seen = seen;
    }

    @Override
    public void at(double fraction) {
      seen.add(fraction);
      calls.incrementAndGet();
    }
  }
}
