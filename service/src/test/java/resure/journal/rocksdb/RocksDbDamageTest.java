package resure.journal.rocksdb;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.rocksdb.WriteBatch;
import resure.journal.CorruptJournalException;
import resure.journal.Document;
import resure.journal.DocumentKind;
import resure.journal.Durability;
import resure.journal.Entries;
import resure.journal.Head;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.Snapshot;
import resure.journal.StoredEntry;

/** What becomes of a state directory that is damaged. */
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RocksDbDamageTest {

  private static final long SEED = 20_260_131;

  @TempDir private Path temporary;

  /** A state directory with tables, blob files and a log, and what was appended to it. */
  private static final class Victim {
    final Path directory;
    final RunKey run = Entries.run("victim");
    final List<JournalEntry> entries = new ArrayList<>();
    private final List<Head> heads = new ArrayList<>();

    Victim(Path directory) throws JournalException {
      this.directory = directory;
      Random random = new Random(SEED);
      // Opening again moves what is in the log to tables: both are there at the end.
      for (int round = 0; round < 3; round++) {
        try (RocksDbJournal journal = RocksDbJournal.open(directory, Durability.FSYNC)) {
          if (round == 0) {
            append(journal, Entries.created());
          }
          for (int i = 0; i < 6; i++) {
            long step = entries.size();
            append(journal, Entries.batch(random, "key-" + step, step, 4, 8));
          }
          for (Head head : heads.subList(heads.size() - 3, heads.size())) {
            journal.save(run, new Snapshot(head, state(head.sequence())));
          }
        }
      }
    }

    private void append(RocksDbJournal journal, JournalEntry entry) throws JournalException {
      entries.add(entry);
      heads.add(Entries.append(journal, run, entry));
    }

    static byte[] state(long sequence) {
      byte[] state = new byte[300];
      Arrays.fill(state, (byte) sequence);
      return state;
    }

    /**
     * Opens and reads everything; each must be refused, or be what was written.
     *
     * @return whether something was refused
     */
    boolean refusesOrIsWhole(Path damaged) {
      boolean refused = false;
      try (RocksDbJournal journal = RocksDbJournal.open(damaged, Durability.FSYNC)) {
        try {
          List<StoredEntry> stored = journal.read(run, 1, Integer.MAX_VALUE);
          assertThat(stored).hasSameSizeAs(entries);
          for (int i = 0; i < stored.size(); i++) {
            Entries.assertSame(stored.get(i).entry(), entries.get(i));
          }
        } catch (CorruptJournalException e) {
          refused = true;
        }
        for (int i = 1; i < entries.size(); i++) {
          try {
            assertThat(journal.find(run, "key-" + i)).isEqualTo(i + 1);
          } catch (CorruptJournalException e) {
            refused = true;
          }
        }
        try {
          assertThat(journal.lookup(run.id())).isEqualTo(run);
          assertThat(journal.list("default", null, 10)).containsExactly(run);
        } catch (CorruptJournalException e) {
          refused = true;
        }
        Snapshot snapshot = journal.snapshot(run, Long.MAX_VALUE);
        if (snapshot != null) {
          assertThat(snapshot.state()).isEqualTo(state(snapshot.sequence()));
        }
      } catch (JournalException e) {
        assertThat(e).hasMessageContaining(damaged.toString());
        refused = true;
      }
      return refused;
    }
  }

  private static List<Path> files(Path directory) throws IOException {
    try (Stream<Path> all = Files.walk(directory)) {
      return all.filter(Files::isRegularFile).map(directory::relativize).sorted().toList();
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    delete(to);
    try (Stream<Path> all = Files.walk(from)) {
      for (Path path : all.toList()) {
        Files.copy(path, to.resolve(from.relativize(path)));
      }
    }
  }

  private static void delete(Path directory) throws IOException {
    if (Files.exists(directory)) {
      try (Stream<Path> all = Files.walk(directory)) {
        for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(path);
        }
      }
    }
  }

  @Test
  void aFlippedByteInAnyFileIsFoundOrDoesNoHarm() throws Exception {
    Victim victim = new Victim(temporary.resolve("state"));
    Path damaged = temporary.resolve("damaged");
    Random random = new Random(SEED);
    int refused = 0;
    for (Path file : files(victim.directory)) {
      long size = Files.size(victim.directory.resolve(file));
      for (int i = 0; i < 12 && size > 0; i++) {
        // The beginning and the end of a file are its most delicate parts.
        long at =
            switch (i) {
              case 0 -> 0;
              case 1 -> size - 1;
              case 2 -> Math.min(size - 1, 5);
              default -> random.nextLong(size);
            };
        int flip = 1 + random.nextInt(255);
        copy(victim.directory, damaged);
        byte[] bytes = Files.readAllBytes(damaged.resolve(file));
        bytes[(int) at] ^= (byte) flip;
        Files.write(damaged.resolve(file), bytes);
        try {
          refused += victim.refusesOrIsWhole(damaged) ? 1 : 0;
        } catch (Exception | AssertionError e) {
          fail("byte %d of %d of %s ^ %d, seed %d".formatted(at, size, file, flip, SEED), e);
        }
      }
    }
    assertThat(refused).as("damages that mattered").isGreaterThan(20);
  }

  @Test
  void aTruncatedFileIsFoundOrDoesNoHarm() throws Exception {
    Victim victim = new Victim(temporary.resolve("state"));
    Path damaged = temporary.resolve("damaged");
    Random random = new Random(SEED);
    int refused = 0;
    for (Path file : files(victim.directory)) {
      long size = Files.size(victim.directory.resolve(file));
      for (int i = 0; i < 4 && size > 0; i++) {
        long left = i == 0 ? 0 : i == 1 ? size - 1 : random.nextLong(size);
        copy(victim.directory, damaged);
        try (var channel = Files.newByteChannel(damaged.resolve(file), StandardOpenOption.WRITE)) {
          channel.truncate(left);
        }
        try {
          refused += victim.refusesOrIsWhole(damaged) ? 1 : 0;
        } catch (Exception | AssertionError e) {
          fail("%d of %d bytes of %s left, seed %d".formatted(left, size, file, SEED), e);
        }
      }
    }
    assertThat(refused).as("damages that mattered").isGreaterThan(10);
  }

  @Test
  void aMissingFileOfTheDatabaseIsFoundOrDoesNoHarm() throws Exception {
    Victim victim = new Victim(temporary.resolve("state"));
    Path damaged = temporary.resolve("damaged");
    for (Path file : files(victim.directory)) {
      copy(victim.directory, damaged);
      Files.delete(damaged.resolve(file));
      try {
        victim.refusesOrIsWhole(damaged);
      } catch (Exception | AssertionError e) {
        fail("without %s, seed %d".formatted(file, SEED), e);
      }
    }
  }

  /** A directory as kill -9 leaves it: copied while nothing is being written. */
  private Path killed(RocksDbJournal open, Path directory, String name) throws IOException {
    assertThat(open).isNotNull();
    Path copy = temporary.resolve(name);
    while (true) {
      try {
        copy(directory, copy);
        return copy;
      } catch (NoSuchFileException | UncheckedIOException e) {
        // The store still removes files that it needs no more; such a copy is no instant's.
      }
    }
  }

  private static Path newestLog(Path directory) throws IOException {
    List<Path> logs =
        files(directory).stream().filter(file -> file.toString().endsWith(".log")).toList();
    return directory.resolve(logs.getLast());
  }

  private static void truncate(Path file, long length) throws IOException {
    try (var channel = Files.newByteChannel(file, StandardOpenOption.WRITE)) {
      channel.truncate(length);
    }
  }

  @Test
  void aTornTailOfTheLogDropsAtMostTheUnansweredLastGroup() throws Exception {
    Path directory = temporary.resolve("state");
    RunKey run = Entries.run("torn");
    Path answered;
    Path unanswered;
    try (RocksDbJournal journal = RocksDbJournal.open(directory, Durability.FSYNC)) {
      Entries.append(journal, run, Entries.created());
      Entries.append(journal, run, Entries.batch("answered", 0, 0));
      answered = killed(journal, directory, "answered");
      Entries.append(journal, run, Entries.batch("torn-1", 1, 0), Entries.batch("torn-2", 1, 1));
      unanswered = killed(journal, directory, "unanswered");
    }
    long answeredBytes = Files.size(newestLog(answered));
    long allBytes = Files.size(newestLog(unanswered));
    assertThat(allBytes).isGreaterThan(answeredBytes);
    Path torn = temporary.resolve("torn");
    for (long left = answeredBytes; left <= allBytes; left += 13) {
      copy(unanswered, torn);
      // Killed after the write and before the watermark.
      Files.copy(
          answered.resolve("watermark"),
          torn.resolve("watermark"),
          StandardCopyOption.REPLACE_EXISTING);
      truncate(newestLog(torn), left);
      try (RocksDbJournal journal = RocksDbJournal.open(torn, Durability.FSYNC)) {
        assertThat(journal.read(run, 1, Integer.MAX_VALUE)).as("%d bytes", left).hasSize(2);
        assertThat(journal.find(run, "answered")).isEqualTo(2);
        assertThat(journal.find(run, "torn-1")).isZero();
      }
    }
    try (RocksDbJournal journal = RocksDbJournal.open(unanswered, Durability.FSYNC)) {
      assertThat(journal.read(run, 1, Integer.MAX_VALUE)).hasSize(4);
      assertThat(journal.find(run, "torn-2")).isEqualTo(4);
    }
  }

  @Test
  void aTailThatWasAnsweredMayNotBeMissing() throws Exception {
    Path directory = temporary.resolve("state");
    RunKey run = Entries.run("cut");
    Path killed;
    try (RocksDbJournal journal = RocksDbJournal.open(directory, Durability.OS)) {
      Entries.append(journal, run, Entries.created());
      Entries.append(journal, run, Entries.batch("answered", 0, 0));
      killed = killed(journal, directory, "killed");
    }
    truncate(newestLog(killed), Files.size(newestLog(killed)) - 1);

    for (int attempt = 0; attempt < 2; attempt++) {
      assertThatThrownBy(() -> RocksDbJournal.open(killed, Durability.OS))
          .isInstanceOf(CorruptJournalException.class)
          .hasMessageContaining(killed.toString())
          .hasMessageContaining("watermark");
    }
    Files.delete(killed.resolve("watermark"));
    try (RocksDbJournal journal = RocksDbJournal.open(killed, Durability.OS)) {
      assertThat(journal.read(run, 1, Integer.MAX_VALUE)).hasSize(1);
    }
  }

  @Test
  void aDamagedSnapshotIsSkippedForAnOlderOne() throws Exception {
    Path directory = temporary.resolve("state");
    RunKey run = Entries.run("snapshots");
    try (RocksDbJournal journal = RocksDbJournal.open(directory, Durability.FSYNC)) {
      Head head = Entries.append(journal, run, Entries.created());
      journal.save(run, new Snapshot(head, Victim.state(1)));
    }
    try (Database database =
            new Database(directory.resolve("journal"), Durability.FSYNC, false, false);
        WriteBatch batch = new WriteBatch()) {
      byte[] key = Rows.at(Rows.run(run), 7);
      byte[] value = Rows.checked(key, Victim.state(7));
      value[100] ^= 1;
      batch.put(database.handle(Database.Family.SNAPSHOTS), key, value);
      database.write(batch);
    }
    try (RocksDbJournal journal = RocksDbJournal.open(directory, Durability.FSYNC)) {
      Snapshot snapshot = requireNonNull(journal.snapshot(run, 100));
      assertThat(snapshot.sequence()).isEqualTo(1);
      assertThat(snapshot.state()).isEqualTo(Victim.state(1));
    }
  }

  @Test
  void aMissingEntryIsFoundWhenItIsReadAndOtherRunsAreUnharmed() throws Exception {
    Path directory = temporary.resolve("state");
    RunKey run = Entries.run("gap");
    RunKey other = Entries.run("other");
    try (RocksDbJournal journal = RocksDbJournal.open(directory, Durability.FSYNC)) {
      for (RunKey each : List.of(run, other)) {
        Entries.append(journal, each, Entries.created());
        Entries.append(journal, each, Entries.batch("k", 0, 0));
        Entries.append(journal, each, Entries.batch("l", 1, 0));
      }
    }
    try (Database database =
            new Database(directory.resolve("journal"), Durability.FSYNC, false, false);
        WriteBatch batch = new WriteBatch()) {
      batch.delete(database.handle(Database.Family.ENTRIES), Rows.at(Rows.run(run), 2));
      database.write(batch);
    }
    try (RocksDbJournal journal = RocksDbJournal.open(directory, Durability.FSYNC)) {
      assertThatThrownBy(() -> journal.read(run, 1, Integer.MAX_VALUE))
          .isInstanceOf(CorruptJournalException.class)
          .hasMessageContaining("entry 2 of " + run.incarnation());
      assertThat(journal.read(other, 1, Integer.MAX_VALUE)).hasSize(3);
    }
  }

  @Test
  void aDamagedDocumentIsFoundWhenItIsReadAndOthersAreUnharmed() throws Exception {
    Path directory = temporary.resolve("state");
    RunKey run = Entries.run("documents");
    Document whole = new Document(run, DocumentKind.REPLAY, "1");
    Document damaged = new Document(run, DocumentKind.REPLAY, "2");
    Document misplaced = new Document(run, DocumentKind.REPLAY, "3");
    try (RocksDbJournal journal = RocksDbJournal.open(directory, Durability.FSYNC)) {
      Entries.append(journal, run, Entries.created());
      assertThat(journal.keep(whole, new byte[] {1, 2, 3})).isTrue();
    }
    try (Database database =
            new Database(directory.resolve("journal"), Durability.FSYNC, false, false);
        WriteBatch batch = new WriteBatch()) {
      byte[] key = Rows.document(damaged);
      byte[] value = Rows.checked(key, new byte[] {1, 2, 3});
      value[5] ^= 1;
      batch.put(database.handle(Database.Family.DOCUMENTS), key, value);
      byte[] ofAnother = Rows.checked(Rows.document(whole), new byte[] {1, 2, 3});
      batch.put(database.handle(Database.Family.DOCUMENTS), Rows.document(misplaced), ofAnother);
      database.write(batch);
    }
    try (RocksDbJournal journal = RocksDbJournal.open(directory, Durability.FSYNC)) {
      assertThat(journal.content(whole)).containsExactly(1, 2, 3);
      for (Document bad : List.of(damaged, misplaced)) {
        assertThatThrownBy(() -> journal.content(bad))
            .isInstanceOf(CorruptJournalException.class)
            .hasMessageContaining(bad.id());
      }
      assertThat(journal.documents(run, DocumentKind.REPLAY))
          .containsExactly(whole, damaged, misplaced);
      assertThat(journal.keep(damaged, new byte[] {4})).isTrue();
      assertThat(journal.content(damaged)).containsExactly(4);
    }
  }
}
