package resure.run;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.journal.Exclusive;
import resure.journal.Head;
import resure.journal.Journal;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.StoredEntry;

/** What other processes have appended to a run since this one looked. */
final class Tail {

  private static final int CHUNK_BYTES = 1 << 20;

  /** Entries beyond which a run is sooner read again from a snapshot. */
  private static final int LONGEST = Shard.SNAPSHOT_EVERY;

  private Tail() {}

  /**
   * The entries after {@code head}; null when the run's journal does not go on from there (the run
   * is gone, or the store was put back to an older state), or goes on for too long. Blocking.
   */
  static @Nullable List<StoredEntry> after(Journal journal, RunKey run, Head head)
      throws JournalException {
    return after(journal, run, head, journal.read(run, head.sequence() + 1, CHUNK_BYTES));
  }

  /** The same while nobody else appends. */
  static @Nullable List<StoredEntry> after(
      Journal journal, RunKey run, Head head, Exclusive exclusive) throws JournalException {
    return after(journal, run, head, exclusive.tail());
  }

  /** To be closed by the caller. */
  static Exclusive exclusive(Journal journal, RunKey run, Head head) throws JournalException {
    return journal.exclusive(run, head.sequence() + 1, CHUNK_BYTES);
  }

  private static @Nullable List<StoredEntry> after(
      Journal journal, RunKey run, Head head, List<StoredEntry> first) throws JournalException {
    List<StoredEntry> tail = new ArrayList<>();
    Head reached = head;
    for (int reads = 0; reads < LONGEST && tail.size() <= LONGEST; reads++) {
      List<StoredEntry> chunk =
          reads == 0 ? first : journal.read(run, reached.sequence() + 1, CHUNK_BYTES);
      if (chunk.isEmpty()) {
        // The end, unless the run is gone, was put back, or has just gone on.
        Head now = journal.head(run);
        if (now == null || now.sequence() <= reached.sequence()) {
          return reached.equals(now) ? tail : null;
        }
        continue;
      }
      if (!chunk.getFirst().follows(reached)) {
        return null;
      }
      tail.addAll(chunk);
      reached = chunk.getLast().head();
      if (chunk.stream().mapToInt(entry -> entry.bytes().length).sum() < CHUNK_BYTES) {
        return tail;
      }
    }
    return null;
  }
}
