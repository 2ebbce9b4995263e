package resure.journal.postgres;

import static java.nio.charset.StandardCharsets.US_ASCII;

import com.zaxxer.hikari.HikariConfig;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import resure.journal.Append;
import resure.journal.CorruptJournalException;
import resure.journal.Document;
import resure.journal.DocumentKind;
import resure.journal.Durability;
import resure.journal.Exclusive;
import resure.journal.Head;
import resure.journal.Incarnation;
import resure.journal.Journal;
import resure.journal.JournalException;
import resure.journal.JournalUnavailableException;
import resure.journal.LastingKey;
import resure.journal.RunKey;
import resure.journal.RunRows;
import resure.journal.Snapshot;
import resure.journal.SnapshotAges;
import resure.journal.StoredEntry;
import resure.observation.ObservationBatch;
import resure.observation.RunId;

/**
 * A journal in PostgreSQL, shared by any number of processes.
 *
 * <p>A run is there while its row of {@code heads} is. Every read joins that row, so a deleted run
 * is gone at once; its other rows are removed later, in pieces, by whoever calls {@link #check}.
 * What is kept beside the entries is written under a lock that keeps the head's row from being
 * deleted but not from being updated, so nothing is left behind of a run that goes meanwhile.
 *
 * <p>Keeps nothing in memory: safe for any number of threads.
 */
public final class PostgresJournal implements Journal {

  private static final System.Logger LOG = System.getLogger(PostgresJournal.class.getName());

  /** Entries of one statement, and how few bytes each is expected to have. */
  private static final int ENTRIES_A_READ = 4096;

  private static final int SMALL_ENTRY_BYTES = 128;

  /** Keys of one statement. */
  private static final int KEYS_A_READ = 10_000;

  /** Rows of each table that one statement of a check removes, and how long it may go on. */
  private static final int GARBAGE_ROWS = 200;

  private static final long GARBAGE_NANOS = 200_000_000;

  /** Keeps others from appending to a run until the transaction ends. */
  private static final String LOCK =
      """
      SELECT 1 FROM heads h WHERE h.tenant = ? AND h.name = ? FOR NO KEY UPDATE;
      """;

  private static final String PAGE =
      """
      SELECT h.sequence, h.checksum, e.sequence, e.checksum, e.bytes, h.first_sequence
      FROM heads h LEFT JOIN (
        SELECT n.tenant, n.incarnation, n.sequence, n.checksum, n.bytes
        FROM (
          SELECT m.*, sum(length(m.bytes)) OVER (ORDER BY m.sequence) - length(m.bytes)
            AS before
          FROM (
            SELECT tenant, incarnation, sequence, checksum, bytes FROM entries
            WHERE tenant = ? AND incarnation = ? AND sequence >= ?
              AND (sequence = 1 OR sequence >= (
                SELECT f.first_sequence FROM heads f
                WHERE f.tenant = ? AND f.name = ? AND f.incarnation = ?))
            ORDER BY sequence LIMIT ?) m) n
        WHERE n.before < ?) e
      ON e.tenant = h.tenant AND e.incarnation = h.incarnation
      WHERE h.tenant = ? AND h.name = ? AND h.incarnation = ?
      ORDER BY e.sequence
      """;

  private final Database database;
  private final PostgresRows rows;

  private PostgresJournal(Database database) {
    this.database = database;
    rows = new PostgresRows(database);
  }

  /**
   * Connects to a database; makes the tables in a schema that is empty.
   *
   * @param config where it is, as whom to connect, and whatever of the pool is to be other than its
   *     defaults; it is copied
   * @throws JournalUnavailableException when the database cannot be connected to, is another's, of
   *     a newer release, or does not let us; the message says what to do and no secret
   * @throws CorruptJournalException when its tables are damaged or incomplete; they are left as
   *     they are
   */
  public static PostgresJournal open(HikariConfig config, Durability durability)
      throws JournalException {
    Database database = Database.connect(config, durability);
    try {
      Schema.prepare(database);
      database.fill();
      return new PostgresJournal(database);
    } catch (JournalException | RuntimeException | Error e) {
      database.close();
      throw e;
    }
  }

