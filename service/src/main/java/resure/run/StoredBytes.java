package resure.run;

import java.util.List;
import resure.journal.Head;
import resure.journal.Journal;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.StoredEntry;

/**
 * About how many bytes the entries of a tenant's runs are: of each run as many as are left of it,
 * by the mean size of a few that lie evenly among them. A run's batches are alike, and nothing
 * keeps a sum that every append would have to move. What else belongs to a run (snapshots, replays,
 * rows of read models) is not counted.
 */
final class StoredBytes {

  private static final int NAMES = 1000;
  private static final int SAMPLES = 8;

  private final Journal journal;

  StoredBytes(Journal journal) {
    this.journal = journal;
  }

  /** Reads some entries of every run: takes as long as there are runs. */
  long of(String tenant) throws JournalException {
    long bytes = 0;
    List<RunKey> runs;
    String after = null;
    do {
      runs = journal.list(tenant, after, NAMES);
      for (RunKey run : runs) {
        bytes += of(run);
        after = run.id().name();
      }
    } while (runs.size() == NAMES);
    return bytes;
  }

  private long of(RunKey run) throws JournalException {
    Head head = journal.head(run);
    // The first entry stays; after it some may have been trimmed away.
    List<StoredEntry> first = head == null ? List.of() : journal.read(run, 2, 1);
    if (head == null || first.isEmpty()) {
      return 0;
    }
    long from = first.getFirst().sequence();
    long left = head.sequence() - from + 1;
    long count = Math.min(SAMPLES, left);
    long sampled = 0;
    for (long i = 0; i < count; i++) {
      List<StoredEntry> read = journal.read(run, from + i * left / count, 1);
      sampled += read.isEmpty() ? 0 : read.getFirst().bytes().length;
    }
    return sampled * left / count;
  }
}
