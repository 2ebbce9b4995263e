package resure.journal.postgres;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import resure.journal.Head;
import resure.journal.JournalException;
import resure.journal.Row;
import resure.journal.RowChange;
import resure.journal.RowKind;
import resure.journal.RowsMark;
import resure.journal.RunKey;
import resure.journal.RunRows;

/**
 * The rows of read models, in tables beside the journal's. Whoever changes them first moves the
 * run's mark, whose row makes the others wait.
 */
final class PostgresRows implements RunRows {

  /** Rows that one statement removes. */
  private static final int ROWS_A_CLEARING = 500;

  /** With the mark as expected, one row; otherwise none. */
  private static final String MOVED =
      """
      WITH owner AS (
        SELECT h.tenant, h.incarnation FROM heads h
        WHERE h.tenant = ? AND h.name = ? AND h.incarnation = ?
        FOR KEY SHARE
      ), moved AS (
        UPDATE row_marks m
        SET sequence = ?, checksum = ?, newest_step = ?, from_sequence = ?
        FROM owner o
        WHERE m.tenant = o.tenant AND m.incarnation = o.incarnation
          AND m.sequence = ? AND m.checksum = ? AND m.newest_step = ? AND m.from_sequence = ?
        RETURNING m.tenant, m.incarnation
      )
      """;

  /** The same where there is no mark. */
  private static final String BEGUN =
      """
      WITH owner AS (
        SELECT h.tenant, h.incarnation FROM heads h
        WHERE h.tenant = ? AND h.name = ? AND h.incarnation = ?
        FOR KEY SHARE
      ), moved AS (
        INSERT INTO row_marks
          (tenant, incarnation, sequence, checksum, newest_step, from_sequence)
        SELECT o.tenant, o.incarnation, ?::bigint, ?::bigint, ?::bigint, ?::bigint FROM owner o
        ON CONFLICT (tenant, incarnation) DO NOTHING
        RETURNING tenant, incarnation
      )
      """;

  private static final String CHANGED =
      """
      , removed AS (
        DELETE FROM run_rows r
        USING moved m, unnest(?::int[], ?::bytea[]) AS g(kind, key)
        WHERE r.tenant = m.tenant AND r.incarnation = m.incarnation
          AND r.kind = g.kind AND r.key = g.key
      ), kept AS (
        INSERT INTO run_rows (tenant, incarnation, kind, key, content)
        SELECT m.tenant, m.incarnation, n.kind, n.key, n.content
        FROM moved m CROSS JOIN unnest(?::int[], ?::bytea[], ?::bytea[]) AS n(kind, key, content)
        ON CONFLICT (tenant, incarnation, kind, key) DO UPDATE SET content = excluded.content
      )
      """;

  private final Database database;

  PostgresRows(Database database) {
    this.database = database;
  }

  @Override
  public @Nullable RowsMark mark(RunKey run) throws JournalException {
    return database.<@Nullable RowsMark>read(
        connection -> {
          try (PreparedStatement statement =
              connection.prepareStatement(
                  """
                  SELECT m.sequence, m.checksum, m.newest_step, m.from_sequence
                  FROM heads h
                  JOIN row_marks m ON m.tenant = h.tenant AND m.incarnation = h.incarnation
                  WHERE h.tenant = ? AND h.name = ? AND h.incarnation = ?
                  """)) {
            new Parameters(statement).run(run);
            try (ResultSet row = statement.executeQuery()) {
              return row.next()
                  ? new RowsMark(
                      new Head(row.getLong(1), row.getLong(2)), row.getLong(3), row.getLong(4))
                  : null;
            }
          }
        });
  }

  private static int kind(RowKind kind) {
    return switch (kind) {
      case DIALOGUES -> 1;
      case HISTORY -> 2;
    };
  }

  @Override
  public byte @Nullable [] get(RunKey run, RowKind kind, byte[] key) throws JournalException {
    return database.<byte @Nullable []>read(
        connection -> {
          try (PreparedStatement statement =
              connection.prepareStatement(
                  """
                  SELECT r.content
                  FROM heads h
                  JOIN run_rows r ON r.tenant = h.tenant AND r.incarnation = h.incarnation
                  WHERE h.tenant = ? AND h.name = ? AND h.incarnation = ?
                    AND r.kind = ? AND r.key = ?
                  """)) {
            new Parameters(statement).run(run).number(kind(kind)).bytes(key);
            try (ResultSet row = statement.executeQuery()) {
              return row.next() ? row.getBytes(1) : null;
            }
          }
        });
  }

