package resure.bench;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.stream.Stream;

/**
 * A PostgreSQL of the bench's own, on the disk that is measured, with the settings that a server
 * has by itself but for a buffer of 256 MB. What is written is synced.
 */
final class Postgres implements AutoCloseable {

  private static final long NANOS_A_TICK = 10_000_000;

  private final EmbeddedPostgres server;
  private final long postmaster;

  Postgres(Path directory) throws IOException {
    Disk.delete(directory);
    Files.createDirectories(directory);
    Path data = directory.resolve("data").toAbsolutePath();
    server =
        EmbeddedPostgres.builder()
            .setDataDirectory(data)
            .setCleanDataDirectory(false)
            .setOverrideWorkingDirectory(directory.resolve("binaries").toAbsolutePath().toFile())
            // The library that starts it would turn it off.
            .setServerConfig("fsync", "on")
            .setServerConfig("synchronous_commit", "on")
            .setServerConfig("full_page_writes", "on")
            .setServerConfig("shared_buffers", "256MB")
            .setServerConfig("max_connections", "200")
            .start();
    postmaster =
        Long.parseLong(Files.readAllLines(data.resolve("postmaster.pid")).getFirst().strip());
  }

  /** What tells the service to keep its journal in a database of this server. */
  List<String> properties(String database) {
    return List.of(
        "--resure.journal.store=postgres",
        "--spring.datasource.url=" + url(database),
        "--spring.datasource.username=postgres",
        "--spring.datasource.password=postgres");
  }

  /** An empty database. */
  void create(String database) throws SQLException {
    try (Connection connection = connect("postgres");
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE DATABASE " + database);
    }
  }

  Connection connect(String database) throws SQLException {
    return DriverManager.getConnection(url(database), "postgres", "postgres");
  }

  String url(String database) {
    return server.getJdbcUrl("postgres", database);
  }

  /** The value of a statement that gives one. */
  long value(String database, String sql) throws SQLException {
    try (Connection connection = connect(database);
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      result.next();
      return result.getLong(1);
    }
  }

  /** User and system time of all its processes so far, to 10 ms, those that have ended included. */
  long cpuNanos() throws IOException {
    long ticks = 0;
    try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
      for (Path process : processes.toList()) {
        ticks += ticks(process);
      }
    }
    return ticks * NANOS_A_TICK;
  }

  private long ticks(Path process) {
    String text;
    try {
      text = Files.readString(process.resolve("stat"));
    } catch (IOException e) {
      // No process, or one that has just ended: then its parent has its time.
      return 0;
    }
    // After the name, which may hold blanks: state, parent, ... utime (14th), stime, cutime,
    // cstime.
    String[] fields = text.substring(text.lastIndexOf(')') + 2).split(" ", -1);
    boolean itself = text.startsWith(postmaster + " ");
    if (!itself && Long.parseLong(fields[1]) != postmaster) {
      return 0;
    }
    long own = Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
    return itself ? own + Long.parseLong(fields[13]) + Long.parseLong(fields[14]) : own;
  }

  @Override
  public void close() throws IOException {
    server.close();
  }
}
