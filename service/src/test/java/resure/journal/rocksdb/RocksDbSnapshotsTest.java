package resure.journal.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import resure.journal.Append;
import resure.journal.Durability;
import resure.journal.Entries;
import resure.journal.RunKey;
import resure.journal.Snapshot;

class RocksDbSnapshotsTest {

  @TempDir private Path directory;

  @Test
  void theyThinOutWithAgeAndAreNeverFarApart() throws Exception {
    RunKey run = Entries.run("long");
    try (RocksDbJournal journal = RocksDbJournal.open(directory, Durability.OS)) {
      journal.append(List.of(new Append(run, 1, Entries.created())));
      long interval = 1000;
      for (long newest = interval; newest <= 500 * interval; newest += interval) {
        journal.save(run, new Snapshot(newest, new byte[] {1}));
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
