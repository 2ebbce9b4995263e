package resure.run;

import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import resure.compute.jvm.JvmCompute;
import resure.journal.Append;
import resure.journal.Journal;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.Snapshot;
import resure.journal.StoredEntry;
import resure.observation.RunId;

/** What a run's statistics must be by its journal alone: every entry applied, no snapshot used. */
public final class FreshFold {

  private FreshFold() {}

  /** The statistics of a run; null when there is none of this name. */
  public static @Nullable RunStatistics statistics(Journal journal, RunId id)
      throws JournalException {
    RunKey key = journal.lookup(id);
    if (key == null) {
      return null;
    }
    Run run = new Recovery(new WithoutSnapshots(journal), new JvmCompute()).recover(key);
    return run == null ? null : run.statistics();
  }

  /** A journal that has lost its snapshots. */
  private record WithoutSnapshots(Journal journal) implements Journal {

    @Override
    public @Nullable Snapshot snapshot(RunKey run, long atMost) {
      return null;
    }

    @Override
    public Set<RunKey> append(List<Append> group) throws JournalException {
      return journal.append(group);
    }

    @Override
    public List<StoredEntry> read(RunKey run, long from, int maxBytes) throws JournalException {
      return journal.read(run, from, maxBytes);
    }

    @Override
    public long find(RunKey run, String key) throws JournalException {
      return journal.find(run, key);
    }

    @Override
    public @Nullable RunKey lookup(RunId id) throws JournalException {
      return journal.lookup(id);
    }

    @Override
    public List<RunKey> list(String tenant, @Nullable String after, int limit)
        throws JournalException {
      return journal.list(tenant, after, limit);
    }

    @Override
    public void save(RunKey run, Snapshot snapshot) throws JournalException {
      journal.save(run, snapshot);
    }

    @Override
    public void check() throws JournalException {
      journal.check();
    }

    @Override
    public void close() {
      journal.close();
    }
  }
}
