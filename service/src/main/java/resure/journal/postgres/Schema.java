package resure.journal.postgres;

import java.lang.System.Logger.Level;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.TreeSet;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.MigrationState;
import org.flywaydb.core.api.output.ValidateResult;
import org.jspecify.annotations.Nullable;
import resure.journal.CorruptJournalException;
import resure.journal.JournalException;
import resure.journal.JournalUnavailableException;

/**
 * Makes the tables, or finds that they are ours, whole, and of this release. An empty schema is
 * initialised; any other that is not ours is left as it is.
 */
final class Schema {

  private static final System.Logger LOG = System.getLogger(Schema.class.getName());

  private static final String HISTORY = "resure_schema_history";

  private static final List<String> TABLES =
      List.of(
          "heads",
          "entries",
          "idempotency_keys",
          "rewinds",
          "snapshots",
          "documents",
          "row_marks",
          "run_rows",
          "trimmings",
          "garbage");

  private static final int OLDEST_SERVER = 140_000;

  /** What there is before anything is done. */
  private record Found(@Nullable String name, String user, TreeSet<String> tables) {}

  private final DataSource source;
  private final String url;

  private Schema(DataSource source, String url) {
    this.source = source;
    this.url = url;
  }

  /** Throws when the database cannot be used; the message says what to do. */
  static void prepare(Database database) throws JournalException {
    new Schema(database.pool(), database.url()).prepare();
  }

  private void prepare() throws JournalException {
    try {
      requireServer();
      Found found = look();
      String name = found.name;
      if (name == null) {
        throw refused(
            "has no schema on the search_path of user %s; create one, or name it in"
                    .formatted(found.user)
                + " spring.datasource.url: ?currentSchema=NAME");
      }
      if (!found.tables.isEmpty() && !found.tables.contains(HISTORY)) {
        throw refused(
            "has tables in schema %s that are not this service's: %s. Give it a schema of its own"
                .formatted(name, String.join(", ", found.tables)));
      }
      migrate(name, found);
      requireTables(look());
      requireRights(name, found.user);
    } catch (SQLException e) {
      throw refused("cannot be looked at: " + e.getMessage(), e);
    }
  }

  private void requireServer() throws SQLException, JournalException {
    try (Connection connection = source.getConnection()) {
      String version = text(connection, "SELECT version()");
      int number =
          Integer.parseInt(text(connection, "SELECT current_setting('server_version_num')"));
      if (version.startsWith("PostgreSQL ")
          && !version.contains("-YB-")
          && number < OLDEST_SERVER) {
        throw refused("is of %s; PostgreSQL 14 is the oldest that will do".formatted(version));
      }
      if (Database.isReadOnly(connection)) {
        throw refused(
            "takes no writes: it is a standby, or was set so. Name the primary in"
                + " spring.datasource.url");
      }
      warnOf(connection);
    }
  }

  private Found look() throws SQLException {
    try (Connection connection = source.getConnection()) {
      TreeSet<String> tables = new TreeSet<>();
      try (PreparedStatement statement =
              connection.prepareStatement(
                  "SELECT tablename FROM pg_catalog.pg_tables"
                      + " WHERE schemaname = current_schema()");
          ResultSet result = statement.executeQuery()) {
        while (result.next()) {
          tables.add(result.getString(1));
        }
      }
      return new Found(
          textOrNull(connection, "SELECT current_schema()"),
          text(connection, "SELECT current_user"),
          tables);
    }
  }

  private void warnOf(Connection connection) throws SQLException {
    if ("off".equals(textOrNull(connection, "SELECT current_setting('fsync', true)"))) {
      LOG.log(
          Level.WARNING,
          "The database {0} does not sync its disk (fsync is off): what was answered may be lost"
              + " with its power",
          url);
    }
  }

  private static String text(Connection connection, String query) throws SQLException {
    return String.valueOf(textOrNull(connection, query));
  }

