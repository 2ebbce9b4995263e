package resure.journal.postgres;

import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import resure.journal.Append;
import resure.journal.EntryFormat;
import resure.journal.Head;
import resure.journal.JournalEntry;
import resure.journal.RunKey;
import resure.journal.StoredEntry;

/**
 * What is appended at once, as the parameters of one statement, so that a group of any size is one
 * round trip and, committed by itself, one commit.
 *
 * <p>The statement locks the heads of its runs in order of tenant and name, so that of two groups
 * one waits for the other and never both. It compares each with what the caller expects, looks for
 * the keys among those that stand, and lets only the runs that pass have their new head and their
 * rows.
 *
 * <p>All parts of a statement see the tables as they were when it began, but a lock is given on the
 * newest row: under read committed the head that is compared may be younger than the keys that are
 * looked at. No key is missed by that. Who names a head has read it, or been told of it after its
 * commit, before the statement began, so the statement sees it and the keys of all entries up to
 * it; and no head comes twice, so if the newest row is that head, nothing was appended since.
 *
 * <p>A statement whose outcome nobody learnt may still be at work when the caller reads the run
 * again and goes on. One of the two gets the head's row first; the other then finds another head
 * than it expects, and writes nothing.
 */
final class Group {

  private static final int CREATED = 0;
  private static final int ADVANCED = 1;
  private static final int DELETED = 2;

