package resure.journal.rocksdb;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.CompressionType;
import org.rocksdb.FlushOptions;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.Slice;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;
import resure.journal.Head;
import resure.journal.JournalException;
import resure.journal.JournalUnavailableException;
import resure.journal.Row;
import resure.journal.RowChange;
import resure.journal.RowKind;
import resure.journal.RowsMark;
import resure.journal.RunKey;
import resure.journal.RunRows;

/**
 * The rows of read models, in a RocksDB of their own beside the journal: without a log, since the
 * journal tells again what a crash has cost, and so that neither waits for the other's disk. One
 * that is damaged, or of another format, is begun anew. Opened when it is first asked for.
 *
 * <pre>
 *   0xFF                -> version (1)
 *   run, 0              -> sequence (8), checksum (8), newest step (8), from (8): the mark
 *   run, kind (1), key  -> content          kinds from 1; run as in {@link Rows}
 * </pre>
 *
 * <p>All of it is in one column family, so that what a crash leaves is as it was at one moment.
 *
 * <p>Threads: every call holds {@code gate} for reading; opening, and closing after a failure, hold
 * it for writing. Writers take turns by {@code turn}.
 */
final class RowDatabase implements RunRows {

  private static final System.Logger LOG = System.getLogger(RowDatabase.class.getName());

  private static final byte[] FORMAT = {1};

  /** After every run, which begins with the length of its tenant. */
  private static final byte[] FORMAT_KEY = {(byte) 0xFF};

  private static final int MARK_BYTES = 4 * Long.BYTES;
  private static final long MEMTABLE_BYTES = 16L << 20;

  /** Table files that are not compacted yet; with twice as many, writers wait. */
  private static final int MOST_YOUNG_FILES = 32;

  private static final long SMALLEST_BLOB_BYTES = 1024;

  /**
   * The part of all blob files, the oldest, whose rows every compaction copies, however few of them
   * were removed. Many rows are of runs that are over: a large part would copy them for ever.
   */
  private static final double COPIED_PART = 0.05;

  /** Of what is in those the part that is removed, beyond which they are compacted for that. */
  private static final double GARBAGE_RATIO = 0.5;

  private static final long CACHE_BYTES = 8L << 20;
  private static final byte MARK = 0;
  private static final byte[] NO_KEY = {};

  private final Path path;
  private final Alive alive;
  private final ReadWriteLock gate = new ReentrantReadWriteLock();
  private final Object turn = new Object();
  private @Nullable Opened opened;

  /** Whether what is open has failed and is to be opened again; volatile, so that it is seen. */
  private volatile boolean failed;

  private boolean closed;

  /** Whether a run is there, by what its keys begin with. */
  @FunctionalInterface
  interface Alive {
    boolean is(byte[] run) throws JournalException;
  }

  /** What is native. */
  private record Opened(
      RocksDB db, Options options, LRUCache cache, BloomFilter filter, WriteOptions unlogged) {

    void close() {
      db.close();
      unlogged.close();
      options.close();
      filter.close();
      cache.close();
    }
  }

  RowDatabase(Path path, Alive alive) {
    this.path = path;
    this.alive = alive;
  }

  @FunctionalInterface
  private interface Work<T extends @Nullable Object> {
    T on(Opened open) throws RocksDBException, JournalException;
  }

  private <T extends @Nullable Object> T call(Work<T> work) throws JournalException {
    gate.readLock().lock();
    try {
      Opened open = opened;
      if (open != null && !failed) {
        return work.on(open);
      }
    } catch (RocksDBException e) {
      throw failed(e);
    } finally {
      gate.readLock().unlock();
    }
    open();
    gate.readLock().lock();
    try {
      Opened open = opened;
      if (open == null) {
        throw new JournalUnavailableException("the rows are closed");
      }
      return work.on(open);
    } catch (RocksDBException e) {
      throw failed(e);
    } finally {
      gate.readLock().unlock();
    }
  }

  /** Whatever it was: the next call opens what is there, or begins anew. */
  private JournalUnavailableException failed(RocksDBException e) {
    failed = true;
    return new JournalUnavailableException("rows cannot be used: " + e.getMessage(), e);
  }

