package resure.journal.postgres;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;

/** Removes the rows of deleted runs, and what was trimmed away, a few of one run at a time. */
final class Garbage {

  /** What tells a row of a run from another of that run. */
  private record Table(String name, String within) {}

  private static final List<Table> TABLES =
      List.of(
          new Table("entries", "sequence"),
          new Table("idempotency_keys", "idempotency_key"),
          new Table("rewinds", "sequence"),
          new Table("snapshots", "sequence"),
          new Table("row_marks", "sequence"),
          new Table("run_rows", "key"),
          new Table("trimmings", "first_sequence"));

  /** What of a run is trimmed away before a sequence; the first entry is not. */
  private static final List<String> TRIMMED =
      List.of(
          remove("entries", "sequence", "sequence > 1"),
          remove("snapshots", "sequence", "true"),
          remove("rewinds", "sequence", "true"),
          remove("idempotency_keys", "idempotency_key", "step >= 0"));

  /** The condition is asked of the newest row: a key may be used again meanwhile. */
  private static String remove(String table, String within, String condition) {
    return """
    DELETE FROM %1$s
    WHERE tenant = ? AND incarnation = ? AND sequence < ? AND %3$s AND %2$s IN (
      SELECT %2$s FROM %1$s
      WHERE tenant = ? AND incarnation = ? AND sequence < ? AND %3$s LIMIT ?)
    """
        .formatted(table, within, condition);
  }

  private final int rows;

  /**
   * In pieces.
   *
   * @param rows of each table, at most
   */
  Garbage(int rows) {
    this.rows = rows;
  }

  /**
   * Removes a piece in a transaction, which is left open when that fails; whether there may be
   * more.
   */
  boolean collect(Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    boolean found;
    try (PreparedStatement statement =
            connection.prepareStatement(
                "SELECT tenant, incarnation FROM garbage LIMIT 1 FOR UPDATE SKIP LOCKED");
        ResultSet run = statement.executeQuery()) {
      found = run.next();
      if (found) {
        collect(connection, run.getBytes(1), run.getObject(2));
      }
    }
    boolean trimmed = collectTrimmed(connection);
    connection.commit();
    return found || trimmed;
  }

  private boolean collectTrimmed(Connection connection) throws SQLException {
    try (PreparedStatement statement =
            connection.prepareStatement(
                "SELECT tenant, incarnation, first_sequence FROM trimmings LIMIT 1"
                    + " FOR UPDATE SKIP LOCKED");
        ResultSet trimming = statement.executeQuery()) {
      if (!trimming.next()) {
        return false;
      }
      byte[] tenant = trimming.getBytes(1);
      Object incarnation = trimming.getObject(2);
      long first = trimming.getLong(3);
      int removed = 0;
      for (String sql : TRIMMED) {
        removed +=
            delete(connection, sql, tenant, incarnation, first, tenant, incarnation, first, rows);
      }
      if (removed == 0) {
        delete(
            connection,
            "DELETE FROM trimmings WHERE tenant = ? AND incarnation = ? AND first_sequence = ?",
            tenant,
            incarnation,
            first);
      }
      return true;
    }
  }

  private void collect(Connection connection, byte[] tenant, Object incarnation)
      throws SQLException {
    int removed = 0;
    for (Table table : TABLES) {
      removed +=
          delete(
              connection,
              """
              DELETE FROM %1$s WHERE tenant = ? AND incarnation = ? AND %2$s IN (
                SELECT %2$s FROM %1$s WHERE tenant = ? AND incarnation = ? LIMIT %3$d)
              """
                  .formatted(table.name, table.within, rows),
              tenant,
              incarnation,
              tenant,
              incarnation);
    }
    removed +=
        delete(
            connection,
            """
            DELETE FROM documents WHERE (kind, tenant, incarnation, id) IN (
              SELECT kind, tenant, incarnation, id FROM documents
              WHERE kind IN (1, 2, 3, 4) AND tenant = ? AND incarnation = ? LIMIT %d)
            """
                .formatted(rows),
            tenant,
            incarnation);
    if (removed == 0) {
      delete(
          connection,
          "DELETE FROM garbage WHERE tenant = ? AND incarnation = ?",
          tenant,
          incarnation);
    }
  }

  private static int delete(Connection connection, String sql, Object... parameters)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < parameters.length; i++) {
        statement.setObject(i + 1, parameters[i]);
      }
      return statement.executeUpdate();
    }
  }
}