  /**
   * {@code run} is a run's place in the group, from 1. Tables are looked at from a row of the group
   * each, never as a whole, whatever the planner knows of them: {@link Database} plans this once
   * for as long as a connection lasts.
   */
  private static final String APPEND =
      """
      WITH wanted AS (
        SELECT *
        FROM unnest(?::bytea[], ?::bytea[], ?::uuid[], ?::bigint[], ?::bigint[], ?::bigint[],
          ?::bigint[], ?::int[], ?::bigint[]) WITH ORDINALITY AS w(tenant, name, incarnation,
          after_sequence, after_checksum, sequence, checksum, change, first_sequence, run)
      ), locked AS (
        SELECT w.tenant, w.name, w.incarnation, w.sequence, w.checksum, w.change,
          w.first_sequence, w.run, h.first_sequence AS kept_from,
          h.incarnation = w.incarnation AND h.sequence = w.after_sequence
            AND h.checksum = w.after_checksum AS expected
        FROM (SELECT * FROM wanted ORDER BY run) w
        CROSS JOIN LATERAL (
          SELECT i.incarnation, i.sequence, i.checksum, i.first_sequence FROM heads i
          WHERE i.tenant = w.tenant AND i.name = w.name
          FOR NO KEY UPDATE) h
      ), keyed AS (
        SELECT *
        FROM unnest(?::int[], ?::bytea[], ?::uuid[], ?::bytea[], ?::bigint[], ?::bigint[])
          AS k(run, tenant, incarnation, idempotency_key, sequence, step)
      ), repeated AS (
        SELECT n.run
        FROM keyed n
        JOIN idempotency_keys k ON k.tenant = n.tenant AND k.incarnation = n.incarnation
          AND k.idempotency_key = n.idempotency_key
        WHERE NOT EXISTS (
          SELECT 1 FROM rewinds r
          WHERE r.tenant = k.tenant AND r.incarnation = k.incarnation
            AND r.sequence > k.sequence AND r.next_step <= k.step)
          AND NOT EXISTS (
            SELECT 1 FROM locked l
            WHERE l.run = n.run AND k.step >= 0 AND k.sequence < l.kept_from)
      ), passed AS (
        SELECT l.tenant, l.name, l.incarnation, l.sequence, l.checksum, l.change,
          l.first_sequence, l.run
        FROM locked l
        WHERE l.change > 0 AND l.expected AND l.run <> ALL (ARRAY(SELECT run FROM repeated))
      ), created AS (
        INSERT INTO heads (tenant, name, incarnation, sequence, checksum, first_sequence)
        SELECT w.tenant, w.name, w.incarnation, w.sequence, w.checksum, w.first_sequence
        FROM wanted w
        WHERE w.change = 0
          AND w.run <> ALL (ARRAY(SELECT run FROM locked))
          AND NOT EXISTS (
            SELECT 1 FROM garbage g WHERE g.tenant = w.tenant AND g.incarnation = w.incarnation)
        ORDER BY w.run
        ON CONFLICT DO NOTHING
        RETURNING tenant, incarnation, first_sequence
      ), advanced AS (
        UPDATE heads h SET sequence = p.sequence, checksum = p.checksum,
          first_sequence = greatest(h.first_sequence, p.first_sequence)
        FROM passed p
        WHERE p.change = 1 AND h.tenant = p.tenant AND h.name = p.name
        RETURNING p.run, p.tenant, p.incarnation, p.first_sequence
      ), deleted AS (
        DELETE FROM heads h USING passed p
        WHERE p.change = 2 AND h.tenant = p.tenant AND h.name = p.name
        RETURNING p.run, h.tenant, h.incarnation
      ), won AS (
        SELECT w.run FROM created c
        JOIN wanted w ON c.tenant = w.tenant AND c.incarnation = w.incarnation
        UNION ALL SELECT run FROM advanced
        UNION ALL SELECT run FROM deleted
      ), new_entries AS (
        INSERT INTO entries (tenant, incarnation, sequence, checksum, bytes)
        SELECT n.tenant, n.incarnation, n.sequence, n.checksum, n.bytes
        FROM (
          SELECT unnest(?::int[]) AS run, unnest(?::bytea[]) AS tenant,
            unnest(?::uuid[]) AS incarnation, unnest(?::bigint[]) AS sequence,
            unnest(?::bigint[]) AS checksum, unnest(?::bytea[]) AS bytes) n
        WHERE n.run = ANY (ARRAY(SELECT run FROM won))
      ), new_keys AS (
        INSERT INTO idempotency_keys (tenant, incarnation, idempotency_key, sequence, step)
        SELECT k.tenant, k.incarnation, k.idempotency_key, k.sequence, k.step
        FROM keyed k
        WHERE k.run = ANY (ARRAY(SELECT run FROM won))
        ON CONFLICT (tenant, incarnation, idempotency_key)
          DO UPDATE SET sequence = excluded.sequence, step = excluded.step
      ), new_rewinds AS (
        INSERT INTO rewinds (tenant, incarnation, sequence, next_step)
        SELECT r.tenant, r.incarnation, r.sequence, r.next_step
        FROM unnest(?::int[], ?::bytea[], ?::uuid[], ?::bigint[], ?::bigint[])
          AS r(run, tenant, incarnation, sequence, next_step)
        WHERE r.run = ANY (ARRAY(SELECT run FROM won))
      ), new_trimmings AS (
        INSERT INTO trimmings (tenant, incarnation, first_sequence)
        SELECT tenant, incarnation, first_sequence
        FROM (SELECT tenant, incarnation, first_sequence FROM advanced
          UNION ALL SELECT tenant, incarnation, first_sequence FROM created) t
        WHERE first_sequence > 0
        ON CONFLICT DO NOTHING
      ), new_garbage AS (
        INSERT INTO garbage (tenant, incarnation) SELECT tenant, incarnation FROM deleted
      )
      SELECT run FROM won
      """;

