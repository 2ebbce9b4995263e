package resure.journal.rocksdb;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.Cache;
import org.rocksdb.Checkpoint;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.CompressionType;
import org.rocksdb.DBOptions;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.LRUCache;
import org.rocksdb.MutableColumnFamilyOptions;
import org.rocksdb.Options;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.Slice;
import org.rocksdb.Statistics;
import org.rocksdb.StatsLevel;
import org.rocksdb.TickerType;
import org.rocksdb.WALRecoveryMode;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;
import resure.journal.Durability;

/**
 * An open RocksDB with its column families, and how it is tuned. Thread-safe until {@link #close},
 * during and after which nobody may call: native memory is gone then.
 *
 * <p>Entries are by far the most bytes, are written once and read seldom. They go to blob files, so
 * that a byte is written twice (log, blob) and compaction moves keys only.
 */
final class Database implements AutoCloseable {

  private static final long MIB = 1024 * 1024;

  /** Bounds what is replayed at opening. */
  private static final long LOG_BYTES = 64 * MIB;

  private static final long ENTRIES_MEMTABLE_BYTES = 32 * MIB;
  private static final long OTHERS_MEMTABLE_BYTES = 8 * MIB;
  private static final long BLOCK_CACHE_BYTES = 32 * MIB;
  private static final long BLOB_FILE_BYTES = 256 * MIB;

  /** Smaller entries (rewinds, ends) stay beside their keys. */
  private static final long SMALLEST_BLOB_BYTES = 256;

  private static final double BLOOM_BITS_PER_KEY = 10;

  /** Share of the blob files' bytes that is of deleted runs at which they are written anew. */
  private static final double GARBAGE_RATIO = 0.5;

  static {
    RocksDB.loadLibrary();
  }

  private final List<AutoCloseable> natives = new ArrayList<>();
  private final Statistics statistics;
  private final WriteOptions writeOptions;
  private final ReadOptions readOptions;

  /** Of what is large and read once: it must not push the rest out of the cache. */
  private final ReadOptions largeReads;

  private final Map<Family, ColumnFamilyHandle> handles = new EnumMap<>(Family.class);
  private final RocksDB db;

  /** Whether garbage is being collected; guarded by the monitor. */
  private boolean collecting;

  /** The column families, in the order in which they are opened. */
  enum Family {
    DEFAULT("default"),
    ENTRIES("entries"),
    NAMES("names"),
    KEYS("keys"),
    REWINDS("rewinds"),
    SNAPSHOTS("snapshots"),
    /** Since format 2; older directories get it when they are opened. */
    DOCUMENTS("documents");

    private final String label;

    Family(String label) {
      this.label = label;
    }
  }

