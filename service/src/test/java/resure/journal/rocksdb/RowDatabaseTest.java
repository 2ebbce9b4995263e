package resure.journal.rocksdb;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import resure.journal.Durability;
import resure.journal.Journal;
import resure.journal.RunRowsContract;

class RowDatabaseTest extends RunRowsContract {

  @TempDir private Path directory;

  @Override
  protected Journal open() throws Exception {
    return RocksDbJournal.open(directory, Durability.FSYNC);
  }

  @Override
  protected Journal reopen() throws Exception {
    return open();
  }
}