  /** An address as it may be shown: without user, password and other parameters. */
  public static String withoutSecrets(String url) {
    return Database.withoutSecrets(url);
  }

  /** True. */
  @Override
  public boolean shared() {
    return true;
  }

  @Override
  public RunRows rows() {
    return rows;
  }

  @Override
  public Map<RunKey, Head> append(List<Append> group) throws JournalException {
    if (group.isEmpty()) {
      return Map.of();
    }
    Group rows = new Group(group);
    try {
      return database.write(rows::append);
    } catch (CorruptJournalException e) {
      // Nothing was written. Of one run that is enough: reading the tail tells the caller.
      LOG.log(System.Logger.Level.WARNING, "A group could not be appended", e);
      return group.size() == 1 ? Map.of() : appendEach(group);
    }
  }

  @Override
  public boolean createTrimmed(RunKey run, StoredEntry created, StoredEntry first)
      throws JournalException {
    return database.write(new Group(run, created, first)::append).containsKey(run);
  }

  /** The run whose rows are damaged is left out; the others are unharmed. */
  private Map<RunKey, Head> appendEach(List<Append> group) throws JournalException {
    Map<RunKey, Head> heads = new HashMap<>();
    for (Append append : group) {
      heads.putAll(append(List.of(append)));
    }
    return heads;
  }

  @Override
  public Exclusive exclusive(RunKey run, long from, int maxBytes) throws JournalException {
    Connection connection = database.begin();
    try {
      return new Locked(connection, read(connection, run, from, maxBytes, LOCK));
    } catch (SQLException e) {
      Database.close(connection);
      throw database.failed(e, false);
    } catch (JournalException | RuntimeException | Error e) {
      Database.close(connection);
      throw e;
    }
  }

  /** Holds the row of a head in a transaction, which the append commits. */
  private final class Locked implements Exclusive {

    private final Connection connection;
    private final List<StoredEntry> tail;

    Locked(Connection connection, List<StoredEntry> tail) {
      this.connection = connection;
      this.tail = tail;
    }

    @Override
    public List<StoredEntry> tail() {
      return tail;
    }

    @Override
    public Map<RunKey, Head> append(Append append) throws JournalException {
      try {
        return new Group(List.of(append)).appendAndCommit(connection);
      } catch (SQLException e) {
        throw database.failed(e, true);
      }
    }

    @Override
    public void close() {
      Database.close(connection);
    }
  }

  @Override
  public @Nullable Head head(RunKey run) throws JournalException {
    return database.<@Nullable Head>read(
        connection -> {
          try (PreparedStatement statement =
              connection.prepareStatement(
                  "SELECT h.sequence, h.checksum FROM heads h"
                      + " WHERE h.tenant = ? AND h.name = ? AND h.incarnation = ?")) {
            new Parameters(statement).run(run);
            try (ResultSet row = statement.executeQuery()) {
              return row.next() ? new Head(row.getLong(1), row.getLong(2)) : null;
            }
          }
        });
  }

  @Override
  public List<StoredEntry> read(RunKey run, long from, int maxBytes) throws JournalException {
    return database.read(connection -> read(connection, run, from, maxBytes, ""));
  }

  /**
   * @param first {@link #LOCK}, or nothing: executed first, in one round trip with the first page,
   *     which is of what there is then
   */
  private static List<StoredEntry> read(
      Connection connection, RunKey run, long from, int maxBytes, String first)
      throws SQLException, JournalException {
    List<StoredEntry> entries = new ArrayList<>();
    String before = first;
    long bytes = 0;
    boolean more = true;
    while (more) {
      long wanted = Math.max(1, maxBytes - bytes);
      int limit = (int) Math.min(ENTRIES_A_READ, wanted / SMALL_ENTRY_BYTES + 1);
      long next = entries.isEmpty() ? from : entries.getLast().sequence() + 1;
      int known = entries.size();
      bytes += readPage(connection, run, next, wanted, limit, before, entries);
      before = "";
      more = entries.size() - known == limit && bytes < maxBytes;
    }
    return entries;
  }

