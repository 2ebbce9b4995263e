package resure.journal.rocksdb;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksDBException;
import org.rocksdb.Status;
import org.rocksdb.WriteBatch;
import resure.journal.Append;
import resure.journal.CorruptJournalException;
import resure.journal.Document;
import resure.journal.DocumentKind;
import resure.journal.Durability;
import resure.journal.Head;
import resure.journal.Journal;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.JournalUnavailableException;
import resure.journal.LastingKey;
import resure.journal.OutcomeUnknownException;
import resure.journal.RunKey;
import resure.journal.RunRows;
import resure.journal.Snapshot;
import resure.journal.StoredEntry;
import resure.observation.RunId;

/**
 * A journal in an embedded RocksDB, held by one process.
 *
 * <p>Failure: after the first write that fails, nothing is written and nothing read until {@link
 * #check} has closed and reopened the database, which recovers what it finds in its log: a write is
 * never tried again. Recovery writes what it read to new, synced files, so that pages which a
 * failed sync left in memory only are not taken for durable.
 *
 * <p>Threads: every call holds {@code gate} for reading, closing and reopening hold it for writing,
 * so that native memory is never freed under a call. {@code failure} is volatile, so that calls
 * need no other lock to see it; {@code store} changes only under the gate.
 */
public final class RocksDbJournal implements Journal {

  private static final System.Logger LOG = System.getLogger(RocksDbJournal.class.getName());

  private final Durability durability;
  private final StateDirectory state;
  private final RowDatabase rows;
  private final ReadWriteLock gate = new ReentrantReadWriteLock();
  private @Nullable Store store;
  private volatile @Nullable Exception failure;
  private boolean closed;

  private RocksDbJournal(StateDirectory state, Durability durability, Store store) {
    this.state = state;
    this.durability = durability;
    this.store = store;
    rows = new RowDatabase(state.rows(), run -> read(open -> open.hasEntries(run)));
  }

  /** Whether there is a store in a directory, whatever its state. */
  public static boolean isIn(Path directory) {
    return Files.exists(directory.resolve(StateDirectory.MARKER));
  }

  /**
   * Opens the store of a directory; one that is empty or absent is initialised.
   *
   * @throws JournalUnavailableException when the directory is in use, foreign, of a newer release,
   *     or cannot be used; the message says what to do
   * @throws CorruptJournalException when what is in it is damaged or incomplete; the directory is
   *     left as it is
   */
  public static RocksDbJournal open(Path directory, Durability durability) throws JournalException {
    StateDirectory state = StateDirectory.open(directory);
    try {
      if (!state.ready()) {
        initialise(state);
      }
      return new RocksDbJournal(state, durability, openStore(state, durability));
    } catch (JournalException | RuntimeException | Error e) {
      state.close();
      throw e;
    }
  }

  private static void initialise(StateDirectory state) throws JournalException {
    try {
      state.clear();
      try (Database database = new Database(state.database(), Durability.FSYNC, true, false);
          WriteBatch batch = new WriteBatch()) {
        ByteBuffer id =
            ByteBuffer.allocate(16)
                .putLong(state.store().getMostSignificantBits())
                .putLong(state.store().getLeastSignificantBits());
        batch.put(database.handle(Database.Family.DEFAULT), Rows.STORE, id.array());
        database.write(batch);
        Watermark.start(
                state.watermark(),
                state.store(),
                Durability.FSYNC,
                database.reached(),
                Manifest.UNKNOWN)
            .close();
      }
      state.markReady();
    } catch (RocksDBException | IOException e) {
      throw new JournalUnavailableException(
          "State directory %s could not be initialised: %s. It must be on a writable disk with room"
              .formatted(state.directory(), e.getMessage()),
          e);
    }
  }