  private void open() throws JournalException {
    gate.writeLock().lock();
    try {
      if (closed) {
        throw new JournalUnavailableException("the rows are closed");
      }
      if (opened != null) {
        if (!failed) {
          return;
        }
        opened.close();
        opened = null;
      }
      failed = false;
      try {
        opened = openWhole();
      } catch (RocksDBException e) {
        LOG.log(
            System.Logger.Level.WARNING, "Rows of read models are begun anew: " + e.getMessage());
        remove();
        opened = openWhole();
      }
      sweep(opened);
    } catch (RocksDBException | IOException e) {
      throw new JournalUnavailableException("rows cannot be opened: " + e.getMessage(), e);
    } finally {
      gate.writeLock().unlock();
    }
  }

  private Opened openWhole() throws RocksDBException {
    LRUCache cache = new LRUCache(CACHE_BYTES);
    // A row is looked for in each young file that does not say that it has it not.
    BloomFilter filter = new BloomFilter();
    Options options =
        new Options()
            .setCreateIfMissing(true)
            .setTableFormatConfig(
                new BlockBasedTableConfig().setBlockCache(cache).setFilterPolicy(filter))
            // Rows are packed already, and most are removed again before they are ever compacted.
            .setCompressionType(CompressionType.NO_COMPRESSION)
            .setEnableBlobFiles(true)
            .setMinBlobSize(SMALLEST_BLOB_BYTES)
            .setEnableBlobGarbageCollection(true)
            .setBlobGarbageCollectionAgeCutoff(COPIED_PART)
            .setBlobGarbageCollectionForceThreshold(GARBAGE_RATIO)
            .setWriteBufferSize(MEMTABLE_BYTES)
            .setMaxWriteBufferNumber(3)
            // A table file is small, as what is large is beside it, and says by its filter what it
            // has not: compacting a few of them into what there is already would cost more.
            .setLevel0FileNumCompactionTrigger(MOST_YOUNG_FILES)
            .setLevel0SlowdownWritesTrigger(2 * MOST_YOUNG_FILES)
            .setLevel0StopWritesTrigger(3 * MOST_YOUNG_FILES)
            .setMaxBgErrorResumeCount(0)
            .setStatsDumpPeriodSec(0)
            .setStatsPersistPeriodSec(0)
            .setInfoLogLevel(InfoLogLevel.WARN_LEVEL)
            .setMaxLogFileSize(1 << 20)
            .setKeepLogFileNum(2);
    WriteOptions unlogged = new WriteOptions().setDisableWAL(true);
    RocksDB db;
    try {
      db = RocksDB.open(options, path.toString());
    } catch (RocksDBException e) {
      unlogged.close();
      options.close();
      filter.close();
      cache.close();
      throw e;
    }
    Opened open = new Opened(db, options, cache, filter, unlogged);
    try {
      byte[] format = db.get(FORMAT_KEY);
      if (format == null) {
        try (RocksIterator rows = db.newIterator()) {
          rows.seekToFirst();
          if (rows.isValid()) {
            throw new RocksDBException("they are of no known format");
          }
        }
        db.put(unlogged, FORMAT_KEY, FORMAT);
      } else if (!Arrays.equals(format, FORMAT)) {
        throw new RocksDBException("they are of another format");
      }
      return open;
    } catch (RocksDBException e) {
      open.close();
      throw e;
    }
  }

