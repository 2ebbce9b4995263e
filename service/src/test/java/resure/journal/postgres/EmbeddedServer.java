package resure.journal.postgres;

import com.zaxxer.hikari.HikariConfig;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.jar.JarFile;
import java.util.stream.Stream;

/**
 * A real PostgreSQL of this JVM's own, from a jar that the build puts under {@code
 * target/postgres}, on a port and in a directory of its own. It does not sync, so that tests are
 * quick, unless it is told to. Ends with the JVM; what a killed one left is ended by the next.
 */
public final class EmbeddedServer implements AutoCloseable {

  /** The releases that are supported. */
  public static final List<String> VERSIONS = List.of("17", "18");

  private static final String PREFIX = "resure-postgres-";

  /** Which JVM a directory is of. */
  private static final String OWNER = "owner";

  private static final Map<String, EmbeddedServer> SHARED = new HashMap<>();
  private static final AtomicInteger DATABASES = new AtomicInteger();
  private static final Duration START_WAIT = Duration.ofSeconds(60);

  private static final String HOST_ACCESS =
      """
      local all all trust
      host all postgres 127.0.0.1/32 trust
      host all all 127.0.0.1/32 scram-sha-256
      """;

  /**
   * A database in which there is nothing, with a user of its own.
   *
   * @param url where it is
   * @param name what it is called
   * @param user its owner, no superuser
   * @param password of the user
   */
  public record Database(String url, String name, String user, String password) {

    /** How the service connects to it, with few connections. */
    public HikariConfig config() {
      HikariConfig config = new HikariConfig();
      config.setJdbcUrl(url);
      config.setUsername(user);
      config.setPassword(password);
      config.setMaximumPoolSize(8);
      return config;
    }

    /** The same under another address. */
    public Database at(int port) {
      return new Database(
          url.replaceFirst("127[.]0[.]0[.]1:[0-9]+", "127.0.0.1:" + port), name, user, password);
    }

    /** A connection as its user. */
    public Connection connect() throws SQLException {
      return DriverManager.getConnection(url, user, password);
    }

    /** Executes statements as its user. */
    public void execute(String... statements) throws SQLException {
      try (Connection connection = connect()) {
        for (String sql : statements) {
          try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
          }
        }
      }
    }

