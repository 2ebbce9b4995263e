package resure.journal;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import resure.observation.ObservationBatch;
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
    /** Null where they were trimmed away, as are their heads. */
    final List<byte @Nullable []> entries = new ArrayList<>();

    final List<@Nullable Head> heads = new ArrayList<>();

    /** Before which all but the first entry was trimmed away; 0 for nothing. */
    long first;

    final Map<String, Long> keys = new HashMap<>();
    final NavigableMap<Long, Snapshot> snapshots = new TreeMap<>();
    final Map<DocumentKind, NavigableMap<String, byte[]>> documents =
        new EnumMap<>(DocumentKind.class);

    NavigableMap<String, byte[]> documents(DocumentKind kind) {
      return documents.computeIfAbsent(kind, k -> new TreeMap<>());
    }
  }

  private final Map<String, NavigableMap<String, RunKey>> names = new HashMap<>();
  private final Map<RunKey, Run> runs = new HashMap<>();
  private final InMemoryRows rows = new InMemoryRows(this::isThere);
  private @Nullable Failure nextFailure;
  private @Nullable Failure nextDocumentFailure;
  private boolean unavailable;
  private boolean closed;
  private boolean shared;
  private @Nullable Runnable interference;
  private int exclusives;
  private final Map<Document, String> claims = new HashMap<>();

  /**
   * Makes the next append fail; every call after it is refused until {@link #check}.
   *
   * @param failure how
   */
  public synchronized void failNextAppend(Failure failure) {
    nextFailure = failure;
  }

  private synchronized boolean isThere(RunKey run) {
    return runs.containsKey(run);
  }

  @Override
  public InMemoryRows rows() {
    return rows;
  }

  /** From now on, others append too. */
  public synchronized void share() {
    shared = true;
  }

  /** What happens just before each append, but to a run that others are kept away from. */
  public synchronized void interfere(@Nullable Runnable before) {
    interference = before;
  }

  /** How often others were kept away from a run. */
  public synchronized int exclusives() {
    return exclusives;
  }

  /** Forgets the newest entries of a run, as a backup does that is older. */
  public synchronized void putBack(RunKey key, long sequence) {
    Run run = Objects.requireNonNull(runs.get(key));
    int kept = Math.toIntExact(sequence);
    run.entries.subList(kept, run.entries.size()).clear();
    run.heads.subList(kept, run.heads.size()).clear();
    run.keys.values().removeIf(of -> of > sequence);
  }

  /** Appends what this release cannot read, as a replica of a later one would. */
  public synchronized void appendOfALaterRelease(RunKey key) {
    Run run = Objects.requireNonNull(runs.get(key));
    Head after = Objects.requireNonNull(run.heads.getLast());
    byte[] bytes = Entries.ofALaterRelease(key.incarnation(), after.sequence() + 1);
    run.entries.add(bytes);
    run.heads.add(after.next(ByteBuffer.wrap(bytes)));
  }

  /** Flips a bit of an entry, as a failing disk would. */
  public synchronized void damage(RunKey run, long sequence) {
    byte[] entry =
        Objects.requireNonNull(
            Objects.requireNonNull(runs.get(run)).entries.get(Math.toIntExact(sequence) - 1));
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
  public synchronized Map<RunKey, Head> append(List<Append> group) throws JournalException {
    requireOpen();
    Runnable before = interference;
    interference = null;
    if (before != null) {
      before.run();
      interference = before;
    }
    return appendNow(group);
  }

  private synchronized Map<RunKey, Head> appendNow(List<Append> group) throws JournalException {
    Failure failure = failBefore();
    Map<RunKey, Head> heads = new HashMap<>();
    for (Append append : group) {
      if (!conflicts(append)) {
        heads.put(append.run(), write(append));
      }
    }
    failAfter(failure);
    return heads;
  }

  private @Nullable Failure failBefore() throws JournalException {
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
    return failure;
  }

  private static void failAfter(@Nullable Failure failure) throws OutcomeUnknownException {
    if (failure == Failure.UNKNOWN_WRITTEN) {
      throw new OutcomeUnknownException("told to fail");
    }
  }

  @Override
  public synchronized boolean createTrimmed(RunKey key, StoredEntry created, StoredEntry first)
      throws JournalException {
    Failure failure = failBefore();
    if (runs.containsKey(key) || names(key.id().tenant()).containsKey(key.id().name())) {
      return false;
    }
    add(key, created.head(), created.bytes(), created.entry());
    Run run = Objects.requireNonNull(runs.get(key));
    while (run.entries.size() < first.sequence() - 1) {
      run.entries.add(null);
      run.heads.add(null);
    }
    run.first = first.sequence();
    add(key, first.head(), first.bytes(), first.entry());
    failAfter(failure);
    return true;
  }

  @Override
  public synchronized List<LastingKey> lastingKeys(RunKey key, @Nullable String after, int limit)
      throws JournalException {
    requireOpen();
    Run run = runs.get(key);
    if (run == null) {
      return List.of();
    }
    return new TreeMap<>(run.keys)
        .tailMap(after == null ? "" : after, false).entrySet().stream()
            .filter(of -> of.getValue() < run.first)
            .limit(limit)
            .map(of -> new LastingKey(of.getKey(), of.getValue()))
            .toList();
  }

  @Override
  public synchronized void keep(RunKey key, List<LastingKey> keys) throws JournalException {
    Failure failure = failBefore();
    Run run = runs.get(key);
    if (run != null) {
      keys.forEach(of -> run.keys.put(of.key(), of.sequence()));
    }
    failAfter(failure);
  }

  private boolean conflicts(Append append) {
    RunKey key = append.run();
    Run run = runs.get(key);
    if (run == null) {
      return !append.after().equals(Head.NONE)
          || names(key.id().tenant()).containsKey(key.id().name());
    }
    return !append.after().equals(run.heads.getLast())
        || append.entries().stream()
            .anyMatch(
                entry ->
                    entry instanceof JournalEntry.Batch batch && run.keys.containsKey(batch.key()));
  }

  private Head write(Append append) {
    Head head = append.after();
    for (JournalEntry entry : append.entries()) {
      head = write(append.run(), head, entry);
    }
    return head;
  }

  private Head write(RunKey key, Head after, JournalEntry entry) {
    RunId id = key.id();
    ByteBuffer encoded = new EntryFormat().encode(key.incarnation(), after.sequence() + 1, entry);
    Head head = after.next(encoded);
    if (entry instanceof JournalEntry.Deleted) {
      runs.remove(key);
      names(id.tenant()).remove(id.name());
      return head;
    }
    byte[] bytes = new byte[encoded.remaining()];
    encoded.get(bytes);
    add(key, head, bytes, entry);
    return head;
  }

  private void add(RunKey key, Head head, byte[] bytes, JournalEntry entry) {
    RunId id = key.id();
    Run run = runs.computeIfAbsent(key, k -> new Run());
    run.entries.add(bytes);
    run.heads.add(head);
    switch (entry) {
      case JournalEntry.Created created -> names(id.tenant()).put(id.name(), key);
      case JournalEntry.Batch batch -> {
        if (batch.key() != null) {
          run.keys.put(batch.key(), head.sequence());
        }
      }
      case JournalEntry.Rewound rewound ->
          run.keys.values().removeIf(sequence -> step(key, run, sequence) >= rewound.nextStep());
      case JournalEntry.Finished finished -> {}
      case JournalEntry.Evaluated evaluated -> {}
      case JournalEntry.Trimmed trimmed -> trim(key, run, trimmed.firstSequence());
      case JournalEntry.Deleted deleted -> {}
    }
  }

  private static void trim(RunKey key, Run run, long first) {
    run.keys.values().removeIf(sequence -> sequence < first && step(key, run, sequence) >= 0);
    run.snapshots.headMap(first, false).clear();
    run.first = Math.max(run.first, first);
    for (int i = 1; i < first - 1; i++) {
      run.entries.set(i, null);
      run.heads.set(i, null);
    }
  }

  /** Of the batch there; that of one that was trimmed away has its key because it has none. */
  private static long step(RunKey key, Run run, long sequence) {
    byte[] bytes = run.entries.get(Math.toIntExact(sequence) - 1);
    if (bytes == null) {
      return ObservationBatch.NO_STEP;
    }
    try {
      JournalEntry entry = EntryFormat.decode(key.incarnation(), sequence, bytes);
      return ((JournalEntry.Batch) entry).batch().step();
    } catch (CorruptJournalException e) {
      throw new AssertionError(e);
    }
  }

  private NavigableMap<String, RunKey> names(String tenant) {
    return names.computeIfAbsent(tenant, t -> new TreeMap<>());
  }

  @Override
  public synchronized boolean shared() {
    return shared;
  }

  @Override
  public synchronized Exclusive exclusive(RunKey run, long from, int maxBytes)
      throws JournalException {
    requireOpen();
    exclusives++;
    List<StoredEntry> tail = read(run, from, maxBytes);
    return new Exclusive() {
      @Override
      public List<StoredEntry> tail() {
        return tail;
      }

      @Override
      public Map<RunKey, Head> append(Append append) throws JournalException {
        return appendNow(List.of(append));
      }

      @Override
      public void close() {
        // Whoever is kept away here is only the interference.
      }
    };
  }

  @Override
  public synchronized @Nullable Head head(RunKey key) throws JournalException {
    requireOpen();
    Run run = runs.get(key);
    return run == null ? null : run.heads.getLast();
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
      Head head = run.heads.get(Math.toIntExact(s) - 1);
      if (entry != null && head != null) {
        read.add(new StoredEntry(key, head, entry));
        bytes += entry.length;
      }
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
  public synchronized List<String> tenants() throws JournalException {
    requireOpen();
    return names.entrySet().stream()
        .filter(ofTenant -> !ofTenant.getValue().isEmpty())
        .map(Map.Entry::getKey)
        .toList();
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
    if (run != null && run.heads.contains(snapshot.head())) {
      run.snapshots.put(
          snapshot.sequence(), new Snapshot(snapshot.head(), snapshot.state().clone()));
      while (run.snapshots.size() > 32) {
        run.snapshots.remove(run.snapshots.higherKey(run.snapshots.firstKey()));
      }
    }
  }

  @Override
  public synchronized @Nullable Snapshot snapshot(RunKey key, long atMost) throws JournalException {
    requireOpen();
    Run run = runs.get(key);
    if (run != null) {
      for (Snapshot snapshot : run.snapshots.headMap(atMost, true).descendingMap().values()) {
        if (run.heads.contains(snapshot.head())) {
          return new Snapshot(snapshot.head(), snapshot.state().clone());
        }
      }
    }
    return null;
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
  public synchronized boolean claim(Document document, String owner, Duration lease)
      throws JournalException {
    requireOpen();
    Run run = runs.get(document.run());
    return run != null
        && run.documents(document.kind()).containsKey(document.id())
        && (!shared || claims.computeIfAbsent(document, d -> owner).equals(owner));
  }

  /** Makes the time of all claims be over. */
  public synchronized void expireClaims() {
    claims.clear();
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
