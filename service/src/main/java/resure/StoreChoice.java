package resure;

import com.zaxxer.hikari.HikariConfig;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.context.properties.bind.BindException;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.core.env.ConfigurableEnvironment;
import resure.journal.Journal;
import resure.journal.JournalException;
import resure.journal.postgres.PostgresJournal;
import resure.journal.rocksdb.RocksDbJournal;

/** The store that was asked for; nothing of the other is opened. */
final class StoreChoice {

  /** What an operator can ask for. */
  enum Store {
    ROCKSDB,
    POSTGRES
  }

  static final String URL = "spring.datasource.url";
  private static final String USER = "spring.datasource.username";
  private static final String PASSWORD = "spring.datasource.password";
  private static final String POOL = "spring.datasource.hikari";

  private static final Logger LOG = LoggerFactory.getLogger(StoreChoice.class);

  private final Journal journal;
  private final @Nullable RocksDbJournal embedded;

  private StoreChoice(Journal journal, @Nullable RocksDbJournal embedded) {
    this.journal = journal;
    this.embedded = embedded;
  }

  /** Opens the journal; the caller closes it. */
  static StoreChoice open(ResureProperties properties, ConfigurableEnvironment environment)
      throws JournalException {
    String durability = properties.durability().name().toLowerCase(Locale.ROOT);
    return switch (properties.store()) {
      case ROCKSDB -> {
        LOG.info(
            "State is in {}, durability is {}",
            properties.stateDirectory().toAbsolutePath().normalize(),
            durability);
        RocksDbJournal rocksDb =
            RocksDbJournal.open(properties.stateDirectory(), properties.durability());
        yield new StoreChoice(rocksDb, rocksDb);
      }
      case POSTGRES -> {
        HikariConfig pool = pool(environment);
        LOG.info(
            "State is in {}, durability is {}",
            PostgresJournal.withoutSecrets(String.valueOf(pool.getJdbcUrl())),
            durability);
        yield new StoreChoice(PostgresJournal.open(pool, properties.durability()), null);
      }
    };
  }

  /** As Spring Boot names the properties of a data source. */
  private static HikariConfig pool(ConfigurableEnvironment environment) {
    HikariConfig pool = new HikariConfig();
    try {
      Binder.get(environment).bind(POOL, Bindable.ofInstance(pool));
    } catch (BindException | IllegalArgumentException e) {
      throw new InvalidPropertiesException(
          List.of(POOL + " has what cannot be set: " + e.getMessage()));
    }
    pool.setJdbcUrl(environment.getProperty(URL));
    pool.setUsername(environment.getProperty(USER));
    pool.setPassword(environment.getProperty(PASSWORD));
    return pool;
  }

  Journal journal() {
    return journal;
  }

  /** The same where it is the embedded store; else null. */
  @Nullable RocksDbJournal embedded() {
    return embedded;
  }
}