  private static Store openStore(StateDirectory state, Durability durability)
      throws JournalException {
    if (!Files.isDirectory(state.database())) {
      throw new CorruptJournalException(
          "State directory %s has a marker but no database (%s). Restore the directory from a backup"
              .formatted(state.directory(), state.database().getFileName()));
    }
    Watermark.@Nullable Found found;
    try {
      found = Watermark.find(state.watermark(), state.store());
      // Before RocksDB sees it: opening would remove the tables that a cut manifest does not name.
      if (found != null && !found.manifest().isKept(state.database())) {
        throw new CorruptJournalException(
            "State directory %s: the database's list of files (CURRENT, MANIFEST) is damaged, or cut"
                    .formatted(state.directory())
                + " short. Restore the directory from a backup");
      }
    } catch (JournalException e) {
      throw e;
    } catch (IOException e) {
      throw new JournalUnavailableException(
          "State directory %s cannot be read: %s".formatted(state.directory(), e), e);
    }
    boolean tailMayBeLost = found != null && found.mayBeAhead();
    Database database;
    try {
      database = new Database(state.database(), durability, false, tailMayBeLost);
    } catch (RocksDBException e) {
      throw notOpened(state, e);
    }
    try {
      requireOwn(state, database);
      requireComplete(state, database, found, tailMayBeLost);
      Manifest manifest = Manifest.look(state.database());
      Watermark watermark =
          Watermark.start(
              state.watermark(),
              state.store(),
              durability,
              database.reached(),
              manifest == null ? Manifest.UNKNOWN : manifest.withChecksum(state.database()));
      return new Store(state.database(), database, watermark);
    } catch (RocksDBException e) {
      database.close();
      throw notOpened(state, e);
    } catch (JournalException | RuntimeException | Error e) {
      database.close();
      throw e;
    } catch (IOException e) {
      database.close();
      throw new JournalUnavailableException(
          "State directory %s cannot be written: %s".formatted(state.directory(), e), e);
    }
  }

  private static JournalException notOpened(StateDirectory state, RocksDBException e) {
    String found =
        "State directory %s: the database does not open: %s"
            .formatted(state.directory(), e.getMessage());
    if (isCorruption(e)) {
      return new CorruptJournalException(
          found + ". It is damaged; restore the directory from a backup", e);
    }
    return new JournalUnavailableException(
        found + ". If the disk is writable and has room, restore the directory from a backup", e);
  }

  private static void requireOwn(StateDirectory state, Database database)
      throws RocksDBException, CorruptJournalException {
    byte[] id = database.get(Database.Family.DEFAULT, Rows.STORE);
    byte[] expected =
        ByteBuffer.allocate(16)
            .putLong(state.store().getMostSignificantBits())
            .putLong(state.store().getLeastSignificantBits())
            .array();
    if (!Arrays.equals(id, expected)) {
      throw new CorruptJournalException(
          "State directory %s: the database is not the one of the marker: files of two directories"
                  .formatted(state.directory())
              + " were mixed. Restore the directory from a backup");
    }
  }

  private static void requireComplete(
      StateDirectory state,
      Database database,
      Watermark.@Nullable Found found,
      boolean tailMayBeLost)
      throws CorruptJournalException {
    long reached = database.reached();
    if (found == null) {
      LOG.log(
          Level.WARNING,
          "State directory {0}: there was no {1} to tell whether the database is complete",
          state.directory(),
          state.watermark().getFileName());
    } else if (reached < found.sequence()) {
      String loss =
          "State directory %s: the database ends at write %d, but %d had been reached"
              .formatted(state.directory(), reached, found.sequence());
      if (!tailMayBeLost) {
        throw new CorruptJournalException(
            loss
                + ": a file is damaged, or this is a copy that was taken while the service ran."
                + " Restore the directory from a backup, or remove %s to accept the loss"
                    .formatted(state.watermark().getFileName()));
      }
      LOG.log(Level.WARNING, "{0}: lost with the last boot, as durability os allows", loss);
    }
  }

  private static boolean isCorruption(RocksDBException e) {
    Status status = e.getStatus();
    return status != null && status.getCode() == Status.Code.Corruption;
  }

  /** What the caller is told of a read that failed. */
  static JournalException unread(RocksDBException e) {
    return isCorruption(e)
        ? new CorruptJournalException("the database is damaged: " + e.getMessage(), e)
        : new JournalUnavailableException("the database cannot be read: " + e.getMessage(), e);
  }

