package resure.journal.postgres;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;

/** Removes the rows of deleted runs, a few of one run at a time. */
final class Garbage {

  /** What tells a row of a run from another of that run. */
  private record Table(String name, String within) {}

  private static final List<Table> TABLES =
      List.of(
          new Table("entries", "sequence"),
          new Table("idempotency_keys", "idempotency_key"),
          new Table("rewinds", "sequence"),
          new Table("snapshots", "sequence"));

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
    connection.commit();
    return found;
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
