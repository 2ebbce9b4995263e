package resure.bench;

import com.zaxxer.hikari.HikariConfig;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import resure.journal.Append;
import resure.journal.Durability;
import resure.journal.Head;
import resure.journal.Incarnation;
import resure.journal.Journal;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.postgres.PostgresJournal;
import resure.observation.Retention;
import resure.observation.RunId;
import resure.weighting.Configuration;

/**
 * What the PostgreSQL store takes by itself: the groups that a service would append, each of one
 * batch to each of some runs, without HTTP, weighing and the client beside it.
 */
final class StoreAppends implements AutoCloseable {

  private final Journal journal;
  private final ExecutorService threads;
  private final List<JournalEntry.Batch> batches;
  private final boolean keys;
  private final List<List<RunKey>> runs = new ArrayList<>();
  private final Map<RunKey, Head> heads = new HashMap<>();

  /**
   * Makes the tables in an empty database, and the runs.
   *
   * @param writers how many append at the same time, each to runs of its own
   * @param batches what is appended, in turns
   * @param keys whether each has a key
   */
  StoreAppends(
      Postgres postgres,
      String database,
      int writers,
      List<JournalEntry.Batch> batches,
      boolean keys)
      throws JournalException {
    this.batches = batches;
    this.keys = keys;
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(postgres.url(database));
    config.setUsername("postgres");
    config.setPassword("postgres");
    journal = PostgresJournal.open(config, Durability.FSYNC);
    threads = Executors.newFixedThreadPool(writers);
    for (int i = 0; i < writers; i++) {
      runs.add(new ArrayList<>());
    }
  }

  private Head created(RunKey run) throws JournalException {
    JournalEntry created =
        new JournalEntry.Created(
            Instant.EPOCH, Configuration.DEFAULT, Map.of(), null, Retention.ALL);
    Head head = journal.append(List.of(new Append(run, Head.NONE, List.of(created)))).get(run);
    if (head == null) {
      throw new IllegalStateException(run + " is there");
    }
    return head;
  }

  /** Appends for a time, groups of so many runs; gives the batches a second. */
  double drive(int groupRuns, Duration time) throws InterruptedException, JournalException {
    for (int writer = 0; writer < runs.size(); writer++) {
      List<RunKey> own = runs.get(writer);
      while (own.size() < groupRuns) {
        RunId id = new RunId("default", "w%d-%d".formatted(writer, own.size()));
        RunKey run = new RunKey(id, Incarnation.next(0));
        own.add(run);
        heads.put(run, created(run));
      }
    }
    long start = System.nanoTime();
    long deadline = start + time.toNanos();
    List<Future<Map<RunKey, Head>>> ends = new ArrayList<>();
    long before = heads.values().stream().mapToLong(Head::sequence).sum();
    for (List<RunKey> own : runs) {
      List<RunKey> group = own.subList(0, groupRuns);
      Map<RunKey, Head> from = new HashMap<>(heads);
      ends.add(threads.submit(() -> append(group, from, deadline)));
    }
    try {
      for (Future<Map<RunKey, Head>> each : ends) {
        heads.putAll(each.get());
      }
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    }
    long appended = heads.values().stream().mapToLong(Head::sequence).sum() - before;
    return appended / ((System.nanoTime() - start) / 1e9);
  }

  private Map<RunKey, Head> append(List<RunKey> group, Map<RunKey, Head> from, long deadline)
      throws JournalException {
    Map<RunKey, Head> reached = new HashMap<>();
    group.forEach(run -> reached.put(run, from.get(run)));
    while (System.nanoTime() < deadline) {
      List<Append> appends = new ArrayList<>();
      for (RunKey run : group) {
        Head head = Objects.requireNonNull(reached.get(run));
        JournalEntry.Batch batch = batches.get((int) (head.sequence() % batches.size()));
        @Nullable String key = keys ? run.id().name() + "/" + head.sequence() : null;
        appends.add(
            new Append(
                run,
                head,
                List.of(new JournalEntry.Batch(batch.at(), key, batch.batch(), batch.weights()))));
      }
      Map<RunKey, Head> won = journal.append(appends);
      if (won.size() < group.size()) {
        throw new IllegalStateException("nobody else appends, and yet there was a conflict");
      }
      reached.putAll(won);
    }
    return reached;
  }

  @Override
  public void close() {
    threads.shutdown();
    journal.close();
  }
}
