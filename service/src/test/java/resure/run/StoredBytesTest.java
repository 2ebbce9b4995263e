package resure.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import resure.journal.Entries;
import resure.journal.InMemoryJournal;
import resure.journal.Incarnation;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.StoredEntry;
import resure.observation.RunId;

class StoredBytesTest {

  private final InMemoryJournal journal = new InMemoryJournal();
  private final Random random = new Random(3);

  private RunKey run(String tenant, String name, int batches) throws JournalException {
    RunKey run = new RunKey(new RunId(tenant, name), Incarnation.next(1));
    Entries.append(journal, run, Entries.created());
    for (int i = 0; i < batches; i++) {
      Entries.append(journal, run, Entries.batch(random, "key-" + i, i, 16, 8));
    }
    return run;
  }

  private double exactly(RunKey run) throws JournalException {
    return journal.read(run, 2, Integer.MAX_VALUE).stream()
        .map(StoredEntry::bytes)
        .mapToLong(bytes -> bytes.length)
        .sum();
  }

  @Test
  void isAboutTheSumOfTheTenantsEntriesWhateverFollowsTheBatches() throws Exception {
    RunKey small = run("a", "small", 5);
    RunKey large = run("a", "large", 300);
    run("a", "empty", 0);
    run("b", "others", 100);
    for (int i = 0; i < 20; i++) {
      Entries.append(journal, large, new JournalEntry.Evaluated(Entries.AT, i, "b", 0.5));
    }

    assertThat((double) new StoredBytes(journal).of("a"))
        .isCloseTo(exactly(small) + exactly(large), within(0.1 * exactly(large)));
    assertThat(new StoredBytes(journal).of("nobody")).isZero();
  }

  @Test
  void whatWasTrimmedAwayOrDeletedIsNotCounted() throws Exception {
    RunKey run = run("a", "kept", 100);
    double whole = (double) new StoredBytes(journal).of("a");
    Entries.append(journal, run, new JournalEntry.Trimmed(Entries.AT, 50, 51));
    assertThat((double) new StoredBytes(journal).of("a"))
        .isCloseTo(whole / 2, within(0.15 * whole));
    Entries.append(journal, run, new JournalEntry.Deleted(Entries.AT));
    assertThat(List.of(new StoredBytes(journal).of("a"))).containsExactly(0L);
  }
}