  /**
   * Opens.
   *
   * @param create whether there is none yet; otherwise there must be one, in which {@code
   *     DOCUMENTS} may be missing
   * @param tailMayBeLost whether a log that ends early is legal, as after a boot under {@link
   *     Durability#OS}; what follows is then dropped. Otherwise only the last record may be cut
   */
  Database(Path path, Durability durability, boolean create, boolean tailMayBeLost)
      throws RocksDBException {
    try {
      statistics = keep(new Statistics());
      statistics.setStatsLevel(StatsLevel.EXCEPT_DETAILED_TIMERS);
      writeOptions = keep(new WriteOptions()).setSync(durability == Durability.FSYNC);
      readOptions = keep(new ReadOptions());
      largeReads = keep(new ReadOptions()).setFillCache(false);
      DBOptions options =
          options()
              .setCreateIfMissing(create)
              .setCreateMissingColumnFamilies(create || isOfFormat1(path))
              .setErrorIfExists(create)
              .setWalRecoveryMode(
                  tailMayBeLost
                      ? WALRecoveryMode.PointInTimeRecovery
                      : WALRecoveryMode.TolerateCorruptedTailRecords);
      ColumnFamilyOptions entries =
          family(ENTRIES_MEMTABLE_BYTES)
              .setMaxWriteBufferNumber(4)
              .setEnableBlobFiles(true)
              .setMinBlobSize(SMALLEST_BLOB_BYTES)
              .setBlobFileSize(BLOB_FILE_BYTES)
              .setBlobCompressionType(CompressionType.NO_COMPRESSION)
              // Which blob files are collected while it is on; see collectGarbage.
              .setBlobGarbageCollectionAgeCutoff(1.0)
              .setBlobGarbageCollectionForceThreshold(GARBAGE_RATIO);
      ColumnFamilyOptions others = family(OTHERS_MEMTABLE_BYTES).setMaxWriteBufferNumber(3);
      List<ColumnFamilyDescriptor> families =
          Stream.of(Family.values())
              .map(
                  family ->
                      new ColumnFamilyDescriptor(
                          family.label.getBytes(UTF_8),
                          family == Family.ENTRIES ? entries : others))
              .toList();
      List<ColumnFamilyHandle> opened = new ArrayList<>();
      db = RocksDB.open(options, path.toString(), families, opened);
      Iterator<ColumnFamilyHandle> next = opened.iterator();
      for (Family family : Family.values()) {
        handles.put(family, next.next());
      }
    } catch (RocksDBException | RuntimeException | Error e) {
      closeNatives();
      throw e;
    }
  }

  /** Whether all families are there but the one that came with format 2. */
  private static boolean isOfFormat1(Path path) throws RocksDBException {
    try (Options options = new Options()) {
      List<byte[]> present = RocksDB.listColumnFamilies(options, path.toString());
      Set<String> missing =
          Stream.of(Family.values()).map(family -> family.label).collect(Collectors.toSet());
      present.forEach(label -> missing.remove(new String(label, UTF_8)));
      return missing.equals(Set.of(Family.DOCUMENTS.label));
    }
  }

  private <T extends AutoCloseable> T keep(T object) {
    natives.add(object);
    return object;
  }

  private DBOptions options() {
    // The one option that has no setter: a log that was synced must be there, and as long.
    Properties byName = new Properties();
    byName.setProperty("track_and_verify_wals_in_manifest", "true");
    DBOptions options = keep(DBOptions.getDBOptionsFromProps(byName));
    return options
        .setParanoidChecks(true)
        .setMaxBackgroundJobs(2)
        .setMaxOpenFiles(-1)
        .setMaxTotalWalSize(LOG_BYTES)
        .setBytesPerSync(MIB)
        .setAvoidUnnecessaryBlockingIO(true)
        // After a failed write the service decides, by reopening.
        .setMaxBgErrorResumeCount(0)
        .setStatistics(statistics)
        .setStatsDumpPeriodSec(0)
        .setStatsPersistPeriodSec(0)
        .setInfoLogLevel(InfoLogLevel.WARN_LEVEL)
        .setMaxLogFileSize(4 * MIB)
        .setKeepLogFileNum(4);
  }

  private ColumnFamilyOptions family(long memtableBytes) {
    Cache cache = keep(new LRUCache(BLOCK_CACHE_BYTES));
    BlockBasedTableConfig tables =
        new BlockBasedTableConfig()
            .setBlockCache(cache)
            .setFilterPolicy(keep(new BloomFilter(BLOOM_BITS_PER_KEY)));
    return keep(new ColumnFamilyOptions())
        .setTableFormatConfig(tables)
        .setWriteBufferSize(memtableBytes)
        .setLevel0SlowdownWritesTrigger(40)
        .setLevel0StopWritesTrigger(60)
        .setCompressionType(CompressionType.LZ4_COMPRESSION);
  }

  ColumnFamilyHandle handle(Family family) {
    return requireNonNull(handles.get(family));
  }

  /** The last sequence number of RocksDB that a write of ours has got. */
  long reached() {
    return db.getLatestSequenceNumber();
  }