  @Override
  public List<Row> scan(RunKey run, RowKind kind, byte[] from, byte @Nullable [] to, int limit)
      throws JournalException {
    return database.read(
        connection -> {
          try (PreparedStatement statement =
              connection.prepareStatement(
                  """
                  SELECT r.key, r.content
                  FROM heads h
                  JOIN run_rows r ON r.tenant = h.tenant AND r.incarnation = h.incarnation
                  WHERE h.tenant = ? AND h.name = ? AND h.incarnation = ?
                    AND r.kind = ? AND r.key >= ?%s
                  ORDER BY r.key LIMIT ?
                  """
                      .formatted(to == null ? "" : " AND r.key < ?"))) {
            Parameters parameters =
                new Parameters(statement).run(run).number(kind(kind)).bytes(from);
            if (to != null) {
              parameters.bytes(to);
            }
            parameters.number(limit);
            List<Row> found = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
              while (row.next()) {
                found.add(new Row(row.getBytes(1), row.getBytes(2)));
              }
            }
            return found;
          }
        });
  }

  @Override
  public boolean write(
      RunKey run, @Nullable RowsMark expected, RowsMark next, List<RowChange> changes)
      throws JournalException {
    List<RowChange> removed = new ArrayList<>();
    List<RowChange> kept = new ArrayList<>();
    changes.forEach(change -> (change.content() == null ? removed : kept).add(change));
    return database.write(
        connection -> {
          try (PreparedStatement statement =
              connection.prepareStatement(
                  (expected == null ? BEGUN : MOVED) + CHANGED + "SELECT 1 FROM moved")) {
            Parameters parameters = move(statement, run, expected, next);
            parameters.ints(removed, change -> kind(change.kind()));
            parameters.bytes(removed, RowChange::key);
            parameters.ints(kept, change -> kind(change.kind()));
            parameters.bytes(kept, RowChange::key);
            parameters.bytes(kept, change -> Objects.requireNonNull(change.content()));
            return isAny(statement);
          }
        });
  }

  private static Parameters move(
      PreparedStatement statement, RunKey run, @Nullable RowsMark expected, RowsMark next)
      throws SQLException {
    Parameters parameters = mark(new Parameters(statement).run(run), next);
    return expected == null ? parameters : mark(parameters, expected);
  }

  private static Parameters mark(Parameters parameters, RowsMark mark) throws SQLException {
    return parameters
        .number(mark.head().sequence())
        .number(mark.head().checksum())
        .number(mark.newestStep())
        .number(mark.from());
  }

  private static boolean isAny(PreparedStatement statement) throws SQLException {
    try (ResultSet row = statement.executeQuery()) {
      return row.next();
    }
  }

  /** In pieces, each only while the mark is where it was moved to. */
  @Override
  public boolean clear(RunKey run, @Nullable RowsMark expected, RowsMark next)
      throws JournalException {
    boolean moved =
        database.write(
            connection -> {
              try (PreparedStatement statement =
                  connection.prepareStatement(
                      (expected == null ? BEGUN : MOVED) + "SELECT 1 FROM moved")) {
                move(statement, run, expected, next);
                return isAny(statement);
              }
            });
    while (moved && database.write(connection -> clearPiece(connection, run, next)) > 0) {
      // There may be more.
    }
    return moved;
  }

  private static int clearPiece(Connection connection, RunKey run, RowsMark mark)
      throws SQLException {
    try (PreparedStatement statement =
        connection.prepareStatement(
            """
            WITH marked AS (
              SELECT m.tenant, m.incarnation FROM row_marks m
              WHERE m.tenant = ? AND m.incarnation = ? AND m.sequence = ? AND m.checksum = ?
                AND m.newest_step = ? AND m.from_sequence = ?
              FOR UPDATE
            ), piece AS (
              SELECT r.tenant, r.incarnation, r.kind, r.key
              FROM marked m
              JOIN run_rows r ON r.tenant = m.tenant AND r.incarnation = m.incarnation
              LIMIT %d
            )
            DELETE FROM run_rows r USING piece s
            WHERE r.tenant = s.tenant AND r.incarnation = s.incarnation
              AND r.kind = s.kind AND r.key = s.key
            """
                .formatted(ROWS_A_CLEARING))) {
      Parameters parameters = new Parameters(statement).text(run.id().tenant()).incarnation(run);
      mark(parameters, mark);
      return statement.executeUpdate();
    }
  }
}
