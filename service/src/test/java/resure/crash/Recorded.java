package resure.crash;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.journal.Journal;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.StoredEntry;
import resure.observation.RunId;

/**
 * All that a journal holds of a run.
 *
 * @param key its name and incarnation
 * @param entries in order of sequence, removed batches included
 */
record Recorded(RunKey key, List<StoredEntry> entries) {

  private static final int CHUNK_BYTES = 1 << 20;

  /** Reads a run; null when there is none of this name. */
  static @Nullable Recorded read(Journal journal, String name) throws JournalException {
    RunKey key = journal.lookup(new RunId(RunId.DEFAULT_TENANT, name));
    if (key == null) {
      return null;
    }
    List<StoredEntry> entries = new ArrayList<>();
    List<StoredEntry> chunk = journal.read(key, 1, CHUNK_BYTES);
    while (!chunk.isEmpty()) {
      entries.addAll(chunk);
      chunk = journal.read(key, entries.size() + 1L, CHUNK_BYTES);
    }
    return new Recorded(key, entries);
  }
}
