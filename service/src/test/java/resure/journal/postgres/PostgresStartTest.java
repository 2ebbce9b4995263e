package resure.journal.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariConfig;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.ServerSocket;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import resure.journal.CorruptJournalException;
import resure.journal.Durability;
import resure.journal.Entries;
import resure.journal.Journal;
import resure.journal.JournalException;
import resure.journal.RunKey;

/** A database that cannot be used is refused with what to do, and left as it is. */
class PostgresStartTest {

  private final EmbeddedServer server = EmbeddedServer.shared("18");
  private final EmbeddedServer.Database database = server.newDatabase();

  private static Journal open(HikariConfig config) throws JournalException {
    return PostgresJournal.open(config, Durability.FSYNC);
  }

  private void assertRefused(HikariConfig config, String... words) {
    assertThatThrownBy(() -> open(config))
        .isInstanceOf(JournalException.class)
        .hasMessageContainingAll(words)
        .satisfies(
            refused -> {
              StringWriter shown = new StringWriter();
              refused.printStackTrace(new PrintWriter(shown));
              assertThat(shown.toString()).doesNotContain("open sesame", "swordfish");
            });
  }

  private long tables() throws Exception {
    return database.number(
        "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = current_schema()");
  }

  @Test
  void anUnreachableServer() throws Exception {
    HikariConfig config = database.config();
    try (ServerSocket closed = new ServerSocket(0)) {
      config.setJdbcUrl("jdbc:postgresql://127.0.0.1:%d/runs".formatted(closed.getLocalPort()));
    }

    assertRefused(config, "127.0.0.1", "/runs cannot be connected to", "spring.datasource.url");
  }

  @Test
  void aWrongPassword() {
    HikariConfig config = database.config();
    config.setPassword("swordfish");
    assertRefused(config, "password authentication failed", "spring.datasource.password");

    HikariConfig inTheAddress = database.config();
    inTheAddress.setPassword(null);
    inTheAddress.setJdbcUrl(database.url() + "?password=swordfish");
    assertRefused(inTheAddress, "password authentication failed");
  }

  @Test
  void anAddressThatIsNone() {
    HikariConfig config = database.config();
    config.setJdbcUrl("jdbc:postgresql://db:port/runs?password=swordfish");

    assertRefused(config, "jdbc:postgresql://db:port/runs", "jdbc:postgresql://HOST:5432/NAME");
  }

  @Test
  void anUnknownDatabase() {
    HikariConfig config = database.config();
    config.setJdbcUrl(database.url() + "_not");

    assertRefused(config, "does not exist", "create the database");
  }

  @Test
  void aUserWhoMayNotMakeTables() throws Exception {
    EmbeddedServer.Database other = server.newDatabase();
    HikariConfig config = database.config();
    config.setUsername(other.user());
    config.setPassword(other.password());

    assertRefused(config, other.user(), "schema public", "GRANT USAGE, CREATE ON SCHEMA");
    assertThat(tables()).isZero();
  }

  @Test
  void aUserWhoMayNotWrite() throws Exception {
    open(database.config()).close();
    EmbeddedServer.Database other = server.newDatabase();
    database.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO " + other.user());
    HikariConfig config = database.config();
    config.setUsername(other.user());
    config.setPassword(other.password());

    assertRefused(config, other.user(), "INSERT on heads", "DELETE on entries");
  }

  @Test
  void aUserWhoMayWriteButNotMakeTablesIsEnoughOnceTheyAreThere() throws Exception {
    open(database.config()).close();
    EmbeddedServer.Database other = server.newDatabase();
    database.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO " + other.user());
    HikariConfig config = database.config();
    config.setUsername(other.user());
    config.setPassword(other.password());

    try (Journal journal = open(config)) {
      Entries.append(journal, Entries.run("granted"), Entries.created());
    }
  }

  @Test
  void noSchemaAtAll() {
    HikariConfig config = database.config();
    config.setJdbcUrl(database.url() + "?currentSchema=nowhere");

    assertRefused(config, "no schema", "currentSchema");
  }

  @Test
  void aSchemaOfOnesOwnBesideAnothersTables() throws Exception {
    database.execute("CREATE TABLE invoices (id int)", "CREATE SCHEMA resure");
    HikariConfig config = database.config();
    config.setJdbcUrl(database.url() + "?currentSchema=resure");
    RunKey run = Entries.run("run");

    try (Journal journal = open(config)) {
      Entries.append(journal, run, Entries.created());
    }
    try (Journal journal = open(config)) {
      assertThat(journal.lookup(run.id())).isEqualTo(run);
    }
    assertThat(tables()).isEqualTo(1);
  }