  private static @Nullable String textOrNull(Connection connection, String query)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(query);
        ResultSet result = statement.executeQuery()) {
      return result.next() ? result.getString(1) : null;
    }
  }

  private void migrate(String schema, Found found) throws JournalException {
    Flyway flyway =
        Flyway.configure(Schema.class.getClassLoader())
            .dataSource(source)
            .defaultSchema(schema)
            .createSchemas(false)
            .table(HISTORY)
            .locations("classpath:resure/journal/postgres")
            .ignoreMigrationPatterns("*:pending")
            .cleanDisabled(true)
            .load();
    try {
      requireKnown(flyway, found);
      int pending = flyway.info().pending().length;
      if (pending > 0) {
        LOG.log(
            Level.INFO,
            found.tables.isEmpty()
                ? "The database {0} is empty: the tables are made in schema {1}"
                : "The tables of the database {0}, schema {1}, are brought to this release",
            url,
            schema);
        flyway.migrate();
      }
    } catch (FlywayException e) {
      if (cause(e) instanceof SQLException cause && "42501".equals(cause.getSQLState())) {
        throw refused(
            "does not let user %s make tables in schema %s (%s). GRANT USAGE, CREATE ON SCHEMA"
                    .formatted(found.user, schema, cause.getMessage())
                + " to that user, or give it a schema of its own",
            e);
      }
      throw refused("could not be brought to this release: " + cause(e).getMessage(), e);
    }
  }

  /** The newest version that this release brings a schema to. */
  private static String known(Flyway flyway) {
    return Stream.of(flyway.info().all())
        .filter(migration -> migration.getState() != MigrationState.FUTURE_SUCCESS)
        .filter(migration -> migration.getState() != MigrationState.FUTURE_FAILED)
        .map(MigrationInfo::getVersion)
        .filter(Objects::nonNull)
        .max(Comparator.naturalOrder())
        .map(Object::toString)
        .orElse("none");
  }

  private static Throwable cause(FlywayException e) {
    Throwable cause = e;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  private void requireKnown(Flyway flyway, Found found) throws JournalException {
    for (MigrationInfo migration : flyway.info().all()) {
      MigrationState state = migration.getState();
      if (state == MigrationState.FUTURE_SUCCESS || state == MigrationState.FUTURE_FAILED) {
        throw refused(
            "is of a newer release of this service: its schema is at version %s, this one knows"
                    .formatted(migration.getVersion())
                + " up to %s. Start that release, or restore a backup".formatted(known(flyway)));
      }
    }
    ValidateResult result = flyway.validateWithResult();
    if (!result.validationSuccessful) {
      List<String> faults = new ArrayList<>();
      result.invalidMigrations.forEach(
          fault -> faults.add(fault.version + " " + fault.errorDetails.errorMessage));
      throw damaged("its history is not what this service has made: " + String.join("; ", faults));
    }
    if (flyway.info().applied().length == 0 && found.tables.size() > 1) {
      throw damaged("there are tables, but nothing in their history");
    }
  }

  /** To be asked after the migration: others that start now may have been at theirs before. */
  private void requireTables(Found found) throws CorruptJournalException {
    List<String> missing = new ArrayList<>(TABLES);
    missing.removeAll(found.tables);
    if (!missing.isEmpty()) {
      throw damaged("tables are missing: " + String.join(", ", missing));
    }
  }

  private void requireRights(String schema, String user) throws SQLException, JournalException {
    List<String> missing = new ArrayList<>();
    try (Connection connection = source.getConnection();
        PreparedStatement statement =
            connection.prepareStatement("SELECT has_table_privilege(?, ?)")) {
      for (String table : TABLES) {
        for (String right : List.of("SELECT", "INSERT", "UPDATE", "DELETE")) {
          statement.setString(1, table);
          statement.setString(2, right);
          try (ResultSet result = statement.executeQuery()) {
            if (!result.next() || !result.getBoolean(1)) {
              missing.add(right + " on " + table);
            }
          }
        }
      }
    }
    if (!missing.isEmpty()) {
      throw refused(
          "does not let user %s do what it must in schema %s: grant %s"
              .formatted(user, schema, String.join(", ", missing)));
    }
  }

  private JournalUnavailableException refused(String what) {
    return new JournalUnavailableException("the database %s %s".formatted(url, what));
  }

  private JournalUnavailableException refused(String what, Exception cause) {
    return new JournalUnavailableException("the database %s %s".formatted(url, what), cause);
  }

  private CorruptJournalException damaged(String what) {
    return new CorruptJournalException(
        "the database %s is damaged or incomplete: %s. Restore it from a backup"
            .formatted(url, what));
  }
}
