package resure.journal.postgres;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.zaxxer.hikari.HikariConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import resure.journal.Append;
import resure.journal.Durability;
import resure.journal.Entries;
import resure.journal.Exclusive;
import resure.journal.Head;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.JournalUnavailableException;
import resure.journal.OutcomeUnknownException;
import resure.journal.RunKey;
import resure.journal.StoredEntry;
import resure.journal.postgres.FaultProxy.Point;

/** Whatever happens between the service and its database is told right, and passes. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PostgresFaultsTest {

  /** Well below what a statement or a connection may take. */
  private static final Duration AT_ONCE = Duration.ofMillis(500);

  private final EmbeddedServer.Database database = EmbeddedServer.shared("18").newDatabase();
  private final FaultProxy proxy = new FaultProxy(EmbeddedServer.shared("18").port());
  private PostgresJournal journal;
  private RunKey run;

  @BeforeEach
  void open() throws Exception {
    journal = PostgresJournal.open(impatient(database.at(proxy.port())), Durability.FSYNC);
    run = Entries.run("run");
    Entries.append(journal, run, Entries.created());
  }

  /** As the service connects, but that the network is given up sooner. */
  private static HikariConfig impatient(EmbeddedServer.Database database) {
    HikariConfig config = database.config();
    config.setMaximumPoolSize(3);
    config.addDataSourceProperty("socketTimeout", "1");
    return config;
  }

  @AfterEach
  void close() {
    journal.close();
    proxy.close();
  }

  private static void awaitWell(PostgresJournal journal) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    Throwable fault;
    while ((fault = catchThrowable(journal::check)) != null) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("the database does not come back", fault);
      }
      Thread.onSpinWait();
    }
  }

  private static void assertRefusedAtOnce(ThrowingCallable call) {
    long start = System.nanoTime();
    assertThatThrownBy(call).isInstanceOf(JournalUnavailableException.class);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(AT_ONCE);
  }

  private void assertHolds(JournalEntry... expected) throws JournalException {
    List<StoredEntry> stored = journal.read(run, 1, Integer.MAX_VALUE);
    assertThat(stored).hasSize(expected.length);
    Head head = Head.NONE;
    for (int i = 0; i < expected.length; i++) {
      Entries.assertSame(stored.get(i).entry(), expected[i]);
      assertThat(stored.get(i).follows(head)).isTrue();
      head = stored.get(i).head();
    }
    assertThat(head).isEqualTo(journal.head(run));
  }

  @Test
  void aConnectionThatIsCutBeforeTheStatementArrivesHasWrittenNothing() throws Exception {
    JournalEntry.Batch batch = Entries.batch("cut-here", 0, 0);
    List<Append> group = List.of(Entries.next(journal, run, batch));
    proxy.cutAt(Point.BEFORE_STATEMENT, "cut-here");

    assertThatThrownBy(() -> journal.append(group)).isInstanceOf(OutcomeUnknownException.class);
    proxy.awaitCut();
    assertRefusedAtOnce(() -> journal.head(run));
    awaitWell(journal);
    assertThat(journal.find(run, "cut-here")).isZero();
    assertThat(journal.append(group)).containsOnlyKeys(run);
    assertHolds(Entries.created(), batch);
  }

  @Test
  void aConnectionThatIsCutWithTheCommitInFlightHasWrittenOnceAndTheSameAgainConflicts()
      throws Exception {
    JournalEntry.Batch batch = Entries.batch("cut-here", 0, 0);
    List<Append> group = List.of(Entries.next(journal, run, batch));
    proxy.cutAt(Point.AFTER_STATEMENT, "cut-here");

    assertThatThrownBy(() -> journal.append(group)).isInstanceOf(OutcomeUnknownException.class);
    proxy.awaitCut();
    awaitWell(journal);
    assertThat(journal.append(group)).isEmpty();
    assertThat(journal.find(run, "cut-here")).isEqualTo(2);
    Entries.append(journal, run, Entries.batch(null, 1, 0));
    assertHolds(Entries.created(), batch, Entries.batch(null, 1, 0));
  }

  @Test
  void aDatabaseThatIsGoneIsRefusedAtOnceAndIsThereAgainAfterTheCheck() throws Exception {
    Append append = Entries.next(journal, run, Entries.batch("k", 0, 0));
    proxy.refuse();

    assertThatThrownBy(() -> journal.append(List.of(append))).isInstanceOf(JournalException.class);
    for (ThrowingCallable call :
        List.<ThrowingCallable>of(
            () -> journal.append(List.of(append)),
            () -> journal.lookup(run.id()),
            () -> journal.read(run, 1, 1),
            () -> journal.exclusive(run, 1, 1).close())) {
      assertRefusedAtOnce(call);
    }
    assertThatThrownBy(journal::check).isInstanceOf(JournalUnavailableException.class);
    proxy.pass();
    awaitWell(journal);
    assertThat(journal.append(List.of(append))).containsOnlyKeys(run);
    assertHolds(Entries.created(), Entries.batch("k", 0, 0));
  }

  @Test
  void aDatabaseThatDoesNotAnswerIsGivenUpOnceAndNotByEveryCall() throws Exception {
    Append append = Entries.next(journal, run, Entries.batch("k", 0, 0));
    proxy.blackhole();

    assertThatThrownBy(() -> journal.append(List.of(append))).isInstanceOf(JournalException.class);
    assertRefusedAtOnce(() -> journal.append(List.of(append)));
    assertRefusedAtOnce(() -> journal.find(run, "k"));
    assertThatThrownBy(journal::check).isInstanceOf(JournalUnavailableException.class);
    proxy.pass();
    awaitWell(journal);
    assertThat(journal.append(List.of(append))).containsOnlyKeys(run);
    assertHolds(Entries.created(), Entries.batch("k", 0, 0));
  }

  @Test
  void aSlowNetworkIsOnlySlow() throws Exception {
    proxy.delay(20);

    Entries.append(journal, run, Entries.batch("k", 0, 0));
    journal.check();
    assertHolds(Entries.created(), Entries.batch("k", 0, 0));
  }

  @Test
  void connectionsThatTheServerEndsAreReplaced() throws Exception {
    EmbeddedServer.shared("18")
        .execute(
            "postgres",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s'"
                .formatted(database.name()));

    awaitWell(journal);
    // What the check did not use may still be an old one.
    for (int i = 0; i < 10; i++) {
      if (catchThrowable(() -> journal.head(run)) != null) {
        awaitWell(journal);
      }
    }
    Entries.append(journal, run, Entries.batch("k", 0, 0));
    assertHolds(Entries.created(), Entries.batch("k", 0, 0));
  }

  @Test
  void aDatabaseThatTakesNoWritesAnyMoreIsUnavailableUntilItDoes() throws Exception {
    Append append = Entries.next(journal, run, Entries.batch("k", 0, 0));
    EmbeddedServer server = EmbeddedServer.shared("18");
    server.execute(
        "postgres",
        "ALTER DATABASE %s SET default_transaction_read_only = on".formatted(database.name()));
    proxy.cutAll();

    assertThat(catchThrowable(journal::check)).isInstanceOf(JournalException.class);
    Throwable refused = catchThrowable(() -> journal.append(List.of(append)));
    assertThat(refused).isInstanceOf(JournalException.class);
    assertThatThrownBy(journal::check)
        .isInstanceOf(JournalUnavailableException.class)
        .hasMessageContaining("takes no writes");
    server.execute(
        "postgres",
        "ALTER DATABASE %s RESET default_transaction_read_only".formatted(database.name()));
    awaitWell(journal);
    assertThat(journal.append(List.of(append))).containsOnlyKeys(run);
  }

  @Test
  void aStatementThatTheServerGivesUpHasWrittenNothingAndClosesNothing() throws Exception {
    HikariConfig config = database.config();
    config.setConnectionInitSql("SET lock_timeout = 50");
    try (PostgresJournal other = PostgresJournal.open(config, Durability.FSYNC);
        Exclusive held = journal.exclusive(run, 1, 1)) {
      Append append = Entries.next(other, run, Entries.batch("k", 0, 0));

      assertThatThrownBy(() -> other.append(List.of(append)))
          .isInstanceOf(JournalUnavailableException.class);
      assertThat(other.head(run)).isEqualTo(append.after());
      assertThat(held.append(append)).containsOnlyKeys(run);
    }
  }

  @Test
  void aProcessThatStandsStillWithARunForItselfKeepsItForSecondsOnly() throws Exception {
    HikariConfig config = database.config();
    config.setMaximumPoolSize(3);
    try (PostgresJournal standing = PostgresJournal.open(config, Durability.FSYNC)) {
      Append theirs = Entries.next(standing, run, Entries.batch("still", 0, 0));
      try (Exclusive held = standing.exclusive(run, 1, 1)) {
        long start = System.nanoTime();
        // Waits for the row, which the server takes away from who does not move.
        PostgresJournal mine = journal;
        assertThatCode(
                () -> {
                  try (PostgresJournal patient =
                      PostgresJournal.open(database.config(), Durability.FSYNC)) {
                    Entries.append(patient, run, Entries.batch("mine", 0, 0));
                  }
                })
            .doesNotThrowAnyException();
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
        assertThatThrownBy(() -> held.append(theirs))
            .isInstanceOf(JournalUnavailableException.class);
        assertThat(mine.find(run, "still")).isZero();
      }
      awaitWell(standing);
      assertThat(standing.append(List.of(theirs))).isEmpty();
    }
    assertHolds(Entries.created(), Entries.batch("mine", 0, 0));
  }

  @Test
  void aServerThatStoodStillMayCommitLateWhichHarmsNothing() throws Exception {
    try (EmbeddedServer server = EmbeddedServer.own("18", Map.of());
        PostgresJournal paused =
            PostgresJournal.open(impatient(server.newDatabase()), Durability.FSYNC)) {
      Entries.append(paused, run, Entries.created());
      for (int round = 0; round < 3; round++) {
        String key = "late-" + round;
        Append late = Entries.next(paused, run, Entries.batch(key, round, 0));
        server.pause();
        assertThatThrownBy(() -> paused.append(List.of(late))).isInstanceOf(JournalException.class);
        server.resume();
        awaitWell(paused);
        // The run is read again, and appended to, while the server may still be at the late one.
        Map<RunKey, Head> next;
        do {
          next =
              paused.append(
                  List.of(Entries.next(paused, run, Entries.batch("next-" + round, round, 1))));
        } while (next.isEmpty() && paused.find(run, "next-" + round) == 0);
        assertThat(paused.append(List.of(late))).isEmpty();
      }
      List<StoredEntry> stored = paused.read(run, 1, Integer.MAX_VALUE);
      Head head = Head.NONE;
      for (StoredEntry entry : stored) {
        assertThat(entry.follows(head)).isTrue();
        head = entry.head();
      }
      assertThat(head).isEqualTo(paused.head(run));
      assertThat(
              stored.stream()
                  .map(StoredEntry::entry)
                  .filter(JournalEntry.Batch.class::isInstance)
                  .map(entry -> String.valueOf(((JournalEntry.Batch) entry).key())))
          .doesNotHaveDuplicates()
          .contains("next-0", "next-1", "next-2");
    }
  }

  @Test
  void aServerThatIsStoppedAndStartedIsUsedAgain() throws Exception {
    try (EmbeddedServer server = EmbeddedServer.own("17", Map.of());
        PostgresJournal stopped =
            PostgresJournal.open(impatient(server.newDatabase()), Durability.FSYNC)) {
      Entries.append(stopped, run, Entries.created());
      Append append = Entries.next(stopped, run, Entries.batch("k", 0, 0));
      server.stop();

      assertThatThrownBy(() -> stopped.append(List.of(append)))
          .isInstanceOf(JournalException.class);
      assertThatThrownBy(stopped::check).isInstanceOf(JournalUnavailableException.class);
      assertRefusedAtOnce(() -> stopped.append(List.of(append)));
      server.start();
      awaitWell(stopped);
      assertThat(stopped.append(List.of(append))).containsOnlyKeys(run);
      assertThat(stopped.find(run, "k")).isEqualTo(2);
    }
  }

  private static boolean runs(String... command) throws Exception {
    return new ProcessBuilder(command).start().waitFor() == 0;
  }

  @Test
  void aFullDiskRefusesWhatIsWrittenAndNothingElseUntilThereIsRoom() throws Exception {
    try (EmbeddedServer server = EmbeddedServer.own("18", Map.of())) {
      Path small = Files.createDirectory(server.directory().resolve("small"));
      String mount = small.toString();
      assumeTrue(
          runs("mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs", mount),
          "the full disk is not tested: only root may mount a small one");
      try {
        EmbeddedServer.Database full = server.newDatabase();
        server.execute("postgres", "CREATE TABLESPACE small LOCATION '%s'".formatted(mount));
        server.execute("postgres", "ALTER DATABASE %s SET TABLESPACE small".formatted(full.name()));
        try (PostgresJournal filling = PostgresJournal.open(full.config(), Durability.FSYNC)) {
          Entries.append(filling, run, Entries.created());
          Random random = new Random(1);
          List<Append> refused = null;
          Throwable fault = null;
          for (int step = 0; fault == null && step < 1000; step++) {
            List<Append> group =
                List.of(
                    Entries.next(filling, run, Entries.batch(random, "k" + step, step, 2048, 8)));
            refused = group;
            fault = catchThrowable(() -> filling.append(group));
          }
          assertThat(fault)
              .isInstanceOf(JournalUnavailableException.class)
              .hasMessageContaining("No space left");

          filling.check();
          Head head = requireNonNull(filling.head(run));
          assertThat(head).isEqualTo(requireNonNull(refused).getFirst().after());
          assertThat(filling.read(run, head.sequence(), 1)).hasSize(1);
          assertThat(runs("mount", "-o", "remount,size=96m", mount)).isTrue();
          assertThat(filling.append(refused)).containsOnlyKeys(run);
        }
        server.execute("postgres", "DROP DATABASE " + full.name());
        server.execute("postgres", "DROP TABLESPACE small");
      } finally {
        runs("umount", mount);
      }
    }
  }

  @Test
  void manyWritersComeThroughConnectionsThatAreCutAgainAndAgain() throws Exception {
    int writers = 3;
    int cuts = 12;
    AtomicInteger appended = new AtomicInteger();
    AtomicBoolean enough = new AtomicBoolean();
    try (ExecutorService threads = Executors.newFixedThreadPool(writers)) {
      List<Future<RunKey>> done =
          IntStream.range(0, writers)
              .mapToObj(writer -> threads.submit(() -> write("writer-" + writer, appended, enough)))
              .toList();
      try {
        for (int cut = 0; cut < cuts; cut++) {
          int before = appended.get();
          while (appended.get() < before + 10 && done.stream().noneMatch(Future::isDone)) {
            Thread.onSpinWait();
          }
          proxy.cutAll();
          awaitWell(journal);
        }
      } finally {
        enough.set(true);
      }
      for (Future<RunKey> each : done) {
        run = each.get(60, TimeUnit.SECONDS);
        awaitWell(journal);
        List<StoredEntry> stored = journal.read(run, 1, Integer.MAX_VALUE);
        JournalEntry[] expected = new JournalEntry[stored.size()];
        for (int i = 0; i < expected.length; i++) {
          expected[i] = i == 0 ? Entries.created() : Entries.batch("k" + (i + 1), i + 1, 0);
        }
        assertHolds(expected);
      }
    }
  }

  /** Appends as the service does: after a failure the run is read again before it goes on. */
  private RunKey write(String name, AtomicInteger appended, AtomicBoolean enough) {
    RunKey own = Entries.run(name);
    while (!enough.get()) {
      try {
        Head head = journal.head(own);
        long next = head == null ? 1 : head.sequence() + 1;
        JournalEntry entry = head == null ? Entries.created() : Entries.batch("k" + next, next, 0);
        journal.append(List.of(new Append(own, head == null ? Head.NONE : head, List.of(entry))));
        appended.incrementAndGet();
      } catch (JournalException e) {
        Thread.onSpinWait();
      }
    }
    return own;
  }
}