  /**
   * Adds entries up to the one that reaches {@code maxBytes}, and to {@code limit}; their bytes. A
   * value that is kept apart from its row is not read to learn its length.
   */
  private static long readPage(
      Connection connection,
      RunKey run,
      long from,
      long maxBytes,
      int limit,
      String before,
      List<StoredEntry> entries)
      throws SQLException, JournalException {
    try (PreparedStatement statement = connection.prepareStatement(before + PAGE)) {
      Parameters parameters = new Parameters(statement);
      if (!before.isEmpty()) {
        parameters.id(run.id());
      }
      parameters
          .text(run.id().tenant())
          .incarnation(run)
          .number(from)
          .run(run)
          .number(limit)
          .number(maxBytes)
          .run(run);
      statement.execute();
      if (!before.isEmpty()) {
        statement.getMoreResults();
      }
      long bytes = 0;
      try (ResultSet row = statement.getResultSet()) {
        long expected = from;
        while (row.next()) {
          Head end = new Head(row.getLong(1), row.getLong(2));
          byte[] entry = row.getBytes(5);
          if (entry == null) {
            if (from <= end.sequence()) {
              throw missing(run, from);
            }
            return 0;
          }
          long sequence = row.getLong(3);
          boolean afterGap = sequence != expected;
          if (afterGap && (expected == 1 || sequence != row.getLong(6))) {
            throw missing(run, expected);
          }
          add(run, new Head(sequence, row.getLong(4)), entry, end, afterGap, entries);
          bytes += entry.length;
          expected = sequence + 1;
        }
      }
      return bytes;
    }
  }

  private static void add(
      RunKey run, Head head, byte[] bytes, Head end, boolean afterGap, List<StoredEntry> entries)
      throws CorruptJournalException {
    StoredEntry entry = new StoredEntry(run, head, bytes);
    if (!afterGap && !entries.isEmpty() && !entry.follows(entries.getLast().head())) {
      throw new CorruptJournalException(
          "entry %d of %s does not follow the one before it"
              .formatted(head.sequence(), run.incarnation()));
    }
    if (head.sequence() > end.sequence()
        || (head.sequence() == end.sequence() && !head.equals(end))) {
      throw new CorruptJournalException(
          "entry %d of %s is not what its run's head says"
              .formatted(head.sequence(), run.incarnation()));
    }
    entries.add(entry);
  }

  private static CorruptJournalException missing(RunKey run, long sequence) {
    return new CorruptJournalException(
        "entry %d of %s is missing".formatted(sequence, run.incarnation()));
  }

  @Override
  public long find(RunKey run, String key) throws JournalException {
    return database.read(
        connection -> {
          try (PreparedStatement statement =
              connection.prepareStatement(
                  """
                  SELECT k.sequence
                  FROM heads h
                  JOIN idempotency_keys k
                    ON k.tenant = h.tenant AND k.incarnation = h.incarnation
                  WHERE h.tenant = ? AND h.name = ? AND h.incarnation = ?
                    AND k.idempotency_key = ?
                    AND (k.step < 0 OR k.sequence >= h.first_sequence)
                    AND NOT EXISTS (
                      SELECT 1 FROM rewinds r
                      WHERE r.tenant = k.tenant AND r.incarnation = k.incarnation
                        AND r.sequence > k.sequence AND r.next_step <= k.step)
                  """)) {
            new Parameters(statement).run(run).text(key);
            try (ResultSet row = statement.executeQuery()) {
              return row.next() ? row.getLong(1) : 0L;
            }
          }
        });
  }