  @Test
  void tablesOfSomebodyElse() throws Exception {
    database.execute("CREATE TABLE invoices (id int)");

    assertRefused(database.config(), "not this service's: invoices", "a schema of its own");
    assertThat(tables()).isEqualTo(1);
  }

  @Test
  void aHistoryOfSomebodyElse() throws Exception {
    database.execute("CREATE TABLE flyway_schema_history (version int)");

    assertRefused(database.config(), "not this service's: flyway_schema_history");
  }

  @Test
  void aNewerSchema() throws Exception {
    open(database.config()).close();
    database.execute(
        "INSERT INTO resure_schema_history SELECT 99, '99', 'later', type, 'V99__later.sql', 7,"
            + " installed_by, installed_on, execution_time, true FROM resure_schema_history"
            + " WHERE version = '1'");

    assertRefused(database.config(), "newer release", "version 99, this one knows up to 3");
  }

  @Test
  void aDamagedHistory() throws Exception {
    open(database.config()).close();
    database.execute("UPDATE resure_schema_history SET checksum = checksum + 1");
    assertRefused(database.config(), "history", "Restore it from a backup");

    database.execute("DELETE FROM resure_schema_history");
    assertRefused(database.config(), "nothing in their history", "Restore it from a backup");
  }

  @Test
  void tablesThatAreMissing() throws Exception {
    open(database.config()).close();
    database.execute("DROP TABLE heads", "DROP TABLE garbage");

    assertThatThrownBy(() -> open(database.config()))
        .isInstanceOf(CorruptJournalException.class)
        .hasMessageContainingAll("tables are missing: heads, garbage", "backup");
  }

  @Test
  void aDatabaseThatTakesNoWrites() {
    server.execute(
        "postgres",
        "ALTER DATABASE %s SET default_transaction_read_only = on".formatted(database.name()));

    assertRefused(database.config(), "takes no writes", "Name the primary");
  }

  @Test
  void tooFewConnections() {
    server.execute("postgres", "ALTER DATABASE %s CONNECTION LIMIT 2".formatted(database.name()));

    assertRefused(
        database.config(), "gives 2 connections, of the 8", "maximum-pool-size", "max_connections");
    server.execute("postgres", "ALTER DATABASE %s CONNECTION LIMIT 0".formatted(database.name()));
    assertRefused(database.config(), "too many connections", "raise the connections");
  }

  @Test
  void aPoolOfOneConnection() {
    HikariConfig config = database.config();
    config.setMaximumPoolSize(1);

    assertRefused(config, "maximum-pool-size must be 2 or more");
  }

  @Test
  void manyProcessesThatStartAtOnceOnAnEmptyDatabaseAllCome() throws Exception {
    int processes = 6;
    try (ExecutorService threads = Executors.newFixedThreadPool(processes)) {
      List<Future<Journal>> opened =
          IntStream.range(0, processes)
              .mapToObj(
                  i ->
                      threads.submit(
                          () -> {
                            HikariConfig config = database.config();
                            config.setMaximumPoolSize(2);
                            return open(config);
                          }))
              .toList();
      RunKey run = Entries.run("run");
      Entries.append(opened.getFirst().get(60, TimeUnit.SECONDS), run, Entries.created());
      for (Future<Journal> each : opened) {
        try (Journal journal = each.get(60, TimeUnit.SECONDS)) {
          assertThat(journal.lookup(run.id())).isEqualTo(run);
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"FSYNC, on", "OS, off"})
  void theServerIsToldWhatIsDurableAndHowLongAnythingMayTake(Durability durability, String commit)
      throws Exception {
    HikariConfig config = database.config();
    config.setConnectionInitSql("SET lock_timeout = '7s'");

    Database connected = Database.connect(config, durability);
    try {
      assertThat(setting(connected, "synchronous_commit")).isEqualTo(commit);
      assertThat(setting(connected, "transaction_isolation")).isEqualTo("read committed");
      assertThat(setting(connected, "statement_timeout")).isEqualTo("10s");
      assertThat(setting(connected, "idle_in_transaction_session_timeout")).isEqualTo("2s");
      assertThat(setting(connected, "lock_timeout"))
          .as("an operator's word is last")
          .isEqualTo("7s");
    } finally {
      connected.close();
    }
  }

  private static String setting(Database connected, String name) throws JournalException {
    return connected.read(
        connection -> {
          try (Statement statement = connection.createStatement();
              ResultSet row = statement.executeQuery("SHOW " + name)) {
            row.next();
            return row.getString(1);
          }
        });
  }

  @Test
  void anInitialisationThatTheServerRefuses() {
    HikariConfig config = database.config();
    config.setConnectionInitSql("SET nonsense = 1");

    assertRefused(config, "cannot be connected to", "nonsense");
  }
}