    /** The first column of the first row, as a number. */
    public long number(String query) throws SQLException {
      try (Connection connection = connect();
          Statement statement = connection.createStatement();
          ResultSet row = statement.executeQuery(query)) {
        row.next();
        return row.getLong(1);
      }
    }
  }

  private final String version;
  private final Map<String, String> settings;
  private final Path directory;
  private int port;
  private EmbeddedPostgres server;

  private EmbeddedServer(String version, Map<String, String> settings) {
    this.version = version;
    this.settings = settings;
    try {
      removeLeftOvers();
      directory = Files.createTempDirectory(PREFIX + version + "-");
      Files.writeString(directory.resolve(OWNER), Long.toString(ProcessHandle.current().pid()));
      Runtime.getRuntime().addShutdownHook(new Thread(this::close));
      start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The server of a version that all tests of this JVM share; for those that do not harm it. */
  public static synchronized EmbeddedServer shared(String version) {
    return SHARED.computeIfAbsent(version, v -> new EmbeddedServer(v, Map.of()));
  }

  /** A server of one's own, with settings as in {@code postgresql.conf}; to be closed. */
  public static EmbeddedServer own(String version, Map<String, String> settings) {
    return new EmbeddedServer(version, settings);
  }

  /** Starts it, at first or again, on the same port and data. */
  public void start() {
    try {
      EmbeddedPostgres.Builder builder =
          EmbeddedPostgres.builder()
              .setPgBinaryResolver((system, architecture) -> binary())
              .setDataDirectory(directory.resolve("data"))
              .setCleanDataDirectory(false)
              .setRegisterShutdownHook(false)
              .setPGStartupWait(START_WAIT)
              .setLocaleConfig("locale", "C")
              .setServerConfig("listen_addresses", "127.0.0.1")
              .setServerConfig("unix_socket_directories", directory.toString())
              .setServerConfig("max_connections", "200");
      settings.forEach(builder::setServerConfig);
      if (port > 0) {
        builder.setPort(port);
      }
      server = builder.start();
      port = server.getPort();
      Files.writeString(directory.resolve("data").resolve("pg_hba.conf"), HOST_ACCESS);
      execute("postgres", "SELECT pg_reload_conf()");
    } catch (IOException | RuntimeException e) {
      throw new IllegalStateException(
          "No test of the database can run: PostgreSQL %s does not start in %s. It needs Linux on"
                  .formatted(version, directory)
              + " x86-64 and, as root, that unshare -U is allowed",
          e);
    }
  }

  private InputStream binary() throws IOException {
    Path jar = Path.of("target/postgres/%s.jar".formatted(version));
    try (JarFile file = new JarFile(jar.toFile());
        InputStream entry = file.getInputStream(file.getEntry("postgres-linux-x86_64.txz"))) {
      return new ByteArrayInputStream(entry.readAllBytes());
    }
  }

  /** Stops it as its operator would; connections are cut. */
  public void stop() {
    try {
      server.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Lets all its processes stand still: the network is there, and nobody answers. */
  public void pause() {
    signal("STOP");
  }

  /** Ends {@link #pause}. */
  public void resume() {
    signal("CONT");
  }

  private void signal(String name) {
    try {
      ProcessHandle postmaster = postmaster(directory).orElseThrow();
      for (ProcessHandle process :
          Stream.concat(Stream.of(postmaster), postmaster.descendants()).toList()) {
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Its port on 127.0.0.1. */
  public int port() {
    return port;
  }

  /** Where its files are, for what tests put beside them. */
  public Path directory() {
    return directory;
  }

  /** Executes a statement as superuser in a database. */
  public void execute(String database, String sql) {
    try (Connection connection = DriverManager.getConnection(url(database), "postgres", "");
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new IllegalStateException(sql, e);
    }
  }

  private String url(String database) {
    return "jdbc:postgresql://127.0.0.1:%d/%s".formatted(port, database);
  }

  /** Makes a database that nobody else uses. */
  public Database newDatabase() {
    String name = "test_" + DATABASES.incrementAndGet();
    execute("postgres", "CREATE USER %s PASSWORD 'open sesame'".formatted(name));
    execute("postgres", "CREATE DATABASE %1$s OWNER %1$s".formatted(name));
    return new Database(url(name), name, name, "open sesame");
  }

  private static Optional<ProcessHandle> postmaster(Path directory) throws IOException {
    Path file = directory.resolve("data/postmaster.pid");
    return Files.exists(file)
        ? ProcessHandle.of(Long.parseLong(Files.readAllLines(file).getFirst().strip()))
        : Optional.empty();
  }

  /** Ends and removes the servers of JVMs that were killed. */
  private static void removeLeftOvers() throws IOException {
    Path parent = Path.of(System.getProperty("java.io.tmpdir"));
    try (DirectoryStream<Path> directories = Files.newDirectoryStream(parent, PREFIX + "*")) {
      for (Path left : directories) {
        Path owner = left.resolve(OWNER);
        if (Files.exists(owner)
            && ProcessHandle.of(Long.parseLong(Files.readString(owner))).isEmpty()) {
          postmaster(left)
              .filter(process -> isOf(process, left))
              .ifPresent(process -> process.destroy());
          remove(left);
        }
      }
    }
  }

  /** Whether a process is the server of a directory, not another that got its number. */
  private static boolean isOf(ProcessHandle process, Path directory) {
    return process.info().commandLine().orElse("").contains(directory.toString());
  }

  private static void remove(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    } catch (UncheckedIOException e) {
      // Somebody else removes it too, or a server that ends writes its last.
    }
  }

  /** Again is nothing. */
  @Override
  public synchronized void close() {
    if (Files.exists(directory)) {
      stop();
      try {
        remove(directory);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