  /** The store, under the gate. */
  private Store usable() throws JournalUnavailableException {
    Exception cause = failure;
    Store open = store;
    if (cause != null) {
      throw new JournalUnavailableException(
          "the store is closed since a write failed: " + cause.getMessage(), cause);
    }
    if (open == null) {
      throw new JournalUnavailableException("the store is closed");
    }
    return open;
  }

  @FunctionalInterface
  private interface Reading<T extends @Nullable Object> {
    T from(Store store) throws RocksDBException, JournalException;
  }

  private <T extends @Nullable Object> T read(Reading<T> reading) throws JournalException {
    gate.readLock().lock();
    try {
      return reading.from(usable());
    } catch (RocksDBException e) {
      throw unread(e);
    } finally {
      gate.readLock().unlock();
    }
  }

  /** False: the directory is locked. */
  @Override
  public boolean shared() {
    return false;
  }

  @Override
  public Map<RunKey, Head> append(List<Append> group) throws JournalException {
    gate.readLock().lock();
    try {
      List<RunId> names = group.stream().map(append -> append.run().id()).distinct().toList();
      Store open = usable();
      open.heads().hold(names);
      try {
        // While waiting for another writer, its write may have failed.
        Map<RunKey, Head> appended = usable().append(group);
        forgetRows(group, appended);
        return appended;
      } catch (RocksDBException e) {
        failure = e;
        throw new OutcomeUnknownException("a write failed: " + e.getMessage(), e);
      } finally {
        open.heads().release(names);
      }
    } finally {
      gate.readLock().unlock();
    }
  }

  private void forgetRows(List<Append> group, Map<RunKey, Head> appended) {
    for (Append append : group) {
      if (append.entries().getLast() instanceof JournalEntry.Deleted
          && appended.containsKey(append.run())) {
        rows.remove(append.run());
      }
    }
  }

  @Override
  public RunRows rows() {
    return rows;
  }

  @Override
  public boolean createTrimmed(RunKey run, StoredEntry created, StoredEntry first)
      throws JournalException {
    return write(run, open -> open.createTrimmed(run, created, first));
  }

  @Override
  public List<LastingKey> lastingKeys(RunKey run, @Nullable String after, int limit)
      throws JournalException {
    return read(open -> open.lastingKeys(run, after, limit));
  }

  @Override
  public void keep(RunKey run, List<LastingKey> keys) throws JournalException {
    write(
        run,
        open -> {
          open.keep(run, keys);
          return true;
        });
  }

  @Override
  public @Nullable Head head(RunKey run) throws JournalException {
    return this.<@Nullable Head>read(open -> open.head(run));
  }

  @Override
  public List<StoredEntry> read(RunKey run, long from, int maxBytes) throws JournalException {
    return read(open -> open.read(run, from, maxBytes));
  }

  @Override
  public long find(RunKey run, String key) throws JournalException {
    return read(open -> open.find(run, key));
  }

  @Override
  public @Nullable RunKey lookup(RunId id) throws JournalException {
    return this.<@Nullable RunKey>read(open -> open.lookup(id));
  }

  @Override
  public List<String> tenants() throws JournalException {
    return read(Store::tenants);
  }

  @Override
  public List<RunKey> list(String tenant, @Nullable String after, int limit)
      throws JournalException {
    return read(open -> open.list(tenant, after, limit));
  }

  @FunctionalInterface
  private interface Writing<T> {
    T to(Store store) throws RocksDBException, JournalException;
  }

  /** Writes what belongs to a run while nobody else writes to it. */
  private <T> T write(RunKey run, Writing<T> writing) throws JournalException {
    gate.readLock().lock();
    try {
      Store open = usable();
      List<RunId> name = List.of(run.id());
      open.heads().hold(name);
      try {
        return writing.to(usable());
      } catch (RocksDBException e) {
        failure = e;
        throw new OutcomeUnknownException("a write failed: " + e.getMessage(), e);
      } finally {
        open.heads().release(name);
      }
    } finally {
      gate.readLock().unlock();
    }
  }

  @Override
  public void save(RunKey run, Snapshot snapshot) throws JournalException {
    write(
        run,
        open -> {
          open.save(run, snapshot);
          return true;
        });
  }

