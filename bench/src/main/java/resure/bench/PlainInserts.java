package resure.bench;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * What PostgreSQL itself takes: rows of the same bytes in transactions of the same size, inserted
 * by JDBC with one prepared statement and one commit each, and nothing else.
 */
final class PlainInserts implements AutoCloseable {

  private static final String TABLE =
      "CREATE TABLE plain (run bigint, sequence bigint, bytes bytea, PRIMARY KEY (run, sequence))";
  private static final String INSERT =
      "INSERT INTO plain SELECT * FROM unnest(?::bigint[], ?::bigint[], ?::bytea[])";

  private final List<Connection> connections = new ArrayList<>();
  private final ExecutorService threads;
  private final byte[][] rows;
  private final long[] next;

  /**
   * Makes the table in an empty database.
   *
   * @param connections how many insert at the same time
   * @param rows the bytes to insert, in turns
   */
  PlainInserts(Postgres postgres, String database, int connections, List<byte[]> rows)
      throws SQLException {
    this.rows = rows.toArray(byte[][]::new);
    next = new long[connections];
    threads = Executors.newFixedThreadPool(connections);
    try (Connection connection = postgres.connect(database);
        Statement statement = connection.createStatement()) {
      statement.execute(TABLE);
    }
    for (int i = 0; i < connections; i++) {
      this.connections.add(postgres.connect(database));
    }
  }

  /** Inserts for a time; gives the rows a second. */
  double drive(int rowsEach, Duration time) throws InterruptedException {
    long start = System.nanoTime();
    long deadline = start + time.toNanos();
    List<Future<Long>> inserted = new ArrayList<>();
    for (int i = 0; i < next.length; i++) {
      int number = i;
      inserted.add(threads.submit(() -> insert(number, rowsEach, deadline)));
    }
    long all = 0;
    try {
      for (Future<Long> each : inserted) {
        all += each.get();
      }
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    }
    return all / ((System.nanoTime() - start) / 1e9);
  }

  private long insert(int number, int rowsEach, long deadline) throws SQLException {
    Connection connection = connections.get(number);
    Long[] runs = new Long[rowsEach];
    Long[] sequences = new Long[rowsEach];
    byte[][] bytes = new byte[rowsEach][];
    long inserted = 0;
    try (PreparedStatement statement = connection.prepareStatement(INSERT)) {
      while (System.nanoTime() < deadline) {
        for (int i = 0; i < rowsEach; i++) {
          // As many runs as rows, so that keys are spread as those of the service are.
          runs[i] = (long) number * 1000 + i;
          sequences[i] = next[number];
          bytes[i] = rows[(int) ((next[number] + i) % rows.length)];
        }
        next[number]++;
        Array runArray = connection.createArrayOf("bigint", runs);
        Array sequenceArray = connection.createArrayOf("bigint", sequences);
        Array byteArray = connection.createArrayOf("bytea", bytes);
        statement.setArray(1, runArray);
        statement.setArray(2, sequenceArray);
        statement.setArray(3, byteArray);
        inserted += statement.executeUpdate();
      }
    }
    return inserted;
  }

  @Override
  public void close() throws SQLException {
    threads.shutdown();
    for (Connection connection : connections) {
      connection.close();
    }
  }
}
