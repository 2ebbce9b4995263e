package resure.journal;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import resure.observation.RunId;

/**
 * A journal that lasts as long as the object, for tests. Entries are kept as the bytes that a store
 * would keep. Can be told to fail. Thread-safe: the monitor guards everything.
 */
public final class InMemoryJournal implements Journal {

  /** How an append fails. */
  public enum Failure {
    /** Nothing was written, and the caller is told so. */
    UNAVAILABLE,
    /** The group was written, but the caller is not told. */
    UNKNOWN_WRITTEN,
    /** The group was not written, and the caller is not told. */
    UNKNOWN_LOST
  }

  private static final class Run {
    final List<byte[]> entries = new ArrayList<>();
    final Map<String, Long> keys = new HashMap<>();
    final NavigableMap<Long, byte[]> snapshots = new TreeMap<>();
    final Map<DocumentKind, NavigableMap<String, byte[]>> documents =
        new EnumMap<>(DocumentKind.class);

    NavigableMap<String, byte[]> documents(DocumentKind kind) {
      return documents.computeIfAbsent(kind, k -> new TreeMap<>());
    }
  }

  private final Map<String, NavigableMap<String, RunKey>> names = new HashMap<>();
  private final Map<RunKey, Run> runs = new HashMap<>();
  private @Nullable Failure nextFailure;
  private @Nullable Failure nextDocumentFailure;
  private boolean unavailable;
  private boolean closed;

  /**
   * Makes the next append fail; every call after it is refused until {@link #check}.
   *
   * @param failure how
   */
  public synchronized void failNextAppend(Failure failure) {
    nextFailure = failure;
  }

  /** Flips a bit of an entry, as a failing disk would. */
  public synchronized void damage(RunKey run, long sequence) {
    byte[] entry = Objects.requireNonNull(runs.get(run)).entries.get(Math.toIntExact(sequence) - 1);
    entry[entry.length / 2] ^= 1;
  }

  /** Opens again after {@link #close}; what was appended is still there. */
  public synchronized void reopen() {
    closed = false;
    unavailable = false;
  }

  private void requireOpen() throws JournalUnavailableException {
    if (closed || unavailable) {
      throw new JournalUnavailableException(closed ? "closed" : "failed");
    }
  }

  @Override
  public synchronized Set<RunKey> append(List<Append> group) throws JournalException {
    requireOpen();
    Failure failure = nextFailure;
    nextFailure = null;
    unavailable = failure != null;
    if (failure == Failure.UNAVAILABLE) {
      throw new JournalUnavailableException("told to fail");
    }
    if (failure == Failure.UNKNOWN_LOST) {
      throw new OutcomeUnknownException("told to fail");
    }
    Set<RunKey> conflicts = new HashSet<>();
    RunKey last = null;
    for (Append append : group) {
      RunKey key = append.run();
      if (!key.equals(last) && conflicts(append)) {
        conflicts.add(key);
      }
      last = key;
      if (!conflicts.contains(key)) {
        write(append);
      }
    }
    if (failure == Failure.UNKNOWN_WRITTEN) {
      throw new OutcomeUnknownException("told to fail");
    }
    return conflicts;
  }

  private boolean conflicts(Append first) {
    RunKey key = first.run();
    Run run = runs.get(key);
    if (first.entry() instanceof JournalEntry.Created) {
      return run != null || names(key.id().tenant()).containsKey(key.id().name());
    }
    return run == null || first.sequence() != run.entries.size() + 1;
  }

  private void write(Append append) {
    RunKey key = append.run();
    RunId id = key.id();
    if (append.entry() instanceof JournalEntry.Deleted) {
      runs.remove(key);
      names(id.tenant()).remove(id.name());
      return;
    }
    Run run = runs.computeIfAbsent(key, k -> new Run());
    ByteBuffer encoded =
        new EntryFormat().encode(key.incarnation(), append.sequence(), append.entry());
    byte[] bytes = new byte[encoded.remaining()];
    encoded.get(bytes);
    run.entries.add(bytes);
    switch (append.entry()) {
      case JournalEntry.Created created -> names(id.tenant()).put(id.name(), key);
      case JournalEntry.Batch batch -> {
        if (batch.key() != null) {
          run.keys.put(batch.key(), append.sequence());
        }
      }
      case JournalEntry.Rewound rewound ->
          run.keys.values().removeIf(sequence -> step(key, run, sequence) >= rewound.nextStep());
      case JournalEntry.Finished finished -> {}
      case JournalEntry.Deleted deleted -> {}
    }
  }

  private static long step(RunKey key, Run run, long sequence) {
    try {
      JournalEntry entry =
          EntryFormat.decode(
              key.incarnation(), sequence, run.entries.get(Math.toIntExact(sequence) - 1));
      return ((JournalEntry.Batch) entry).batch().step();
    } catch (CorruptJournalException e) {
      throw new AssertionError(e);
    }
  }

