package resure.journal.rocksdb;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;
import resure.journal.CorruptJournalException;
import resure.journal.RunKey;
import resure.journal.rocksdb.Database.Family;
import resure.observation.RunId;

/**
 * Removes the rows of keys whose batches were trimmed away, which lie among those of the others and
 * are given to nobody any more. A bounded number at a time, while nobody writes to their run, so
 * that a key which is used again meanwhile is not lost. Any thread; what a run's cursor says
 * changes only under the run's name.
 */
final class ForgottenKeys {

  private static final System.Logger LOG = System.getLogger(ForgottenKeys.class.getName());

  /** Rows that are looked at while a run is held: some milliseconds. */
  private static final int PIECE = 1000;

  /** Pieces at a time. */
  private static final int PIECES = 64;

  private final Database database;
  private final Heads heads;

  /** Where to go on, by run: all runs that have such rows. */
  private final Map<RunKey, byte[]> unfinished = new ConcurrentHashMap<>();

  /** Finds what had not ended when the database was closed. */
  ForgottenKeys(Database database, Heads heads) throws RocksDBException, CorruptJournalException {
    this.database = database;
    this.heads = heads;
    try (Database.Range range =
        database.range(Family.DEFAULT, Rows.TRIMMING, Rows.end(Rows.TRIMMING))) {
      for (boolean more = range.first(); more; more = range.next()) {
        add(Rows.trimming(range.key(), range.value()));
      }
    }
  }

  /** What says, with the trimming itself, that a run has such rows. */
  void put(WriteBatch batch, RunKey run, byte[] row) throws RocksDBException {
    batch.put(
        database.handle(Family.DEFAULT), Rows.trimming(row), run.id().name().getBytes(US_ASCII));
  }

  /** To be called when that is written; the caller holds the run's name. */
  void add(RunKey run) {
    unfinished.put(run, Rows.run(run));
  }

  /**
   * Removes some.
   *
   * @param store what writes a batch
   */
  void remove(Store store) throws RocksDBException {
    int pieces = 0;
    for (RunKey run : unfinished.keySet()) {
      boolean more = true;
      while (more && pieces < PIECES) {
        pieces++;
        List<RunId> name = List.of(run.id());
        heads.hold(name);
        try {
          more = removePiece(store, run);
        } finally {
          heads.release(name);
        }
      }
    }
  }

  /** Whether the run has more of them. A {@link RocksDBException} is that of a write. */
  private boolean removePiece(Store store, RunKey run) throws RocksDBException {
    byte[] cursor = unfinished.get(run);
    if (cursor == null) {
      return false;
    }
    try (WriteBatch batch = new WriteBatch()) {
      byte[] next;
      try {
        next = find(Rows.run(run), cursor, batch);
      } catch (RocksDBException e) {
        LOG.log(Level.WARNING, "keys of " + run.incarnation() + " cannot be read; some stay", e);
        unfinished.remove(run);
        return false;
      }
      if (next == null) {
        batch.delete(database.handle(Family.DEFAULT), Rows.trimming(Rows.run(run)));
      }
      if (batch.count() > 0) {
        store.write(batch);
      }
      if (next == null) {
        unfinished.remove(run);
        return false;
      }
      unfinished.put(run, next);
      return true;
    }
  }

  /** Adds what is to be removed; gives where to go on, null for nowhere. */
  private byte @Nullable [] find(byte[] row, byte[] from, WriteBatch batch)
      throws RocksDBException {
    byte[] first = database.get(Family.DEFAULT, Rows.trimmed(row));
    if (first == null) {
      return null;
    }
    try (Database.Range range = database.range(Family.KEYS, from, Rows.end(row))) {
      boolean more = range.first();
      for (int looked = 0; more; looked++, more = range.next()) {
        byte[] key = range.key();
        if (looked == PIECE) {
          return key;
        }
        if (isForgotten(range.value(), first)) {
          batch.delete(database.handle(Family.KEYS), key);
        }
      }
      return null;
    }
  }

  /** Whether a key's row is of a batch that was trimmed away, and has a step. */
  private static boolean isForgotten(byte[] value, byte[] first) {
    ByteBuffer found = ByteBuffer.wrap(value);
    return value.length == Rows.KEY_VALUE_BYTES
        && found.getLong() < ByteBuffer.wrap(first).getLong()
        && found.getLong() >= 0;
  }
}