  @Override
  public List<LastingKey> lastingKeys(RunKey run, @Nullable String after, int limit)
      throws JournalException {
    return database.read(
        connection -> {
          List<LastingKey> keys = new ArrayList<>();
          String last = after == null ? "" : after;
          // In pages of all keys, so that no statement looks at more, however few of them last.
          try (PreparedStatement statement =
              connection.prepareStatement(
                  """
                  SELECT k.idempotency_key, k.sequence,
                    k.step < 0 AND k.sequence < h.first_sequence
                  FROM heads h
                  JOIN idempotency_keys k
                    ON k.tenant = h.tenant AND k.incarnation = h.incarnation
                  WHERE h.tenant = ? AND h.name = ? AND h.incarnation = ?
                    AND k.idempotency_key > ?
                  ORDER BY k.idempotency_key LIMIT ?
                  """)) {
            boolean more = true;
            while (more && keys.size() < limit) {
              new Parameters(statement).run(run).text(last).number(KEYS_A_READ);
              int rows = 0;
              try (ResultSet row = statement.executeQuery()) {
                for (; keys.size() < limit && row.next(); rows++) {
                  last = text(row, 1);
                  if (row.getBoolean(3)) {
                    keys.add(new LastingKey(last, row.getLong(2)));
                  }
                }
              }
              more = rows == KEYS_A_READ;
            }
          }
          return keys;
        });
  }

  @Override
  public void keep(RunKey run, List<LastingKey> keys) throws JournalException {
    database.write(
        connection -> {
          try (PreparedStatement statement =
              connection.prepareStatement(
                  """
                  WITH owner AS (
                    SELECT h.tenant, h.incarnation FROM heads h
                    WHERE h.tenant = ? AND h.name = ? AND h.incarnation = ?
                    FOR KEY SHARE
                  )
                  INSERT INTO idempotency_keys (tenant, incarnation, idempotency_key, sequence, step)
                  SELECT o.tenant, o.incarnation, n.idempotency_key, n.sequence, ?::bigint
                  FROM owner o
                  CROSS JOIN unnest(?::bytea[], ?::bigint[]) AS n(idempotency_key, sequence)
                  ON CONFLICT (tenant, incarnation, idempotency_key)
                    DO UPDATE SET sequence = excluded.sequence, step = excluded.step
                  """)) {
            Parameters parameters =
                new Parameters(statement).run(run).number(ObservationBatch.NO_STEP);
            parameters.texts(keys, LastingKey::key);
            parameters.longs(keys, LastingKey::sequence);
            return statement.executeUpdate();
          }
        });
  }

  @Override
  public @Nullable RunKey lookup(RunId id) throws JournalException {
    return database.<@Nullable RunKey>read(
        connection -> {
          try (PreparedStatement statement =
              connection.prepareStatement(
                  "SELECT h.incarnation FROM heads h WHERE h.tenant = ? AND h.name = ?")) {
            new Parameters(statement).id(id);
            try (ResultSet row = statement.executeQuery()) {
              return row.next() ? new RunKey(id, incarnation(row, 1)) : null;
            }
          }
        });
  }

  private static Incarnation incarnation(ResultSet row, int column) throws SQLException {
    return Parameters.incarnation(row.getObject(column, UUID.class));
  }

  private static String text(ResultSet row, int column) throws SQLException {
    return new String(row.getBytes(column), US_ASCII);
  }

  @Override
  public List<String> tenants() throws JournalException {
    return database.read(
        connection -> {
          List<String> tenants = new ArrayList<>();
          // From one to the next, not over all runs.
          try (PreparedStatement statement =
              connection.prepareStatement(
                  "SELECT h.tenant FROM heads h WHERE h.tenant > ? ORDER BY h.tenant LIMIT 1")) {
            String last = "";
            while (true) {
              new Parameters(statement).text(last);
              try (ResultSet row = statement.executeQuery()) {
                if (!row.next()) {
                  return tenants;
                }
                last = text(row, 1);
                tenants.add(last);
              }
            }
          }
        });
  }