  private void remove() throws IOException {
    try (Stream<Path> files = Files.walk(path)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  /** Removes what runs left behind that went while nobody looked. */
  private void sweep(Opened open) throws RocksDBException, JournalException {
    byte[] from = {};
    while (true) {
      byte[] run;
      try (RocksIterator rows = open.db.newIterator()) {
        rows.seek(from);
        rows.status();
        if (!rows.isValid() || rows.key()[0] == FORMAT_KEY[0]) {
          return;
        }
        byte[] key = rows.key();
        run = Arrays.copyOf(key, 1 + Byte.toUnsignedInt(key[0]) + Rows.INCARNATION_BYTES);
      }
      from = Rows.end(run);
      if (!alive.is(run)) {
        open.db.deleteRange(open.unlogged, run, from);
      }
    }
  }

  @Override
  public @Nullable RowsMark mark(RunKey run) throws JournalException {
    byte[] key = key(Rows.run(run), MARK, NO_KEY);
    return this.<@Nullable RowsMark>call(open -> mark(open.db.get(key)));
  }

  private static @Nullable RowsMark mark(byte @Nullable [] value) throws RocksDBException {
    if (value == null) {
      return null;
    }
    if (value.length != MARK_BYTES) {
      throw new RocksDBException("a mark is of the wrong size");
    }
    ByteBuffer bytes = ByteBuffer.wrap(value);
    return new RowsMark(
        new Head(bytes.getLong(), bytes.getLong()), bytes.getLong(), bytes.getLong());
  }

  private static byte[] value(RowsMark mark) {
    return ByteBuffer.allocate(MARK_BYTES)
        .putLong(mark.head().sequence())
        .putLong(mark.head().checksum())
        .putLong(mark.newestStep())
        .putLong(mark.from())
        .array();
  }

  private static byte[] key(byte[] run, byte kind, byte[] key) {
    return ByteBuffer.allocate(run.length + 1 + key.length).put(run).put(kind).put(key).array();
  }

  private static byte kind(RowKind kind) {
    return switch (kind) {
      case DIALOGUES -> 1;
      case HISTORY -> 2;
    };
  }

  @Override
  public byte @Nullable [] get(RunKey run, RowKind kind, byte[] key) throws JournalException {
    byte[] row = key(Rows.run(run), kind(kind), key);
    return this.<byte @Nullable []>call(open -> open.db.get(row));
  }

  @Override
  public List<Row> scan(RunKey run, RowKind kind, byte[] from, byte @Nullable [] to, int limit)
      throws JournalException {
    byte[] row = Rows.run(run);
    byte[] first = key(row, kind(kind), from);
    byte[] end = to == null ? key(row, (byte) (kind(kind) + 1), NO_KEY) : key(row, kind(kind), to);
    return call(
        open -> {
          List<Row> found = new ArrayList<>();
          try (Slice bound = new Slice(end);
              ReadOptions bounded = new ReadOptions().setIterateUpperBound(bound);
              RocksIterator rows = open.db.newIterator(bounded)) {
            for (rows.seek(first); rows.isValid() && found.size() < limit; rows.next()) {
              byte[] key = rows.key();
              found.add(new Row(Arrays.copyOfRange(key, row.length + 1, key.length), rows.value()));
            }
            rows.status();
          }
          return found;
        });
  }

  @Override
  public boolean write(
      RunKey run, @Nullable RowsMark expected, RowsMark next, List<RowChange> changes)
      throws JournalException {
    byte[] row = Rows.run(run);
    return move(
        row,
        expected,
        next,
        batch -> {
          for (RowChange change : changes) {
            byte[] key = key(row, kind(change.kind()), change.key());
            byte[] content = change.content();
            if (content == null) {
              batch.delete(key);
            } else {
              batch.put(key, content);
            }
          }
        });
  }

  @Override
  public boolean clear(RunKey run, @Nullable RowsMark expected, RowsMark next)
      throws JournalException {
    byte[] row = Rows.run(run);
    return move(row, expected, next, batch -> batch.deleteRange(row, Rows.end(row)));
  }

  @FunctionalInterface
  private interface Changing {
    void to(WriteBatch batch) throws RocksDBException;
  }

  private boolean move(byte[] row, @Nullable RowsMark expected, RowsMark next, Changing changing)
      throws JournalException {
    byte[] key = key(row, MARK, NO_KEY);
    return call(
        open -> {
          synchronized (turn) {
            if (!Objects.equals(mark(open.db.get(key)), expected) || !alive.is(row)) {
              return false;
            }
            try (WriteBatch batch = new WriteBatch()) {
              changing.to(batch);
              batch.put(key, value(next));
              open.db.write(open.unlogged, batch);
            }
          }
          if (!alive.is(row)) {
            // Deleted meanwhile, perhaps before this was written.
            open.db.deleteRange(open.unlogged, row, Rows.end(row));
            return false;
          }
          return true;
        });
  }

  /** A run is gone. Rows that cannot be removed now are when this is next opened. */
  void remove(RunKey run) {
    byte[] row = Rows.run(run);
    gate.readLock().lock();
    try {
      Opened open = opened;
      if (open != null) {
        open.db.deleteRange(open.unlogged, row, Rows.end(row));
      }
    } catch (RocksDBException e) {
      LOG.log(System.Logger.Level.DEBUG, "rows of a run that is gone were not removed", e);
    } finally {
      gate.readLock().unlock();
    }
  }

  /** What is not on the disk yet is put there. */
  void close() {
    gate.writeLock().lock();
    try {
      closed = true;
      Opened open = opened;
      opened = null;
      if (open != null) {
        try (FlushOptions flush = new FlushOptions().setWaitForFlush(true)) {
          open.db.flush(flush);
        } catch (RocksDBException e) {
          LOG.log(System.Logger.Level.DEBUG, "the last rows were not written", e);
        }
        open.close();
      }
    } finally {
      gate.writeLock().unlock();
    }
  }
}
