package resure.run;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import resure.compute.jvm.JvmCompute;
import resure.journal.Append;
import resure.journal.Document;
import resure.journal.DocumentKind;
import resure.journal.Head;
import resure.journal.Journal;
import resure.journal.JournalException;
import resure.journal.LastingKey;
import resure.journal.RunKey;
import resure.journal.RunRows;
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

  /** The statistics of a run as a service finds them; null when there is none of this name. */
  public static @Nullable RunStatistics withSnapshots(Journal journal, RunId id)
      throws JournalException {
    RunKey key = journal.lookup(id);
    Run run = key == null ? null : new Recovery(journal, new JvmCompute()).recover(key);
    return run == null ? null : run.statistics();
  }

  /** A journal that has lost its snapshots. */
  private record WithoutSnapshots(Journal journal) implements Journal {

    @Override
    public @Nullable Snapshot snapshot(RunKey run, long atMost) {
      return null;
    }

    @Override
    public RunRows rows() {
      return journal.rows();
    }

    @Override
    public boolean shared() {
      return journal.shared();
    }

    @Override
    public @Nullable Head head(RunKey run) throws JournalException {
      return journal.head(run);
    }

    @Override
    public Map<RunKey, Head> append(List<Append> group) throws JournalException {
      return journal.append(group);
    }

    @Override
    public boolean createTrimmed(RunKey run, StoredEntry created, StoredEntry first)
        throws JournalException {
      return journal.createTrimmed(run, created, first);
    }

    @Override
    public List<LastingKey> lastingKeys(RunKey run, @Nullable String after, int limit)
        throws JournalException {
      return journal.lastingKeys(run, after, limit);
    }

    @Override
    public void keep(RunKey run, List<LastingKey> keys) throws JournalException {
      journal.keep(run, keys);
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
    public List<String> tenants() throws JournalException {
      return journal.tenants();
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
    public boolean keep(Document document, byte[] content) throws JournalException {
      return journal.keep(document, content);
    }

    @Override
    public boolean move(Document document, DocumentKind to, byte[] content)
        throws JournalException {
      return journal.move(document, to, content);
    }

    @Override
    public boolean claim(Document document, String owner, Duration lease) throws JournalException {
      return journal.claim(document, owner, lease);
    }

    @Override
    public void discard(Collection<Document> documents) throws JournalException {
      journal.discard(documents);
    }

    @Override
    public byte @Nullable [] content(Document document) throws JournalException {
      return journal.content(document);
    }

    @Override
    public List<Document> documents(RunKey run, DocumentKind kind) throws JournalException {
      return journal.documents(run, kind);
    }

    @Override
    public List<Document> documents(DocumentKind kind) throws JournalException {
      return journal.documents(kind);
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
