package resure.journal.rocksdb;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;
import resure.journal.Append;
import resure.journal.CorruptJournalException;
import resure.journal.Document;
import resure.journal.DocumentKind;
import resure.journal.EntryFormat;
import resure.journal.Head;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.LastingKey;
import resure.journal.RunKey;
import resure.journal.Snapshot;
import resure.journal.SnapshotAges;
import resure.journal.StoredEntry;
import resure.journal.rocksdb.Database.Family;
import resure.journal.rocksdb.Heads.Place;
import resure.observation.ObservationBatch;
import resure.observation.RunId;

/**
 * The journal's calls in terms of rows, on one open database. Thread-safe, but for two callers who
 * write to one run: they hold its name in {@link #heads}.
 */
final class Store implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(Store.class.getName());

  private final Database database;
  private final Watermark watermark;
  private final Heads heads = new Heads();
  private final ForgottenKeys forgottenKeys;

  /** As many as ever appended at once. */
  private final Queue<Group> idle = new ConcurrentLinkedQueue<>();

  private final Path path;

  /** The manifest at the last look; checks may overlap, and then one of them is as good. */
  private volatile @Nullable Manifest looked;

  Store(Path path, Database database, Watermark watermark)
      throws RocksDBException, JournalException {
    this.path = path;
    this.database = database;
    this.watermark = watermark;
    forgottenKeys = new ForgottenKeys(database, heads);
  }

  /**
   * Notes the manifest once it has stood still from one call to the next: by then RocksDB has
   * synced it, which it does right after each write to it.
   */
  void sealManifest() throws IOException {
    Manifest before = looked;
    Manifest now = Manifest.look(path);
    looked = now;
    Manifest sealed = watermark.sealed();
    if (now != null
        && now.equals(before)
        && (now.number() != sealed.number() || now.length() != sealed.length())) {
      watermark.seal(now.withChecksum(path));
    }
  }

  /** To be called now and then; a {@link RocksDBException} is that of a write. */
  void collectGarbage() throws RocksDBException {
    forgottenKeys.remove(this);
    database.collectGarbage();
  }

  /** Closes after everything went well. */
  void closeSealed() {
    closeDatabase();
    try {
      Manifest last = Manifest.look(path);
      if (last != null) {
        watermark.seal(last.withChecksum(path));
      }
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "could not note the end of the manifest", e);
    } finally {
      watermark.close();
    }
  }

  Heads heads() {
    return heads;
  }

  /**
   * Copies the database.
   *
   * @return how far the copy reaches at least
   */
  long copyTo(Path directory) throws RocksDBException {
    long reached = database.reached();
    database.copyTo(directory);
    return reached;
  }

  void verify() throws RocksDBException {
    database.verify();
  }

  String written() {
    return database.written();
  }

  /** The caller holds the names of all runs. A {@link RocksDBException} is that of the write. */
  Map<RunKey, Head> append(List<Append> group) throws RocksDBException, JournalException {
    return inGroup(rows -> rows.append(group));
  }

  /** The caller holds the run's name. A {@link RocksDBException} is that of the write. */
  boolean createTrimmed(RunKey run, StoredEntry created, StoredEntry first)
      throws RocksDBException, JournalException {
    return inGroup(rows -> rows.createTrimmed(run, created, first));
  }

  @FunctionalInterface
  private interface Writing<T> {
    T by(Group rows) throws RocksDBException, JournalException;
  }

  private <T> T inGroup(Writing<T> writing) throws RocksDBException, JournalException {
    Group rows = idle.poll();
    if (rows == null) {
      rows = new Group();
    }
    try {
      return writing.by(rows);
    } finally {
      rows.clear();
      idle.add(rows);
    }
  }

  /** Where the run's journal ends; null when it is gone. */
  @Nullable Head head(RunKey run) throws JournalException {
    Head head = place(run).head();
    return head.equals(Head.NONE) ? null : head;
  }

  /** Whether there are entries of a run, by what its keys begin with. */
  boolean hasEntries(byte[] row) throws RocksDBException {
    try (Database.Range range = database.range(Family.ENTRIES, row, Rows.end(row))) {
      return range.first();
    }
  }

  private Place place(RunKey run) throws JournalException {
    Place known = heads.get(run);
    if (known != null) {
      return known;
    }
    byte[] row = Rows.run(run);
    try (Database.Range range = database.range(Family.ENTRIES, row, Rows.end(row))) {
      Head head = Head.NONE;
      if (range.last()) {
        long sequence = Rows.sequence(range.key());
        head = Rows.entry(run, sequence, range.value()).head();
      }
      Place place = new Place(row, head);
      heads.put(run, place);
      return place;
    } catch (RocksDBException e) {
      throw RocksDbJournal.unread(e);
    }
  }

  @Nullable RunKey lookup(RunId id) throws RocksDBException, JournalException {
    byte[] value = database.get(Family.NAMES, Rows.name(id));
    return value == null ? null : new RunKey(id, Rows.incarnation(value));
  }

  List<String> tenants() throws RocksDBException {
    List<String> tenants = new ArrayList<>();
    byte[] from = {};
    byte[] end = {(byte) 0xFF};
    while (true) {
      try (Database.Range range = database.range(Family.NAMES, from, end)) {
        if (!range.first()) {
          return tenants;
        }
        String tenant = Rows.tenant(range.key());
        tenants.add(tenant);
        from = Rows.end(Rows.names(tenant));
      }
    }
  }

  List<RunKey> list(String tenant, @Nullable String after, int limit)
      throws RocksDBException, JournalException {
    byte[] prefix = Rows.names(tenant);
    byte[] from =
        after == null ? prefix : (new String(prefix, UTF_8) + after + '\0').getBytes(UTF_8);
    List<RunKey> runs = new ArrayList<>();
    try (Database.Range range = database.range(Family.NAMES, from, Rows.end(prefix))) {
      for (boolean more = range.first(); more && runs.size() < limit; more = range.next()) {
        byte[] key = range.key();
        String name = new String(key, prefix.length, key.length - prefix.length, UTF_8);
        runs.add(new RunKey(new RunId(tenant, name), Rows.incarnation(range.value())));
      }
    }
    return runs;
  }

  List<StoredEntry> read(RunKey run, long from, int maxBytes)
      throws RocksDBException, JournalException {
    byte[] row = Rows.run(run);
    List<StoredEntry> entries = new ArrayList<>();
    long bytes = 0;
    long expected = from;
    try (Database.Range range = database.range(Family.ENTRIES, Rows.at(row, from), Rows.end(row))) {
      for (boolean more = range.first();
          more && (bytes < maxBytes || entries.isEmpty());
          more = range.next()) {
        long sequence = Rows.sequence(range.key());
        boolean afterGap = sequence != expected;
        if (afterGap && (expected == 1 || sequence != first(row))) {
          throw new CorruptJournalException(
              "entry %d of %s is missing".formatted(expected, run.incarnation()));
        }
        byte[] value = range.value();
        StoredEntry entry = Rows.entry(run, sequence, value);
        if (!afterGap && !entries.isEmpty() && !entry.follows(entries.getLast().head())) {
          throw new CorruptJournalException(
              "entry %d of %s does not follow the one before it"
                  .formatted(sequence, run.incarnation()));
        }
        entries.add(entry);
        bytes += value.length;
        expected = sequence + 1;
      }
    }
    return entries;
  }

  /** Sequence of the first entry after what was trimmed away; 0 when nothing was. */
  private long first(byte[] row) throws RocksDBException {
    byte[] value = database.get(Family.DEFAULT, Rows.trimmed(row));
    return value == null ? 0 : ByteBuffer.wrap(value).getLong();
  }

  long find(RunKey run, String key) throws RocksDBException, JournalException {
    byte[] row = Rows.run(run);
    byte[] value = database.get(Family.KEYS, Rows.key(row, key));
    if (value == null) {
      return 0;
    }
    if (value.length != Rows.KEY_VALUE_BYTES) {
      throw new CorruptJournalException("a key's row is of the wrong size");
    }
    ByteBuffer found = ByteBuffer.wrap(value);
    long sequence = found.getLong();
    long step = found.getLong();
    if (step >= 0 && sequence < first(row)) {
      return 0;
    }
    byte[] after = Rows.at(row, sequence + 1);
    try (Database.Range rewinds = database.range(Family.REWINDS, after, Rows.end(row))) {
      for (boolean more = rewinds.first(); more; more = rewinds.next()) {
        if (ByteBuffer.wrap(rewinds.value()).getLong() <= step) {
          return 0;
        }
      }
    }
    return sequence;
  }

  List<LastingKey> lastingKeys(RunKey run, @Nullable String after, int limit)
      throws RocksDBException {
    byte[] row = Rows.run(run);
    List<LastingKey> keys = new ArrayList<>();
    long first = first(row);
    if (first == 0) {
      return keys;
    }
    byte[] from = after == null ? row : Rows.key(row, after + '\0');
    try (Database.Range range = database.range(Family.KEYS, from, Rows.end(row))) {
      for (boolean more = range.first(); more && keys.size() < limit; more = range.next()) {
        ByteBuffer found = ByteBuffer.wrap(range.value());
        long sequence = found.getLong();
        if (sequence < first && found.getLong() < 0) {
          byte[] key = range.key();
          keys.add(
              new LastingKey(
                  new String(key, row.length, key.length - row.length, UTF_8), sequence));
        }
      }
    }
    return keys;
  }

  /** The caller holds the run's name. A {@link RocksDBException} is that of the write. */
  void keep(RunKey run, List<LastingKey> keys) throws RocksDBException, JournalException {
    Place place = place(run);
    if (place.head().equals(Head.NONE) || keys.isEmpty()) {
      return;
    }
    try (WriteBatch batch = new WriteBatch()) {
      for (LastingKey key : keys) {
        batch.put(
            database.handle(Family.KEYS),
            Rows.key(place.row(), key.key()),
            Rows.keyValue(key.sequence(), ObservationBatch.NO_STEP));
      }
      write(batch);
    }
  }

  /** The caller holds the run's name. A {@link RocksDBException} is that of the write. */
  void save(RunKey run, Snapshot snapshot) throws RocksDBException, JournalException {
    Place place = place(run);
    if (place.head().equals(Head.NONE) || snapshot.sequence() < first(place.row())) {
      return;
    }
    try (WriteBatch batch = new WriteBatch()) {
      byte[] key = Rows.at(place.row(), snapshot.sequence());
      batch.put(database.handle(Family.SNAPSHOTS), key, Rows.checked(key, Rows.snapshot(snapshot)));
      for (long sequence : superseded(place.row(), snapshot.sequence())) {
        batch.delete(database.handle(Family.SNAPSHOTS), Rows.at(place.row(), sequence));
      }
      write(batch);
    }
  }

  private List<Long> superseded(byte[] row, long saved) throws JournalException {
    SnapshotAges ages = new SnapshotAges(saved);
    try (Database.Range range = database.range(Family.SNAPSHOTS, row, Rows.end(row))) {
      for (boolean more = range.last(); more; more = range.previous()) {
        ages.see(Rows.sequence(range.key()));
      }
    } catch (RocksDBException e) {
      throw RocksDbJournal.unread(e);
    }
    return ages.superseded();
  }

  @Nullable Snapshot snapshot(RunKey run, long atMost) {
    byte[] row = Rows.run(run);
    byte[] end = atMost == Long.MAX_VALUE ? Rows.end(row) : Rows.at(row, atMost + 1);
    try (Database.Range range = database.range(Family.SNAPSHOTS, row, end)) {
      for (boolean more = range.last(); more; more = range.previous()) {
        byte[] key = range.key();
        byte[] value = range.value();
        if (Rows.isChecked(key, value)) {
          Snapshot snapshot = Rows.snapshot(Rows.sequence(key), value);
          byte[] entry = database.get(Family.ENTRIES, Rows.at(row, snapshot.sequence()));
          if (entry != null && Rows.head(snapshot.sequence(), entry).equals(snapshot.head())) {
            return snapshot;
          }
        }
      }
      return null;
    } catch (RocksDBException e) {
      // Whole blocks cannot be read: the journal is what a snapshot only saves reading.
      System.getLogger(Store.class.getName())
          .log(
              System.Logger.Level.WARNING, "snapshots of " + run.incarnation() + " are damaged", e);
      return null;
    }
  }

  /** The caller holds the run's name. A {@link RocksDBException} is that of the write. */
  boolean keep(Document document, byte[] content) throws RocksDBException, JournalException {
    if (head(document.run()) == null) {
      return false;
    }
    try (WriteBatch batch = new WriteBatch()) {
      put(batch, document, content);
      write(batch);
      return true;
    }
  }

  private void put(WriteBatch batch, Document document, byte[] content) throws RocksDBException {
    byte[] key = Rows.document(document);
    batch.put(database.handle(Family.DOCUMENTS), key, Rows.checked(key, content));
  }

  /** The caller holds the run's name. A {@link RocksDBException} is that of the write. */
  boolean move(Document document, DocumentKind to, byte[] content)
      throws RocksDBException, JournalException {
    byte[] key = Rows.document(document);
    if (head(document.run()) == null || !isThere(key)) {
      return false;
    }
    try (WriteBatch batch = new WriteBatch()) {
      batch.delete(database.handle(Family.DOCUMENTS), key);
      put(batch, new Document(document.run(), to, document.id()), content);
      write(batch);
      return true;
    }
  }

  private boolean isThere(byte[] key) throws JournalException {
    try {
      return database.get(Family.DOCUMENTS, key) != null;
    } catch (RocksDBException e) {
      throw RocksDbJournal.unread(e);
    }
  }

  /** The caller holds the run's name. A {@link RocksDBException} is that of the write. */
  void discard(Collection<Document> documents) throws RocksDBException {
    try (WriteBatch batch = new WriteBatch()) {
      for (Document document : documents) {
        batch.delete(database.handle(Family.DOCUMENTS), Rows.document(document));
      }
      write(batch);
    }
  }

  byte @Nullable [] content(Document document) throws RocksDBException, JournalException {
    byte[] key = Rows.document(document);
    byte[] value = database.get(Family.DOCUMENTS, key);
    if (value == null) {
      return null;
    }
    if (!Rows.isChecked(key, value)) {
      throw new CorruptJournalException(
          "document %s of %s is damaged".formatted(document.id(), document.run().incarnation()));
    }
    return Arrays.copyOfRange(value, Rows.CHECKSUM_BYTES, value.length);
  }

  List<Document> documents(RunKey run, DocumentKind kind)
      throws RocksDBException, JournalException {
    return documents(kind, Rows.documents(kind, Rows.run(run)));
  }

  List<Document> documents(DocumentKind kind) throws RocksDBException, JournalException {
    return documents(kind, Rows.documents(kind));
  }

  private List<Document> documents(DocumentKind kind, byte[] prefix)
      throws RocksDBException, JournalException {
    List<Document> documents = new ArrayList<>();
    try (Database.Range range = database.range(Family.DOCUMENTS, prefix, Rows.end(prefix))) {
      for (boolean more = range.first(); more; more = range.next()) {
        documents.add(Rows.document(kind, range.key()));
      }
    }
    return documents;
  }

  /** A {@link RocksDBException} is that of the write. */
  void write(WriteBatch batch) throws RocksDBException {
    database.write(batch);
    // Every write here is synced under fsync, so whatever number this is, it is on disk.
    watermark.raise(database.reached());
  }

  private void closeDatabase() {
    for (Group group : idle) {
      group.close();
    }
    database.close();
  }

  @Override
  public void close() {
    closeDatabase();
    watermark.close();
  }

  /** The rows of one append, with buffers that are reused. One thread at a time. */
  private final class Group implements AutoCloseable {

    private final WriteBatch batch = new WriteBatch();
    private final EntryFormat format = new EntryFormat();
    private final ByteBuffer key = ByteBuffer.allocateDirect(1024);
    private ByteBuffer value = ByteBuffer.allocateDirect(16 * 1024);
    private final Map<RunKey, Place> newPlaces = new LinkedHashMap<>();
    private final Map<RunId, @Nullable RunKey> newNames = new HashMap<>();
    private final List<RunKey> trimmed = new ArrayList<>();

    Map<RunKey, Head> append(List<Append> group) throws RocksDBException, JournalException {
      Map<RunKey, Head> appended = new HashMap<>();
      for (Append append : group) {
        if (mayAppend(append)) {
          appended.put(append.run(), add(append));
        }
      }
      write();
      return appended;
    }

    private void write() throws RocksDBException {
      if (batch.count() > 0) {
        Store.this.write(batch);
        heads.putAll(newPlaces);
        trimmed.forEach(forgottenKeys::add);
      }
    }

    boolean createTrimmed(RunKey run, StoredEntry created, StoredEntry first)
        throws RocksDBException, JournalException {
      Place place = place(run);
      if (!place.head().equals(Head.NONE) || name(run.id()) != null) {
        return false;
      }
      byte[] row = place.row();
      for (StoredEntry stored : List.of(created, first)) {
        put(run, row, stored.head(), ByteBuffer.wrap(stored.bytes()), stored.entry());
      }
      // Last: the entry may itself be a trimming, of less.
      putFirst(row, first.sequence());
      write();
      return true;
    }

    private boolean mayAppend(Append append) throws JournalException {
      try {
        return place(append.run()).head().equals(append.after())
            && (!append.after().equals(Head.NONE) || name(append.run().id()) == null)
            && !holdsKey(append);
      } catch (CorruptJournalException e) {
        // Theirs alone: reading the tail to resolve the conflict tells the caller.
        return false;
      }
    }

    private boolean holdsKey(Append append) throws JournalException {
      for (JournalEntry entry : append.entries()) {
        if (entry instanceof JournalEntry.Batch observations && observations.key() != null) {
          try {
            if (find(append.run(), observations.key()) != 0) {
              return true;
            }
          } catch (RocksDBException e) {
            throw RocksDbJournal.unread(e);
          }
        }
      }
      return false;
    }

    private @Nullable RunKey name(RunId id) throws JournalException {
      if (newNames.containsKey(id)) {
        return newNames.get(id);
      }
      try {
        return lookup(id);
      } catch (RocksDBException e) {
        throw RocksDbJournal.unread(e);
      }
    }

    private Head add(Append append) throws RocksDBException, JournalException {
      RunKey run = append.run();
      byte[] row = place(run).row();
      Head head = append.after();
      for (JournalEntry entry : append.entries()) {
        ByteBuffer encoded = format.encode(run.incarnation(), head.sequence() + 1, entry);
        head = head.next(encoded);
        if (entry instanceof JournalEntry.Deleted) {
          delete(run, row);
        } else {
          put(run, row, head, encoded, entry);
        }
      }
      return head;
    }

    private void put(RunKey run, byte[] row, Head head, ByteBuffer encoded, JournalEntry entry)
        throws RocksDBException {
      key.clear().put(row).putLong(head.sequence()).flip();
      valueOf(Rows.HEAD_BYTES + encoded.remaining()).putLong(head.checksum()).put(encoded).flip();
      batch.put(database.handle(Family.ENTRIES), key, value);
      index(run, row, head.sequence(), entry);
      newPlaces.put(run, new Place(row, head));
    }

    private void index(RunKey run, byte[] row, long sequence, JournalEntry entry)
        throws RocksDBException {
      switch (entry) {
        case JournalEntry.Created created -> {
          batch.put(
              database.handle(Family.NAMES), Rows.name(run.id()), Rows.value(run.incarnation()));
          newNames.put(run.id(), run);
        }
        case JournalEntry.Batch observations -> index(row, sequence, observations);
        case JournalEntry.Rewound rewound -> {
          key.clear().put(row).putLong(sequence).flip();
          value.clear().putLong(rewound.nextStep()).flip();
          batch.put(database.handle(Family.REWINDS), key, value);
        }
        case JournalEntry.Finished finished -> {}
        case JournalEntry.Evaluated evaluated -> {}
        case JournalEntry.Trimmed trim -> trim(run, row, trim.firstSequence());
        case JournalEntry.Deleted deleted -> {}
      }
    }

    private void index(byte[] row, long sequence, JournalEntry.Batch observations)
        throws RocksDBException {
      String text = observations.key();
      if (text != null) {
        key.clear().put(row).put(text.getBytes(UTF_8)).flip();
        value.clear().putLong(sequence).putLong(observations.batch().step()).flip();
        batch.put(database.handle(Family.KEYS), key, value);
      }
    }

    /**
     * The entries go with one range: one a thousand of them, and nobody reads across it, since
     * reading the run goes on after it. Of snapshots and rewinds there are few.
     */
    private void trim(RunKey run, byte[] row, long first) throws RocksDBException {
      if (first <= first(row)) {
        // Of a run that came here when more was trimmed away already.
        return;
      }
      byte[] end = Rows.at(row, first);
      batch.deleteRange(database.handle(Family.ENTRIES), Rows.at(row, 2), end);
      for (Family family : List.of(Family.SNAPSHOTS, Family.REWINDS)) {
        try (Database.Range range = database.range(family, row, end)) {
          for (boolean more = range.first(); more; more = range.next()) {
            batch.delete(database.handle(family), range.key());
          }
        }
      }
      putFirst(row, first);
      forgottenKeys.put(batch, run, row);
      trimmed.add(run);
    }

    private void putFirst(byte[] row, long first) throws RocksDBException {
      batch.put(
          database.handle(Family.DEFAULT),
          Rows.trimmed(row),
          ByteBuffer.allocate(Long.BYTES).putLong(first).array());
    }

    private void delete(RunKey run, byte[] row) throws RocksDBException {
      byte[] end = Rows.end(row);
      for (Family family : List.of(Family.ENTRIES, Family.KEYS, Family.REWINDS, Family.SNAPSHOTS)) {
        batch.deleteRange(database.handle(family), row, end);
      }
      for (DocumentKind kind : DocumentKind.values()) {
        byte[] from = Rows.documents(kind, row);
        byte[] to = Rows.end(from);
        try (Database.Range range = database.range(Family.DOCUMENTS, from, to)) {
          // Few runs have any, and every deleted range costs those who read across it.
          if (range.first()) {
            batch.deleteRange(database.handle(Family.DOCUMENTS), from, to);
          }
        }
      }
      if (first(row) > 0) {
        batch.delete(database.handle(Family.DEFAULT), Rows.trimmed(row));
        batch.delete(database.handle(Family.DEFAULT), Rows.trimming(row));
      }
      batch.delete(database.handle(Family.NAMES), Rows.name(run.id()));
      newNames.put(run.id(), null);
      newPlaces.put(run, new Place(row, Head.NONE));
    }

    private ByteBuffer valueOf(int count) {
      if (value.capacity() < count) {
        value = ByteBuffer.allocateDirect(Integer.highestOneBit(count) * 2);
      }
      return value.clear();
    }

    void clear() {
      batch.clear();
      newPlaces.clear();
      newNames.clear();
      trimmed.clear();
    }

    @Override
    public void close() {
      batch.close();
    }
  }
}