  /**
   * The same for groups of batches, which nearly all are: half of what the other costs is to begin
   * and to end parts that have nothing to do.
   */
  private static final String ADVANCE =
      """
      WITH keyed AS (
        SELECT *
        FROM unnest(?::int[], ?::bytea[], ?::uuid[], ?::bytea[], ?::bigint[], ?::bigint[])
          AS k(run, tenant, incarnation, idempotency_key, sequence, step)
      ), locked AS (
        SELECT w.tenant, w.name, w.sequence, w.checksum, w.run, h.first_sequence AS kept_from
        FROM (
          SELECT *
          FROM unnest(?::bytea[], ?::bytea[], ?::uuid[], ?::bigint[], ?::bigint[], ?::bigint[],
            ?::bigint[]) WITH ORDINALITY AS n(tenant, name, incarnation, after_sequence,
            after_checksum, sequence, checksum, run)
          ORDER BY run) w
        CROSS JOIN LATERAL (
          SELECT i.first_sequence FROM heads i
          WHERE i.tenant = w.tenant AND i.name = w.name AND i.incarnation = w.incarnation
            AND i.sequence = w.after_sequence AND i.checksum = w.after_checksum
          FOR NO KEY UPDATE) h
      ), advanced AS (
        UPDATE heads h SET sequence = l.sequence, checksum = l.checksum
        FROM locked l
        WHERE h.tenant = l.tenant AND h.name = l.name
          AND l.run <> ALL (ARRAY(
            SELECT n.run
            FROM keyed n
            JOIN idempotency_keys k ON k.tenant = n.tenant AND k.incarnation = n.incarnation
              AND k.idempotency_key = n.idempotency_key
            WHERE NOT EXISTS (
              SELECT 1 FROM rewinds r
              WHERE r.tenant = k.tenant AND r.incarnation = k.incarnation
                AND r.sequence > k.sequence AND r.next_step <= k.step)
              AND NOT EXISTS (
                SELECT 1 FROM locked t
                WHERE t.run = n.run AND k.step >= 0 AND k.sequence < t.kept_from)))
        RETURNING l.run
      ), new_entries AS (
        INSERT INTO entries (tenant, incarnation, sequence, checksum, bytes)
        SELECT n.tenant, n.incarnation, n.sequence, n.checksum, n.bytes
        FROM (
          SELECT unnest(?::int[]) AS run, unnest(?::bytea[]) AS tenant,
            unnest(?::uuid[]) AS incarnation, unnest(?::bigint[]) AS sequence,
            unnest(?::bigint[]) AS checksum, unnest(?::bytea[]) AS bytes) n
        WHERE n.run = ANY (ARRAY(SELECT run FROM advanced))
      ), new_keys AS (
        INSERT INTO idempotency_keys (tenant, incarnation, idempotency_key, sequence, step)
        SELECT k.tenant, k.incarnation, k.idempotency_key, k.sequence, k.step
        FROM keyed k
        WHERE k.run = ANY (ARRAY(SELECT run FROM advanced))
        ON CONFLICT (tenant, incarnation, idempotency_key)
          DO UPDATE SET sequence = excluded.sequence, step = excluded.step
      )
      SELECT run FROM advanced
      """;

  /** A key of a batch, or a rewind, with its place. */
  private record Mark(int run, RunKey of, long sequence, String key, long step) {}

  private record Row(int run, RunKey of, Head head) {}

  private static final String NO_KEY = "";

  private final List<Append> appends;
  private final List<Head> ends = new ArrayList<>();
  private final List<Integer> changes = new ArrayList<>();

  /** Before which sequence each run is trimmed; 0 for not at all. */
  private final List<Long> firsts = new ArrayList<>();

  private final List<Row> rows = new ArrayList<>();
  private final List<byte[]> bytesOfRows = new ArrayList<>();
  private final List<Mark> keys = new ArrayList<>();
  private final List<Mark> rewinds = new ArrayList<>();

  Group(List<Append> group) {
    appends =
        group.stream()
            .sorted(
                Comparator.comparing((Append append) -> append.run().id().tenant())
                    .thenComparing(append -> append.run().id().name()))
            .toList();
    EntryFormat format = new EntryFormat();
    for (Append append : appends) {
      add(append, format);
    }
  }

  /** Of {@link resure.journal.Journal#createTrimmed}. */
  Group(RunKey run, StoredEntry created, StoredEntry first) {
    appends = List.of(new Append(run, Head.NONE, List.of(created.entry())));
    Part part = new Part(1, run);
    part.add(created.head(), created.bytes(), created.entry());
    part.add(first.head(), first.bytes(), first.entry());
    add(part, CREATED, first.head(), first.sequence());
  }

  /** What is appended to one run. */
  private static final class Part {

    final int place;
    final RunKey run;
    final List<Row> rows = new ArrayList<>();
    final List<byte[]> bytesOfRows = new ArrayList<>();
    final Map<String, Mark> keys = new LinkedHashMap<>();
    final List<Mark> rewinds = new ArrayList<>();

    Part(int place, RunKey run) {
      this.place = place;
      this.run = run;
    }

    void add(Head head, byte[] bytes, JournalEntry entry) {
      rows.add(new Row(place, run, head));
      bytesOfRows.add(bytes);
      if (entry instanceof JournalEntry.Batch batch && batch.key() != null) {
        keys.put(
            batch.key(), new Mark(place, run, head.sequence(), batch.key(), batch.batch().step()));
      } else if (entry instanceof JournalEntry.Rewound rewound) {
        rewinds.add(new Mark(place, run, head.sequence(), NO_KEY, rewound.nextStep()));
      }
    }
  }

