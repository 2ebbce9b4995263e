package resure.journal.postgres;

import java.sql.SQLException;

/** What an error of the database means, by its SQLState. */
enum Failure {
  /** The server has rolled back, since others were in the way: the same again may pass. */
  CONTENDED,
  /** The server has rolled back; nothing was written. */
  REFUSED,
  /** The server takes no writes, as a standby; nothing was written. */
  READ_ONLY,
  /** The server has rolled back, since rows are damaged, or there that should not be. */
  DAMAGED,
  /** The connection broke: what was sent last may or may not have been done. */
  BROKEN;

  static Failure of(SQLException e) {
    String state = e.getSQLState() == null ? "" : e.getSQLState();
    return switch (state) {
      case "40001", "40P01" -> CONTENDED;
      case "25006" -> READ_ONLY;
      case "XX001", "XX002" -> DAMAGED;
      // The answer was lost, or that of a transaction that the server was not sure of.
      case "", "40003" -> BROKEN;
      default -> ofClass(state.substring(0, Math.min(2, state.length())), state);
    };
  }

  private static Failure ofClass(String type, String state) {
    return switch (type) {
      case "08", "58", "XX" -> BROKEN;
      // Shut down, crashed, starting up, database dropped; but a statement that was cancelled or
      // found a lock taken has failed alone.
      case "57" -> state.startsWith("57P") ? BROKEN : REFUSED;
      case "23" -> DAMAGED;
      default -> REFUSED;
    };
  }
}