  @Override
  public List<RunKey> list(String tenant, @Nullable String after, int limit)
      throws JournalException {
    return database.read(
        connection -> {
          try (PreparedStatement statement =
              connection.prepareStatement(
                  "SELECT h.name, h.incarnation FROM heads h WHERE h.tenant = ? AND h.name > ?"
                      + " ORDER BY h.name LIMIT ?")) {
            new Parameters(statement).text(tenant).text(after == null ? "" : after).number(limit);
            List<RunKey> runs = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
              while (row.next()) {
                runs.add(new RunKey(new RunId(tenant, text(row, 1)), incarnation(row, 2)));
              }
            }
            return runs;
          }
        });
  }

  @Override
  public void save(RunKey run, Snapshot snapshot) throws JournalException {
    List<Long> superseded = superseded(run, snapshot.sequence());
    database.write(
        connection -> {
          try (PreparedStatement statement =
              connection.prepareStatement(
                  """
                  WITH owner AS (
                    SELECT h.tenant, h.incarnation, h.first_sequence FROM heads h
                    WHERE h.tenant = ? AND h.name = ? AND h.incarnation = ?
                    FOR KEY SHARE
                  ), dropped AS (
                    DELETE FROM snapshots s USING owner o
                    WHERE s.tenant = o.tenant AND s.incarnation = o.incarnation
                      AND s.sequence = ANY (?::bigint[])
                  )
                  INSERT INTO snapshots (tenant, incarnation, sequence, checksum, seal, state)
                  SELECT o.tenant, o.incarnation, n.sequence, n.checksum, n.seal, n.state
                  FROM owner o
                  CROSS JOIN (
                    SELECT ?::bigint AS sequence, ?::bigint AS checksum, ?::int AS seal,
                      ?::bytea AS state) n
                  WHERE n.sequence >= o.first_sequence
                  ON CONFLICT (tenant, incarnation, sequence) DO UPDATE SET
                    checksum = excluded.checksum, seal = excluded.seal, state = excluded.state
                  """)) {
            Parameters parameters = new Parameters(statement).run(run);
            parameters.longs(superseded, Long::longValue);
            parameters
                .number(snapshot.sequence())
                .number(snapshot.head().checksum())
                .number(Seal.of(run, snapshot))
                .bytes(snapshot.state());
            return statement.executeUpdate();
          }
        });
  }

  private List<Long> superseded(RunKey run, long saved) throws JournalException {
    return database.read(
        connection -> {
          SnapshotAges ages = new SnapshotAges(saved);
          try (PreparedStatement statement =
              connection.prepareStatement(
                  """
                  SELECT s.sequence
                  FROM heads h
                  JOIN snapshots s ON s.tenant = h.tenant AND s.incarnation = h.incarnation
                  WHERE h.tenant = ? AND h.name = ? AND h.incarnation = ?
                    AND s.sequence >= h.first_sequence
                  ORDER BY s.sequence DESC
                  """)) {
            new Parameters(statement).run(run);
            try (ResultSet row = statement.executeQuery()) {
              while (row.next()) {
                ages.see(row.getLong(1));
              }
            }
          }
          return ages.superseded();
        });
  }

  @Override
  public @Nullable Snapshot snapshot(RunKey run, long atMost) throws JournalException {
    try {
      return database.<@Nullable Snapshot>read(connection -> snapshot(connection, run, atMost));
    } catch (CorruptJournalException e) {
      // The journal is what a snapshot only saves reading.
      LOG.log(System.Logger.Level.WARNING, "snapshots of " + run.incarnation() + " are damaged", e);
      return null;
    }
  }

  private static @Nullable Snapshot snapshot(Connection connection, RunKey run, long atMost)
      throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            """
            SELECT s.sequence, s.checksum, s.seal, s.state
            FROM heads h
            JOIN snapshots s ON s.tenant = h.tenant AND s.incarnation = h.incarnation
            JOIN entries e ON e.tenant = s.tenant AND e.incarnation = s.incarnation
              AND e.sequence = s.sequence AND e.checksum = s.checksum
            WHERE h.tenant = ? AND h.name = ? AND h.incarnation = ? AND s.sequence <= ?
              AND s.sequence >= h.first_sequence
            ORDER BY s.sequence DESC LIMIT 1
            """)) {
      long bound = atMost;
      while (true) {
        new Parameters(statement).run(run).number(bound);
        try (ResultSet row = statement.executeQuery()) {
          if (!row.next()) {
            return null;
          }
          Head head = new Head(row.getLong(1), row.getLong(2));
          Snapshot snapshot = new Snapshot(head, row.getBytes(4));
          if (Seal.of(run, snapshot) == row.getInt(3)) {
            return snapshot;
          }
          bound = head.sequence() - 1;
        }
      }
    }
  }

  private static int number(DocumentKind kind) {
    return switch (kind) {
      case REPLAY_RUNNING -> 1;
      case REPLAY -> 2;
      case REPLAY_RESULTS -> 3;
      case REPLAY_PROGRESS -> 4;
    };
  }

  @Override
  public boolean keep(Document document, byte[] content) throws JournalException {
    return database.write(
        connection -> {
          try (PreparedStatement statement =
              connection.prepareStatement(
                  """
                  WITH owner AS (
                    SELECT h.tenant, h.name, h.incarnation FROM heads h
                    WHERE h.tenant = ? AND h.name = ? AND h.incarnation = ?
                    FOR KEY SHARE
                  )
                  INSERT INTO documents (kind, tenant, incarnation, id, name, seal, content)
                  SELECT ?::int, o.tenant, o.incarnation, ?::bytea, o.name, ?::int, ?::bytea
                  FROM owner o
                  ON CONFLICT (kind, tenant, incarnation, id) DO UPDATE SET
                    seal = excluded.seal, content = excluded.content
                  """)) {
            new Parameters(statement)
                .run(document.run())
                .number(number(document.kind()))
                .text(document.id())
                .number(Seal.of(document, content))
                .bytes(content);
            return statement.executeUpdate() > 0;
          }
        });
  }

  @Override
  public boolean move(Document document, DocumentKind to, byte[] content) throws JournalException {
    Document moved = new Document(document.run(), to, document.id());
    return database.write(
        connection -> {
          try (PreparedStatement statement =
              connection.prepareStatement(
                  """
                  WITH owner AS (
                    SELECT h.tenant, h.name, h.incarnation FROM heads h
                    WHERE h.tenant = ? AND h.name = ? AND h.incarnation = ?
                    FOR KEY SHARE
                  ), gone AS (
                    DELETE FROM documents d USING owner o
                    WHERE d.kind = ? AND d.tenant = o.tenant AND d.incarnation = o.incarnation
                      AND d.id = ?
                    RETURNING d.tenant, d.incarnation, d.id, d.name
                  )
                  INSERT INTO documents (kind, tenant, incarnation, id, name, seal, content)
                  SELECT ?::int, g.tenant, g.incarnation, g.id, g.name, ?::int, ?::bytea
                  FROM gone g
                  ON CONFLICT (kind, tenant, incarnation, id) DO UPDATE SET
                    seal = excluded.seal, content = excluded.content
                  """)) {
            new Parameters(statement)
                .run(document.run())
                .number(number(document.kind()))
                .text(document.id())
                .number(number(to))
                .number(Seal.of(moved, content))
                .bytes(content);
            return statement.executeUpdate() > 0;
          }
        });
  }

  /** By the database's clock. */
  @Override
  public boolean claim(Document document, String owner, Duration lease) throws JournalException {
    return database.write(
        connection -> {
          try (PreparedStatement statement =
              connection.prepareStatement(
                  """
                  UPDATE documents d SET owner = ?,
                    claimed_until = now() + ? * interval '1 millisecond'
                  FROM heads h
                  WHERE h.tenant = ? AND h.name = ? AND h.incarnation = ?
                    AND d.kind = ? AND d.tenant = h.tenant AND d.incarnation = h.incarnation
                    AND d.id = ?
                    AND (d.owner IS NULL OR d.owner = ? OR d.claimed_until < now())
                  """)) {
            new Parameters(statement)
                .text(owner)
                .number(lease.toMillis())
                .run(document.run())
                .number(number(document.kind()))
                .text(document.id())
                .text(owner);
            return statement.executeUpdate() > 0;
          }
        });
  }

  @Override
  public void discard(Collection<Document> documents) throws JournalException {
    if (documents.isEmpty()) {
      return;
    }
    List<Document> all = List.copyOf(documents);
    database.write(
        connection -> {
          try (PreparedStatement statement =
              connection.prepareStatement(
                  """
                  DELETE FROM documents
                  WHERE tenant = ? AND incarnation = ? AND (kind, id) IN (
                    SELECT k, i FROM unnest(?::int[], ?::bytea[]) AS n(k, i))
                  """)) {
            RunKey run = all.getFirst().run();
            Parameters parameters =
                new Parameters(statement).text(run.id().tenant()).incarnation(run);
            parameters.ints(all, document -> number(document.kind()));
            parameters.texts(all, Document::id);
            return statement.executeUpdate();
          }
        });
  }

  @Override
  public byte @Nullable [] content(Document document) throws JournalException {
    return database.<byte @Nullable []>read(
        connection -> {
          try (PreparedStatement statement =
              connection.prepareStatement(
                  """
                  SELECT d.seal, d.content
                  FROM heads h
                  JOIN documents d ON d.tenant = h.tenant AND d.incarnation = h.incarnation
                  WHERE h.tenant = ? AND h.name = ? AND h.incarnation = ?
                    AND d.kind = ? AND d.id = ?
                  """)) {
            new Parameters(statement)
                .run(document.run())
                .number(number(document.kind()))
                .text(document.id());
            try (ResultSet row = statement.executeQuery()) {
              if (!row.next()) {
                return null;
              }
              byte[] content = row.getBytes(2);
              if (Seal.of(document, content) != row.getInt(1)) {
                throw new CorruptJournalException(
                    "document %s of %s is damaged"
                        .formatted(document.id(), document.run().incarnation()));
              }
              return content;
            }
          }
        });
  }

  @Override
  public List<Document> documents(RunKey run, DocumentKind kind) throws JournalException {
    return database.read(
        connection -> {
          try (PreparedStatement statement =
              connection.prepareStatement(
                  """
                  SELECT d.id
                  FROM heads h
                  JOIN documents d ON d.tenant = h.tenant AND d.incarnation = h.incarnation
                  WHERE h.tenant = ? AND h.name = ? AND h.incarnation = ? AND d.kind = ?
                  ORDER BY d.id
                  """)) {
            new Parameters(statement).run(run).number(number(kind));
            List<Document> documents = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
              while (row.next()) {
                documents.add(new Document(run, kind, text(row, 1)));
              }
            }
            return documents;
          }
        });
  }

  @Override
  public List<Document> documents(DocumentKind kind) throws JournalException {
    return database.read(
        connection -> {
          try (PreparedStatement statement =
              connection.prepareStatement(
                  """
                  SELECT d.tenant, d.name, d.incarnation, d.id
                  FROM documents d
                  JOIN heads h ON h.tenant = d.tenant AND h.name = d.name
                    AND h.incarnation = d.incarnation
                  WHERE d.kind = ?
                  """)) {
            new Parameters(statement).number(number(kind));
            List<Document> documents = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
              while (row.next()) {
                RunId id = new RunId(text(row, 1), text(row, 2));
                documents.add(
                    new Document(new RunKey(id, incarnation(row, 3)), kind, text(row, 4)));
              }
            }
            return documents;
          }
        });
  }

  @Override
  public void check() throws JournalException {
    database.check();
    collectGarbage();
  }

  /**
   * Removes rows of deleted runs, and what was trimmed away of others, for a moment; several
   * processes take different runs.
   */
  private void collectGarbage() throws JournalException {
    long start = System.nanoTime();
    Garbage garbage = new Garbage(GARBAGE_ROWS);
    boolean more = true;
    while (more && System.nanoTime() - start < GARBAGE_NANOS) {
      // What is deleted is garbage already: nobody minds whether it happened.
      more = database.read(garbage::collect);
    }
  }

  @Override
  public void close() {
    database.close();
  }
}