  @Override
  public boolean keep(Document document, byte[] content) throws JournalException {
    return write(document.run(), open -> open.keep(document, content));
  }

  @Override
  public boolean move(Document document, DocumentKind to, byte[] content) throws JournalException {
    return write(document.run(), open -> open.move(document, to, content));
  }

  /** Owners end with their process, and there is only one. */
  @Override
  public boolean claim(Document document, String owner, Duration lease) throws JournalException {
    return content(document) != null;
  }

  @Override
  public void discard(Collection<Document> documents) throws JournalException {
    if (documents.isEmpty()) {
      return;
    }
    write(
        documents.iterator().next().run(),
        open -> {
          open.discard(documents);
          return true;
        });
  }

  @Override
  public byte @Nullable [] content(Document document) throws JournalException {
    return this.<byte @Nullable []>read(open -> open.content(document));
  }

  @Override
  public List<Document> documents(RunKey run, DocumentKind kind) throws JournalException {
    return read(open -> open.documents(run, kind));
  }

  @Override
  public List<Document> documents(DocumentKind kind) throws JournalException {
    return read(open -> open.documents(kind));
  }

  @Override
  public @Nullable Snapshot snapshot(RunKey run, long atMost) throws JournalException {
    return this.<@Nullable Snapshot>read(open -> open.snapshot(run, atMost));
  }

  @Override
  public void check() throws JournalException {
    if (failure != null) {
      reopen();
    }
    gate.readLock().lock();
    try {
      Store open = usable();
      open.sealManifest();
      open.collectGarbage();
    } catch (JournalException e) {
      throw e;
    } catch (RocksDBException e) {
      failure = e;
      throw new JournalUnavailableException("a write failed: " + e.getMessage(), e);
    } catch (IOException e) {
      throw new JournalUnavailableException("the state directory cannot be read: " + e, e);
    } finally {
      gate.readLock().unlock();
    }
  }

  private void reopen() throws JournalException {
    gate.writeLock().lock();
    try {
      if (failure == null || closed) {
        return;
      }
      if (store != null) {
        store.close();
        store = null;
      }
      store = openStore(state, durability);
      failure = null;
    } catch (JournalException e) {
      failure = e;
      throw e;
    } finally {
      gate.writeLock().unlock();
    }
  }

  /** Tells the store from others; kept by its copies. */
  public UUID id() {
    return state.store();
  }

  /**
   * Writes a copy of the state directory, with all that was appended before the call, while others
   * go on appending; by links to files that never change where it is on the same file system. Then
   * opens the copy and reads its tables, so that one that could not be restored throws.
   *
   * @param copy absent, its parent is there; left behind in any state when this throws
   */
  public void copyTo(Path copy) throws IOException {
    gate.readLock().lock();
    try {
      Files.createDirectory(copy);
      state.markCopy(copy, usable().copyTo(StateDirectory.database(copy)));
    } catch (RocksDBException e) {
      // What cannot be written there says nothing of what is here.
      throw new JournalUnavailableException("the store cannot be copied: " + e.getMessage(), e);
    } finally {
      gate.readLock().unlock();
    }
    try (RocksDbJournal opened = open(copy, Durability.FSYNC)) {
      opened.read(
          store -> {
            store.verify();
            return true;
          });
    }
  }

  /** Bytes of the store's files, as long as they are said to be; NaN when they cannot be read. */
  public double bytes() {
    try (Stream<Path> files = Files.list(state.database())) {
      return files.mapToLong(file -> file.toFile().length()).sum();
    } catch (IOException e) {
      return Double.NaN;
    }
  }

  /** Bytes that are free for it on its disk; NaN when that cannot be told. */
  public double freeBytes() {
    try {
      return Files.getFileStore(state.database()).getUsableSpace();
    } catch (IOException e) {
      return Double.NaN;
    }
  }

  @Override
  public void close() {
    gate.writeLock().lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      rows.close();
      if (store != null) {
        LOG.log(Level.DEBUG, "Written since opening: {0}", store.written());
        if (failure == null) {
          store.closeSealed();
        } else {
          store.close();
        }
        store = null;
      }
      state.close();
    } finally {
      gate.writeLock().unlock();
    }
  }
}
