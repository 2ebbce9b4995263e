package resure.journal.rocksdb;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;
import resure.journal.Append;
import resure.journal.CorruptJournalException;
import resure.journal.Document;
import resure.journal.DocumentKind;
import resure.journal.EntryFormat;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.Snapshot;
import resure.journal.StoredEntry;
import resure.journal.rocksdb.Database.Family;
import resure.journal.rocksdb.Heads.Head;
import resure.observation.RunId;

/**
 * The journal's calls in terms of rows, on one open database. Thread-safe, but for two callers who
 * write to one run: they hold its name in {@link #heads}.
 */
final class Store implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(Store.class.getName());

  /** Snapshots of a run that are kept whatever their age. */
  private static final int NEWEST_SNAPSHOTS = 4;

  private static final Head GONE = new Head(new byte[0], 0);

  private final Database database;
  private final Watermark watermark;
  private final Heads heads = new Heads();

  /** As many as ever appended at once. */
  private final Queue<Group> idle = new ConcurrentLinkedQueue<>();

  private final Path path;

  /** The manifest at the last look; checks may overlap, and then one of them is as good. */
  private volatile @Nullable Manifest looked;

  Store(Path path, Database database, Watermark watermark) {
    this.path = path;
    this.database = database;
    this.watermark = watermark;
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

  String written() {
    return database.written();
  }

  /** The caller holds the names of all runs. A {@link RocksDBException} is that of the write. */
  Set<RunKey> append(List<Append> group) throws RocksDBException, JournalException {
    Group rows = idle.poll();
    if (rows == null) {
      rows = new Group();
    }
    try {
      return rows.append(group);
    } finally {
      rows.clear();
      idle.add(rows);
    }
  }

  private Head head(RunKey run) throws JournalException {
    Head known = heads.get(run);
    if (known != null) {
      return known;
    }
    byte[] row = Rows.run(run);
    try (Database.Range range = database.range(Family.ENTRIES, row, Rows.end(row))) {
      Head head = new Head(row, range.last() ? Rows.sequence(range.key()) : 0);
      heads.put(run, head);
      return head;
    } catch (RocksDBException e) {
      throw RocksDbJournal.unread(e);
    }
  }

  @Nullable RunKey lookup(RunId id) throws RocksDBException, JournalException {
    byte[] value = database.get(Family.NAMES, Rows.name(id));
    return value == null ? null : new RunKey(id, Rows.incarnation(value));
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
        if (sequence != expected) {
          throw new CorruptJournalException(
              "entry %d of %s is missing".formatted(expected, run.incarnation()));
        }
        byte[] value = range.value();
        entries.add(
            new StoredEntry(sequence, EntryFormat.decode(run.incarnation(), sequence, value)));
        bytes += value.length;
        expected++;
      }
    }
    return entries;
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

  /** The caller holds the run's name. A {@link RocksDBException} is that of the write. */
  void save(RunKey run, Snapshot snapshot) throws RocksDBException, JournalException {
    Head head = head(run);
    if (head.sequence() == 0) {
      return;
    }
    try (WriteBatch batch = new WriteBatch()) {
      byte[] key = Rows.at(head.row(), snapshot.sequence());
      batch.put(database.handle(Family.SNAPSHOTS), key, Rows.checked(key, snapshot.state()));
      for (long sequence : superseded(head.row(), snapshot.sequence())) {
        batch.delete(database.handle(Family.SNAPSHOTS), Rows.at(head.row(), sequence));
      }
      write(batch);
    }
  }

  /**
   * Which snapshots to drop for the one of {@code saved}: beyond the newest few, one stays for each
   * power of two of age (in entries), the oldest: going back to some age never reads from more than
   * about eight times as far, and their number grows with the logarithm of the run's length.
   */
  private List<Long> superseded(byte[] row, long saved) throws JournalException {
    List<Long> superseded = new ArrayList<>();
    try (Database.Range range = database.range(Family.SNAPSHOTS, row, Rows.end(row))) {
      int younger = 1;
      int powerKept = -1;
      long candidate = -1;
      for (boolean more = range.last(); more; more = range.previous()) {
        long sequence = Rows.sequence(range.key());
        if (sequence >= saved) {
          continue;
        }
        if (younger < NEWEST_SNAPSHOTS) {
          younger++;
          continue;
        }
        int power = Long.SIZE - Long.numberOfLeadingZeros(saved - sequence);
        if (power == powerKept) {
          superseded.add(candidate);
        }
        powerKept = power;
        candidate = sequence;
      }
    } catch (RocksDBException e) {
      throw RocksDbJournal.unread(e);
    }
    return superseded;
  }

  @Nullable Snapshot snapshot(RunKey run, long atMost) {
    byte[] row = Rows.run(run);
    byte[] end = atMost == Long.MAX_VALUE ? Rows.end(row) : Rows.at(row, atMost + 1);
    try (Database.Range range = database.range(Family.SNAPSHOTS, row, end)) {
      for (boolean more = range.last(); more; more = range.previous()) {
        byte[] key = range.key();
        byte[] value = range.value();
        if (Rows.isChecked(key, value)) {
          byte[] state = Arrays.copyOfRange(value, Rows.CHECKSUM_BYTES, value.length);
          return new Snapshot(Rows.sequence(key), state);
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
    if (head(document.run()).sequence() == 0) {
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
    if (head(document.run()).sequence() == 0 || !isThere(key)) {
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

  private void write(WriteBatch batch) throws RocksDBException {
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
    private final Map<RunKey, Head> newHeads = new LinkedHashMap<>();
    private final Map<RunId, @Nullable RunKey> newNames = new HashMap<>();

    Set<RunKey> append(List<Append> group) throws RocksDBException, JournalException {
      Set<RunKey> conflicts = new HashSet<>();
      for (int from = 0, to; from < group.size(); from = to) {
        RunKey run = group.get(from).run();
        to = from + 1;
        while (to < group.size() && group.get(to).run().equals(run)) {
          to++;
        }
        List<Append> ofRun = group.subList(from, to);
        if (mayAppend(run, ofRun)) {
          for (Append append : ofRun) {
            add(run, append);
          }
        } else {
          conflicts.add(run);
        }
      }
      if (batch.count() > 0) {
        write(batch);
        heads.putAll(newHeads);
      }
      return conflicts;
    }

    private boolean mayAppend(RunKey run, List<Append> ofRun) throws JournalException {
      long head;
      boolean nameTaken;
      JournalEntry firstEntry = ofRun.getFirst().entry();
      try {
        head = newHeads.containsKey(run) ? newHead(run).sequence() : head(run).sequence();
        nameTaken = firstEntry instanceof JournalEntry.Created && name(run.id()) != null;
      } catch (CorruptJournalException e) {
        // Theirs alone: reading the tail to resolve the conflict tells the caller.
        return false;
      }
      long first = ofRun.getFirst().sequence();
      for (int i = 0; i < ofRun.size(); i++) {
        boolean created = ofRun.get(i).entry() instanceof JournalEntry.Created;
        if (ofRun.get(i).sequence() != first + i || created != (first + i == 1)) {
          throw new IllegalArgumentException("the entries of a run must ascend from its creation");
        }
      }
      return first == head + 1 && !nameTaken;
    }

    private Head newHead(RunKey run) {
      return newHeads.getOrDefault(run, GONE);
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

    private void add(RunKey run, Append append) throws RocksDBException, JournalException {
      Head head = newHeads.containsKey(run) ? newHead(run) : head(run);
      byte[] row = head.row();
      long sequence = append.sequence();
      JournalEntry entry = append.entry();
      if (entry instanceof JournalEntry.Deleted) {
        delete(run, row);
        return;
      }
      key.clear().put(row).putLong(sequence).flip();
      ByteBuffer encoded = format.encode(run.incarnation(), sequence, entry);
      valueOf(encoded.remaining()).put(encoded).flip();
      batch.put(database.handle(Family.ENTRIES), key, value);
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
        case JournalEntry.Deleted deleted -> {}
      }
      newHeads.put(run, new Head(row, sequence));
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
      batch.delete(database.handle(Family.NAMES), Rows.name(run.id()));
      newNames.put(run.id(), null);
      newHeads.put(run, new Head(row, 0));
    }

    private ByteBuffer valueOf(int count) {
      if (value.capacity() < count) {
        value = ByteBuffer.allocateDirect(Integer.highestOneBit(count) * 2);
      }
      return value.clear();
    }

    void clear() {
      batch.clear();
      newHeads.clear();
      newNames.clear();
    }

    @Override
    public void close() {
      batch.close();
    }
  }
}