  private NavigableMap<String, RunKey> names(String tenant) {
    return names.computeIfAbsent(tenant, t -> new TreeMap<>());
  }

  @Override
  public synchronized List<StoredEntry> read(RunKey key, long from, int maxBytes)
      throws JournalException {
    requireOpen();
    List<StoredEntry> read = new ArrayList<>();
    Run run = runs.get(key);
    long bytes = 0;
    for (long s = from;
        run != null && s <= run.entries.size() && (bytes < maxBytes || read.isEmpty());
        s++) {
      byte[] entry = run.entries.get(Math.toIntExact(s) - 1);
      read.add(new StoredEntry(s, EntryFormat.decode(key.incarnation(), s, entry)));
      bytes += entry.length;
    }
    return read;
  }

  @Override
  public synchronized long find(RunKey key, String idempotencyKey) throws JournalException {
    requireOpen();
    Run run = runs.get(key);
    return run == null ? 0 : run.keys.getOrDefault(idempotencyKey, 0L);
  }

  @Override
  public synchronized @Nullable RunKey lookup(RunId id) throws JournalException {
    requireOpen();
    return names(id.tenant()).get(id.name());
  }

  @Override
  public synchronized List<RunKey> list(String tenant, @Nullable String after, int limit)
      throws JournalException {
    requireOpen();
    NavigableMap<String, RunKey> all = names(tenant);
    return (after == null ? all : all.tailMap(after, false))
        .values().stream().limit(limit).toList();
  }

  @Override
  public synchronized void save(RunKey key, Snapshot snapshot) throws JournalException {
    requireOpen();
    Run run = runs.get(key);
    if (run != null) {
      run.snapshots.put(snapshot.sequence(), snapshot.state().clone());
      while (run.snapshots.size() > 32) {
        run.snapshots.pollFirstEntry();
      }
    }
  }

  @Override
  public synchronized @Nullable Snapshot snapshot(RunKey key, long atMost) throws JournalException {
    requireOpen();
    Run run = runs.get(key);
    Map.Entry<Long, byte[]> newest = run == null ? null : run.snapshots.floorEntry(atMost);
    return newest == null ? null : new Snapshot(newest.getKey(), newest.getValue().clone());
  }

  /** Makes the next document that is written fail, written or not as said. */
  public synchronized void failNextDocument(Failure failure) {
    nextDocumentFailure = failure;
  }

  private void failDocument(Failure now) throws JournalException {
    if (nextDocumentFailure == null) {
      return;
    }
    if (nextDocumentFailure == Failure.UNAVAILABLE) {
      nextDocumentFailure = null;
      unavailable = true;
      throw new JournalUnavailableException("told to fail");
    }
    if (nextDocumentFailure == now) {
      nextDocumentFailure = null;
      unavailable = true;
      throw new OutcomeUnknownException("told to fail");
    }
  }

  @Override
  public synchronized boolean keep(Document document, byte[] content) throws JournalException {
    requireOpen();
    failDocument(Failure.UNKNOWN_LOST);
    Run run = runs.get(document.run());
    if (run == null) {
      return false;
    }
    run.documents(document.kind()).put(document.id(), content.clone());
    failDocument(Failure.UNKNOWN_WRITTEN);
    return true;
  }

  @Override
  public synchronized boolean move(Document document, DocumentKind to, byte[] content)
      throws JournalException {
    requireOpen();
    failDocument(Failure.UNKNOWN_LOST);
    Run run = runs.get(document.run());
    if (run == null || run.documents(document.kind()).remove(document.id()) == null) {
      return false;
    }
    run.documents(to).put(document.id(), content.clone());
    failDocument(Failure.UNKNOWN_WRITTEN);
    return true;
  }

  @Override
  public synchronized void discard(Collection<Document> documents) throws JournalException {
    requireOpen();
    for (Document document : documents) {
      Run run = runs.get(document.run());
      if (run != null) {
        run.documents(document.kind()).remove(document.id());
      }
    }
  }

  @Override
  public synchronized byte @Nullable [] content(Document document) throws JournalException {
    requireOpen();
    Run run = runs.get(document.run());
    byte[] content = run == null ? null : run.documents(document.kind()).get(document.id());
    return content == null ? null : content.clone();
  }

  @Override
  public synchronized List<Document> documents(RunKey key, DocumentKind kind)
      throws JournalException {
    requireOpen();
    Run run = runs.get(key);
    return run == null
        ? List.of()
        : run.documents(kind).keySet().stream().map(id -> new Document(key, kind, id)).toList();
  }

  @Override
  public synchronized List<Document> documents(DocumentKind kind) throws JournalException {
    requireOpen();
    List<Document> all = new ArrayList<>();
    for (RunKey key : runs.keySet()) {
      all.addAll(documents(key, kind));
    }
    return all;
  }

  @Override
  public synchronized void check() throws JournalException {
    unavailable = false;
    requireOpen();
  }

  @Override
  public synchronized void close() {
    closed = true;
  }
}
