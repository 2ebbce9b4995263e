package resure.journal.postgres;

import resure.journal.Durability;
import resure.journal.Journal;
import resure.journal.RunRowsContract;

class PostgresRowsTest extends RunRowsContract {

  private final EmbeddedServer.Database database = EmbeddedServer.shared("17").newDatabase();

  @Override
  protected Journal open() throws Exception {
    return PostgresJournal.open(database.config(), Durability.FSYNC);
  }

  @Override
  protected Journal openSecond() throws Exception {
    return open();
  }

  @Override
  protected Journal reopen() throws Exception {
    return open();
  }
}