  /**
   * Copies what there is, on the same file system by links to the files, which never change.
   *
   * @param path absent; in a directory that is there
   */
  void copyTo(Path path) throws RocksDBException {
    try (Checkpoint checkpoint = Checkpoint.create(db)) {
      checkpoint.createCheckpoint(path.toString());
    }
  }

  /** Reads all tables, and throws when a block is damaged. */
  void verify() throws RocksDBException {
    db.verifyChecksum();
  }

  void write(WriteBatch batch) throws RocksDBException {
    db.write(writeOptions, batch);
  }

  byte @Nullable [] get(Family family, byte[] key) throws RocksDBException {
    return db.get(handle(family), family == Family.DOCUMENTS ? largeReads : readOptions, key);
  }

  /**
   * Turns the collection of deleted entries on while they are more than half of what is kept, and
   * off again. It is not left on: it makes every compaction of keys write the values of the oldest
   * files again, deleted or not, which is what blob files are to spare.
   */
  synchronized void collectGarbage() throws RocksDBException {
    ColumnFamilyHandle entries = handle(Family.ENTRIES);
    long all = db.getLongProperty(entries, "rocksdb.live-blob-file-size");
    long garbage = db.getLongProperty(entries, "rocksdb.live-blob-file-garbage-size");
    boolean needed = garbage > all * GARBAGE_RATIO;
    if (needed != collecting) {
      db.setOptions(
          entries,
          MutableColumnFamilyOptions.builder().setEnableBlobGarbageCollection(needed).build());
      collecting = needed;
    }
  }

  /** Rows of one family between two keys; to be closed. Not positioned yet. */
  Range range(Family family, byte[] from, byte[] to) {
    return new Range(family, from, to);
  }

  /** An iterator with its bounds. One thread. */
  final class Range implements AutoCloseable {

    private final Slice from;
    private final Slice to;
    private final ReadOptions bounded;
    private final RocksIterator iterator;

    private Range(Family family, byte[] fromKey, byte[] toKey) {
      from = new Slice(fromKey);
      to = new Slice(toKey);
      bounded =
          new ReadOptions()
              .setIterateLowerBound(from)
              .setIterateUpperBound(to)
              .setFillCache(family != Family.ENTRIES && family != Family.DOCUMENTS);
      iterator = db.newIterator(handle(family), bounded);
    }

    boolean first() throws RocksDBException {
      iterator.seekToFirst();
      return valid();
    }

    boolean last() throws RocksDBException {
      iterator.seekToLast();
      return valid();
    }

    boolean next() throws RocksDBException {
      iterator.next();
      return valid();
    }

    boolean previous() throws RocksDBException {
      iterator.prev();
      return valid();
    }

    private boolean valid() throws RocksDBException {
      if (iterator.isValid()) {
        return true;
      }
      // The end, or an error that looks like it.
      iterator.status();
      return false;
    }

    byte[] key() {
      return iterator.key();
    }

    byte[] value() {
      return iterator.value();
    }

    @Override
    public void close() {
      iterator.close();
      bounded.close();
      from.close();
      to.close();
    }
  }

  /** Bytes written since opening, by RocksDB's own counters, in words. */
  String written() {
    return "log %d, flushes %d, blob files %d, compactions %d bytes"
        .formatted(
            statistics.getTickerCount(TickerType.WAL_FILE_BYTES),
            statistics.getTickerCount(TickerType.FLUSH_WRITE_BYTES),
            statistics.getTickerCount(TickerType.BLOB_DB_BLOB_FILE_BYTES_WRITTEN),
            statistics.getTickerCount(TickerType.COMPACT_WRITE_BYTES));
  }

  @Override
  public void close() {
    for (ColumnFamilyHandle handle : handles.values()) {
      handle.close();
    }
    db.close();
    closeNatives();
  }

  private void closeNatives() {
    for (AutoCloseable object : natives.reversed()) {
      try {
        object.close();
      } catch (Exception e) {
        throw new IllegalStateException("a native object did not close", e);
      }
    }
  }
}
