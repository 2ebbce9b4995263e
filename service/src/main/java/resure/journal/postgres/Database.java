package resure.journal.postgres;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.pool.HikariPool.PoolInitializationException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import resure.journal.CorruptJournalException;
import resure.journal.Durability;
import resure.journal.JournalException;
import resure.journal.JournalUnavailableException;
import resure.journal.OutcomeUnknownException;

/**
 * Connections to the database, and what their failures mean.
 *
 * <p>After a connection broke, or the server took no writes, every call is refused at once until
 * {@link #check} has found the database well: nobody queues behind a time-out. A statement that the
 * server rolled back for want of room, time or a lock closes nothing.
 *
 * <p>Threads: every call holds {@code gate} for reading and {@link #close} for writing, so that it
 * waits for what is being written.
 */
final class Database implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(Database.class.getName());

  /** Tries of a statement that the server rolled back since others were in its way. */
  private static final int TRIES = 4;

  /** How long a replica that stands still may keep others from a run. */
  private static final int IDLE_IN_TRANSACTION_MILLIS = 2_000;

  /** Longer than {@link #IDLE_IN_TRANSACTION_MILLIS}: who waits outlasts who stands still. */
  private static final int LOCK_MILLIS = 5_000;

  private static final int STATEMENT_MILLIS = 10_000;

  /** Longer than {@link #STATEMENT_MILLIS}: the server, which knows the outcome, speaks first. */
  private static final int SOCKET_SECONDS = 13;

  private static final int CONNECT_SECONDS = 2;
  private static final int LOGIN_SECONDS = 10;

  /** Also how long a call waits for a connection that others use. */
  private static final int POOL_MILLIS = 2_500;

  /** The migration needs a second one. */
  private static final int FEWEST = 2;

  private static final int VALIDATION_MILLIS = 1_000;

  /**
   * Every statement finds its rows by primary keys, however many there are, so it is planned once
   * and never over a whole table. Planning the append took longer than executing it; and a plan
   * made while the tables are small, or known to be, must do when they are large. Set where they
   * are known: not every database that speaks PostgreSQL has them.
   */
  private static final String PLANS =
      """
      SELECT set_config(name, 'force_generic_plan', false) FROM pg_settings
        WHERE name = 'plan_cache_mode';
      SELECT set_config(name, 'off', false) FROM pg_settings
        WHERE name IN ('enable_seqscan', 'enable_hashjoin', 'enable_mergejoin', 'jit');
      """;

  /** Fails where the tables are gone, as after an empty database was put in place of ours. */
  private static final String WELL =
      "SELECT current_setting('transaction_read_only'), EXISTS (SELECT 1 FROM heads)";

  private static final Pattern SECRETS = Pattern.compile("//[^/@]*@|[?].*", Pattern.DOTALL);

  private final HikariDataSource pool;
  private final String url;
  private final ReadWriteLock gate = new ReentrantReadWriteLock();
  private final AtomicReference<@Nullable SQLException> failure = new AtomicReference<>();
  private boolean closed;

  private Database(HikariDataSource pool, String url) {
    this.pool = pool;
    this.url = url;
  }

  /**
   * Connects.
   *
   * @param given where to, as whom, and whatever else is to be other than the defaults
   * @throws JournalUnavailableException when that fails; the message says what to do
   */
  static Database connect(HikariConfig given, Durability durability)
      throws JournalUnavailableException {
    String url = withoutSecrets(String.valueOf(given.getJdbcUrl()));
    int most = given.getMaximumPoolSize();
    if (most > 0 && most < FEWEST) {
      throw new JournalUnavailableException(
          "the database %s is to be used by %d connection; spring.datasource.hikari"
                  .formatted(url, most)
              + ".maximum-pool-size must be %d or more".formatted(FEWEST));
    }
    HikariDataSource pool;
    try {
      pool = new HikariDataSource(configure(given, durability));
    } catch (PoolInitializationException e) {
      throw e.getCause() instanceof SQLException cause ? notConnected(url, cause) : unusable(url);
    } catch (RuntimeException e) {
      throw unusable(url);
    }
    return new Database(pool, url);
  }

  /** An address as it may be shown: without users, passwords and other parameters. */
  static String withoutSecrets(String url) {
    return SECRETS.matcher(url).replaceFirst(found -> found.group().startsWith("?") ? "" : "//");
  }

  private static HikariConfig configure(HikariConfig given, Durability durability) {
    HikariConfig config = new HikariConfig();
    given.copyStateTo(config);
    config.setPoolName("resure");
    config.setInitializationFailTimeout(1);
    if (config.getConnectionTimeout() == new HikariConfig().getConnectionTimeout()) {
      config.setConnectionTimeout(POOL_MILLIS);
    }
    if (config.getValidationTimeout() == new HikariConfig().getValidationTimeout()) {
      config.setValidationTimeout(VALIDATION_MILLIS);
    }
    config.setTransactionIsolation("TRANSACTION_READ_COMMITTED");
    putIfAbsent(config, "ApplicationName", "resure");
    putIfAbsent(config, "connectTimeout", CONNECT_SECONDS);
    putIfAbsent(config, "loginTimeout", LOGIN_SECONDS);
    putIfAbsent(config, "socketTimeout", SOCKET_SECONDS);
    putIfAbsent(config, "tcpKeepAlive", true);
    // Statements are few and all come again.
    putIfAbsent(config, "prepareThreshold", 1);
    String own =
        "SET statement_timeout = %d; SET lock_timeout = %d; SET synchronous_commit = %s;"
                .formatted(
                    STATEMENT_MILLIS, LOCK_MILLIS, durability == Durability.FSYNC ? "on" : "off")
            + "SET idle_in_transaction_session_timeout = %d;".formatted(IDLE_IN_TRANSACTION_MILLIS);
    String theirs = config.getConnectionInitSql();
    config.setConnectionInitSql(own + PLANS + (theirs == null ? "" : theirs));
    return config;
  }

  private static void putIfAbsent(HikariConfig config, String property, Object value) {
    config.getDataSourceProperties().putIfAbsent(property, String.valueOf(value));
  }

  /** Without the cause, which shows the address as it was given. */
  private static JournalUnavailableException unusable(String url) {
    return new JournalUnavailableException(
        "the database %s cannot be used: its address must be like jdbc:postgresql://HOST:5432/NAME,"
                .formatted(url)
            + " and what is set under spring.datasource.hikari must fit together");
  }

  private static JournalUnavailableException notConnected(String url, SQLException e) {
    String state = String.valueOf(e.getSQLState());
    String remedy =
        switch (state) {
          case "28P01", "28000" ->
              "check spring.datasource.username and spring.datasource.password, and what the"
                  + " server's pg_hba.conf allows";
          case "3D000" -> "create the database, or correct spring.datasource.url";
          case "42501" -> "grant the user CONNECT on the database";
          case "53300" -> "raise the connections that the server allows, or close others";
          case "57P03" -> "wait until the server has started, or is a primary";
          default -> "check spring.datasource.url, that the server runs, and the network";
        };
    return new JournalUnavailableException(
        "the database %s cannot be connected to: %s (SQLState %s); %s"
            .formatted(url, e.getMessage(), state, remedy),
        e);
  }

  /** Its address as it may be shown. */
  String url() {
    return url;
  }

  /** For {@link Schema}, before anybody else is here. */
  HikariDataSource pool() {
    return pool;
  }

  /**
   * Holds all connections of the pool at once.
   *
   * @throws JournalUnavailableException when the server does not give as many
   */
  void fill() throws JournalUnavailableException {
    List<Connection> held = new ArrayList<>();
    int wanted = pool.getMaximumPoolSize();
    try {
      while (held.size() < wanted) {
        held.add(pool.getConnection());
      }
    } catch (SQLException e) {
      throw new JournalUnavailableException(
          "the database %s gives %d connections, of the %d of".formatted(url, held.size(), wanted)
              + " spring.datasource.hikari.maximum-pool-size (%s); lower that, or raise what the"
                  .formatted(e.getMessage())
              + " server allows (max_connections, or the limit of the user or the database)",
          e);
    } finally {
      held.forEach(Database::close);
    }
  }

  @FunctionalInterface
  interface Work<T extends @Nullable Object> {
    T on(Connection connection) throws SQLException, JournalException;
  }

  /** Reads by one statement or several. */
  <T extends @Nullable Object> T read(Work<T> work) throws JournalException {
    return call(work, false);
  }

  /** Writes by one statement, which commits by itself. */
  <T extends @Nullable Object> T write(Work<T> work) throws JournalException {
    return call(work, true);
  }

  private <T extends @Nullable Object> T call(Work<T> work, boolean writes)
      throws JournalException {
    gate.readLock().lock();
    try {
      requireWell();
      for (int attempt = 1; ; attempt++) {
        try (Connection connection = connection()) {
          return perform(work, connection, writes, attempt);
        } catch (ContendedException e) {
          // Again, on a connection of its own.
        } catch (SQLException e) {
          // Of giving the connection back.
          failure.compareAndSet(null, e);
          throw new OutcomeUnknownException("the database was lost: " + e.getMessage(), e);
        }
      }
    } finally {
      gate.readLock().unlock();
    }
  }

  /** That a statement may be tried again. */
  private static final class ContendedException extends Exception {
    private static final long serialVersionUID = 1L;

    ContendedException(SQLException cause) {
      super(cause);
    }
  }

  private <T extends @Nullable Object> T perform(
      Work<T> work, Connection connection, boolean writes, int attempt)
      throws JournalException, ContendedException {
    try {
      return work.on(connection);
    } catch (SQLException e) {
      if (Failure.of(e) == Failure.CONTENDED && attempt < TRIES) {
        throw new ContendedException(e);
      }
      throw failed(e, writes);
    }
  }

  /**
   * What the caller is told of a statement that failed.
   *
   * @param sent whether it was one that writes, and committed by itself
   */
  JournalException failed(SQLException e, boolean sent) {
    return switch (Failure.of(e)) {
      case CONTENDED, REFUSED ->
          new JournalUnavailableException("the database refused: " + e.getMessage(), e);
      case READ_ONLY -> {
        failure.compareAndSet(null, e);
        yield new JournalUnavailableException("the database takes no writes", e);
      }
      case DAMAGED -> new CorruptJournalException("the database is damaged: " + e.getMessage(), e);
      case BROKEN -> {
        failure.compareAndSet(null, e);
        yield sent
            ? new OutcomeUnknownException("the database was lost: " + e.getMessage(), e)
            : new JournalUnavailableException("the database was lost: " + e.getMessage(), e);
      }
    };
  }

  private void requireWell() throws JournalUnavailableException {
    SQLException cause = failure.get();
    if (closed) {
      throw new JournalUnavailableException("the store is closed");
    }
    if (cause != null) {
      throw new JournalUnavailableException("the database is away: " + cause.getMessage(), cause);
    }
  }

  /** To be closed by the caller. */
  private Connection connection() throws JournalUnavailableException {
    try {
      return pool.getConnection();
    } catch (SQLException e) {
      if (pool.getHikariPoolMXBean().getTotalConnections() == 0) {
        failure.compareAndSet(null, e);
      }
      throw new JournalUnavailableException("no connection to be had: " + e.getMessage(), e);
    }
  }

  /** A connection for a transaction; to be closed by the caller. */
  Connection begin() throws JournalException {
    gate.readLock().lock();
    try {
      requireWell();
      Connection connection = connection();
      try {
        connection.setAutoCommit(false);
        return connection;
      } catch (SQLException e) {
        close(connection);
        throw failed(e, false);
      }
    } finally {
      gate.readLock().unlock();
    }
  }

  /** Gives a connection back; what it has not committed is rolled back. */
  static void close(Connection connection) {
    try {
      connection.close();
    } catch (SQLException e) {
      LOG.log(System.Logger.Level.DEBUG, "a connection broke when it was given back", e);
    }
  }

  /** Throws when the database takes no writes now; one that has come back is used again. */
  void check() throws JournalException {
    gate.readLock().lock();
    try {
      if (closed) {
        throw new JournalUnavailableException("the store is closed");
      }
      SQLException before = failure.get();
      if (before != null) {
        // They are of a server that is gone, or is not the primary any more.
        pool.getHikariPoolMXBean().softEvictConnections();
      }
      try (Connection connection = connection()) {
        if (isOn(connection, WELL)) {
          SQLException readOnly = new SQLException("it is a standby, or was set so", "25006");
          failure.compareAndSet(null, readOnly);
          throw new JournalUnavailableException("the database takes no writes", readOnly);
        }
        failure.compareAndSet(before, null);
      } catch (SQLException e) {
        throw failed(e, false);
      }
    } finally {
      gate.readLock().unlock();
    }
  }

  static boolean isReadOnly(Connection connection) throws SQLException {
    return isOn(connection, "SELECT current_setting('transaction_read_only')");
  }

  private static boolean isOn(Connection connection, String query) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(query);
        ResultSet result = statement.executeQuery()) {
      return result.next() && "on".equals(result.getString(1));
    }
  }

  @Override
  public void close() {
    gate.writeLock().lock();
    try {
      closed = true;
      pool.close();
    } finally {
      gate.writeLock().unlock();
    }
  }
}
