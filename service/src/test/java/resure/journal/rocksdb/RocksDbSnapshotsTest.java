package resure.journal.rocksdb;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import resure.journal.Durability;
import resure.journal.Entries;
import resure.journal.Head;
import resure.journal.JournalEntry;
import resure.journal.RunKey;
import resure.journal.Snapshot;

class RocksDbSnapshotsTest {

  @TempDir private Path directory;

  @Test
  void theyThinOutWithAgeAndAreNeverFarApart() throws Exception {
    RunKey run = Entries.run("long");
    try (RocksDbJournal journal = RocksDbJournal.open(directory, Durability.OS)) {
      Entries.append(journal, run, Entries.created());
      int interval = 10;
      for (long newest = interval; newest <= 500 * interval; newest += interval) {
        Head head = Entries.append(journal, run, entries(run, journal, newest));
        journal.save(run, new Snapshot(head, new byte[] {1}));
        if (newest % (37 * interval) == 0) {
          List<Long> kept = kept(journal, run);
          assertThat(kept).as("of %d", newest).hasSizeLessThanOrEqualTo(4 + 20);
          assertThat(kept.subList(0, 4))
              .containsExactly(
                  newest, newest - interval, newest - 2 * interval, newest - 3 * interval);
          for (int i = 1; i < kept.size(); i++) {
            long age = newest - kept.get(i - 1);
            assertThat(kept.get(i - 1) - kept.get(i))
                .as("gap after age %d of %s", age, kept)
                .isLessThanOrEqualTo(8 * (age + interval));
          }
        }
      }
    }
  }

  /** As many as bring the run to {@code newest}. */
  private static JournalEntry[] entries(RunKey run, RocksDbJournal journal, long newest)
      throws Exception {
    long missing = newest - requireNonNull(journal.head(run)).sequence();
    return Stream.generate(() -> new JournalEntry.Finished(Entries.AT))
        .limit(missing)
        .toArray(JournalEntry[]::new);
  }

  private static List<Long> kept(RocksDbJournal journal, RunKey run) throws Exception {
    List<Long> sequences = new ArrayList<>();
    long atMost = Long.MAX_VALUE;
    for (Snapshot snapshot;
        (snapshot = journal.snapshot(run, atMost)) != null;
        atMost = snapshot.sequence() - 1) {
      sequences.add(snapshot.sequence());
    }
    return sequences;
  }
}
