package resure.journal.postgres;

import com.zaxxer.hikari.HikariConfig;
import org.testcontainers.junit.jupiter.Container;
import org.testcontainers.junit.jupiter.Testcontainers;
import org.testcontainers.postgresql.PostgreSQLContainer;
import resure.journal.Durability;
import resure.journal.Journal;
import resure.journal.JournalContract;

/** The image that others run, where there is a container engine. */
@Testcontainers(disabledWithoutDocker = true)
class ContainerJournalTest extends JournalContract {

  @Container private final PostgreSQLContainer server = new PostgreSQLContainer("postgres:18");

  @Override
  protected Journal open() throws Exception {
    HikariConfig config = new HikariConfig();
    config.setJdbcUrl(server.getJdbcUrl());
    config.setUsername(server.getUsername());
    config.setPassword(server.getPassword());
    return PostgresJournal.open(config, Durability.FSYNC);
  }

  @Override
  protected Journal reopen() throws Exception {
    return open();
  }
}
