package resure.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ConnectException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import resure.contract.Answer;
import resure.journal.Durability;
import resure.journal.Journal;
import resure.journal.RunKey;
import resure.journal.Snapshot;
import resure.journal.rocksdb.RocksDbJournal;
import resure.observation.RunId;

/** SIGTERM while the packaged service is busy. */
@Timeout(value = 10 * 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class StopIT {

  private static final int CONNECTIONS = 16;
  private static final int RUNS = 4;
  private static final int BATCHES_BEFORE = 600;
  private static final Duration STOP = Duration.ofSeconds(25);

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  private Path temporary;

  private final Queue<SentBatch> answered = new ConcurrentLinkedQueue<>();
  private final Queue<SentBatch> refused = new ConcurrentLinkedQueue<>();
  private final Queue<SentBatch> unanswered = new ConcurrentLinkedQueue<>();
  private final AtomicLong steps = new AtomicLong();

  private static String path(int run) {
    return "/v1/runs/run-" + run;
  }

  @Test
  void everyRequestIsAnsweredOrRefusedAndWhatWasAnsweredIsThere() throws Exception {
    Path state = temporary.resolve("state");
    List<Integer> readiness = new ArrayList<>();
    try (ServiceProcess service = ServiceProcess.start(state, Map.of());
        ExecutorService threads = Executors.newCachedThreadPool()) {
      for (int run = 0; run < RUNS; run++) {
        assertThat(service.send("PUT", path(run), "{\"lag\":16}").status()).isEqualTo(201);
      }
      List<Future<?>> clients = new ArrayList<>();
      for (int i = 0; i < CONNECTIONS; i++) {
        int number = i;
        clients.add(threads.submit(() -> post(service.port(), number)));
      }
      service.await(
          "answers",
          Duration.ofSeconds(120),
          () -> answered.size() > BATCHES_BEFORE || clients.stream().anyMatch(Future::isDone));
      assertThat(service.readiness()).isEqualTo(200);

      service.terminate();
      long start = System.nanoTime();
      service.await(
          "the end",
          STOP,
          () -> {
            readiness.add(service.readiness());
            return !service.alive();
          });
      System.out.printf(
          "stopped after %d ms: %d answered, %d refused, %d without answer; readiness %s%n",
          (System.nanoTime() - start) / 1_000_000,
          answered.size(),
          refused.size(),
          unanswered.size(),
          readiness.stream().distinct().toList());
      assertThat(service.exitStatus(STOP)).isIn(0, 143);
      for (Future<?> client : clients) {
        client.get();
      }
    }
    // Once down, never up again.
    assertThat(readiness.stream().dropWhile(status -> status == 200))
        .isNotEmpty()
        .doesNotContain(200);

    requireSnapshots(state);
    try (ServiceProcess service = ServiceProcess.start(state, Map.of())) {
      requireAnswered(service);
    }
  }

  /** Posts to all runs until nobody listens any more. */
  private Void post(int port, int number) throws IOException {
    Random random = new Random(number);
    for (int i = 0; ; ) {
      try (RawConnection connection = new RawConnection(port)) {
        Answer answer;
        do {
          int run = i++ % RUNS;
          long step = steps.incrementAndGet();
          String id = run + "-" + number + "-" + i;
          SentBatch batch = new SentBatch(id, id, step, number, 0, null, random);
          answer = connection.post(path(run), batch);
          if (answer == null) {
            unanswered.add(batch);
          } else if (answer.status() == 200) {
            batch.answered(answer);
            answered.add(batch);
          } else {
            assertThat(answer.outcome()).isEqualTo("503 store-unavailable");
            refused.add(batch);
          }
        } while (answer != null && !answer.header("Connection").equalsIgnoreCase("close"));
      } catch (ConnectException e) {
        return null;
      }
    }
  }

  private static void requireSnapshots(Path state) throws Exception {
    try (Journal journal = RocksDbJournal.open(state, Durability.FSYNC)) {
      for (int run = 0; run < RUNS; run++) {
        RunKey key = journal.lookup(new RunId(RunId.DEFAULT_TENANT, "run-" + run));
        Snapshot newest = journal.snapshot(key, Long.MAX_VALUE);
        assertThat(newest).isNotNull();
        assertThat(journal.read(key, newest.sequence() + 1, 1)).isEmpty();
      }
    }
  }

  private void requireAnswered(ServiceProcess service) {
    for (int run = 0; run < RUNS; run++) {
      String prefix = run + "-";
      Map<Long, List<String>> there =
          service
              .get(path(run) + "/observations")
              .text()
              .lines()
              .collect(Collectors.groupingBy(SentBatch::sequenceOf));
      for (SentBatch batch : answered) {
        if (batch.key().startsWith(prefix)) {
          List<String> lines = there.remove(batch.sequence());
          assertThat(lines).as(batch::toString).isNotNull();
          batch.exported(batch.sequence(), lines);
        }
      }
      // What was taken is answered, also at the very end.
      assertThat(there).isEmpty();
    }
  }
}