  private void add(Append append, EntryFormat format) {
    RunKey run = append.run();
    Part part = new Part(ends.size() + 1, run);
    Head head = append.after();
    long first = 0;
    int change = head.equals(Head.NONE) ? CREATED : ADVANCED;
    for (JournalEntry entry : append.entries()) {
      ByteBuffer encoded = format.encode(run.incarnation(), head.sequence() + 1, entry);
      head = head.next(encoded);
      byte[] bytes = new byte[encoded.remaining()];
      encoded.get(bytes);
      part.add(head, bytes, entry);
      if (entry instanceof JournalEntry.Trimmed trimmed) {
        first = Math.max(first, trimmed.firstSequence());
      } else if (entry instanceof JournalEntry.Deleted) {
        change = DELETED;
      }
    }
    add(part, change, head, first);
  }

  private void add(Part part, int change, Head end, long first) {
    ends.add(end);
    changes.add(change);
    firsts.add(first);
    if (change != DELETED) {
      rows.addAll(part.rows);
      bytesOfRows.addAll(part.bytesOfRows);
      rewinds.addAll(part.rewinds);
    }
    keys.addAll(part.keys.values());
  }

  /** Executes the statement, which commits by itself; the heads of the runs that won. */
  Map<RunKey, Head> append(Connection connection) throws SQLException {
    return append(connection, "");
  }

  /** The same within a transaction, which it ends in the same round trip. */
  Map<RunKey, Head> appendAndCommit(Connection connection) throws SQLException {
    return append(connection, "; COMMIT");
  }

  private Map<RunKey, Head> append(Connection connection, String after) throws SQLException {
    boolean batches = onlyBatches();
    try (PreparedStatement statement =
        connection.prepareStatement((batches ? ADVANCE : APPEND) + after)) {
      if (batches) {
        bindBatches(new Parameters(statement));
      } else {
        bind(new Parameters(statement));
      }
      statement.execute();
      Map<RunKey, Head> won = new HashMap<>();
      try (ResultSet result = statement.getResultSet()) {
        while (result.next()) {
          int place = result.getInt(1) - 1;
          won.put(appends.get(place).run(), ends.get(place));
        }
      }
      return won;
    }
  }

  private boolean onlyBatches() {
    return rewinds.isEmpty()
        && changes.stream().allMatch(change -> change == ADVANCED)
        && firsts.stream().allMatch(first -> first == 0);
  }

  private void bindBatches(Parameters parameters) throws SQLException {
    bindKeys(parameters);
    bindRuns(parameters);
    bindRows(parameters);
  }

  private void bind(Parameters parameters) throws SQLException {
    bindRuns(parameters);
    parameters.ints(changes, Integer::intValue);
    parameters.longs(firsts, Long::longValue);
    bindKeys(parameters);
    bindRows(parameters);

    parameters.ints(rewinds, Mark::run);
    parameters.texts(rewinds, rewind -> rewind.of.id().tenant());
    parameters.incarnations(rewinds, Mark::of);
    parameters.longs(rewinds, Mark::sequence);
    parameters.longs(rewinds, Mark::step);
  }

  private void bindRuns(Parameters parameters) throws SQLException {
    parameters.texts(appends, append -> append.run().id().tenant());
    parameters.texts(appends, append -> append.run().id().name());
    parameters.incarnations(appends, Append::run);
    parameters.longs(appends, append -> append.after().sequence());
    parameters.longs(appends, append -> append.after().checksum());
    parameters.longs(ends, Head::sequence);
    parameters.longs(ends, Head::checksum);
  }

  private void bindKeys(Parameters parameters) throws SQLException {
    parameters.ints(keys, Mark::run);
    parameters.texts(keys, key -> key.of.id().tenant());
    parameters.incarnations(keys, Mark::of);
    parameters.texts(keys, Mark::key);
    parameters.longs(keys, Mark::sequence);
    parameters.longs(keys, Mark::step);
  }

  private void bindRows(Parameters parameters) throws SQLException {
    parameters.ints(rows, Row::run);
    parameters.texts(rows, row -> row.of.id().tenant());
    parameters.incarnations(rows, Row::of);
    parameters.longs(rows, row -> row.head.sequence());
    parameters.longs(rows, row -> row.head.checksum());
    parameters.bytes(bytesOfRows, bytes -> bytes);
  }
}
