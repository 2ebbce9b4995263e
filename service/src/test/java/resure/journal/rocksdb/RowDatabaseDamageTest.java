package resure.journal.rocksdb;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.FileSystemUtils;
import resure.journal.Durability;
import resure.journal.Entries;
import resure.journal.JournalException;
import resure.journal.RowChange;
import resure.journal.RowKind;
import resure.journal.RowsMark;
import resure.journal.RunKey;

/** Rows that are lost or damaged are begun anew, whatever became of them; the journal is not. */
class RowDatabaseDamageTest {

  @TempDir private Path directory;

  private RunKey run = Entries.run("run");

  private RocksDbJournal open() throws JournalException {
    return RocksDbJournal.open(directory.resolve("state"), Durability.FSYNC);
  }

  private Path rows() {
    return directory.resolve("state").resolve("rows");
  }

  private void write() throws JournalException {
    try (RocksDbJournal journal = open()) {
      run = Entries.run("run");
      Entries.append(journal, run, Entries.created());
      RowsMark mark = new RowsMark(requireNonNull(journal.head(run)), 0, 2);
      assertThat(
              journal
                  .rows()
                  .write(
                      run,
                      null,
                      mark,
                      List.of(RowChange.put(RowKind.HISTORY, new byte[] {1}, new byte[100]))))
          .isTrue();
    }
  }

  private void assertBegunAnew() throws JournalException {
    try (RocksDbJournal journal = open()) {
      assertThat(journal.head(run)).isNotNull();
      assertThat(journal.rows().mark(run)).isNull();
      assertThat(journal.rows().get(run, RowKind.HISTORY, new byte[] {1})).isNull();
      RowsMark mark = new RowsMark(requireNonNull(journal.head(run)), 0, 2);
      assertThat(journal.rows().write(run, null, mark, List.of())).isTrue();
    }
  }

  @Test
  void removed() throws IOException {
    write();
    assertThat(FileSystemUtils.deleteRecursively(rows())).isTrue();
    assertBegunAnew();
  }

  @Test
  void damaged() throws IOException {
    write();
    try (Stream<Path> files = Files.list(rows())) {
      for (Path file : files.filter(f -> f.toString().matches(".*(MANIFEST|CURRENT).*")).toList()) {
        Files.write(file, new byte[] {1, 2, 3});
      }
    }
    assertBegunAnew();
  }

  @Test
  void withATableMissing() throws IOException {
    write();
    try (Stream<Path> files = Files.list(rows())) {
      for (Path file : files.filter(f -> f.toString().endsWith(".sst")).toList()) {
        Files.delete(file);
      }
    }
    assertBegunAnew();
  }

  @Test
  void thoseOfARunThatIsGoneAreRemovedWhenTheyAreOpened() throws IOException {
    write();
    Path kept = directory.resolve("kept");
    FileSystemUtils.copyRecursively(rows(), kept);
    try (RocksDbJournal journal = open()) {
      Entries.append(journal, run, new resure.journal.JournalEntry.Deleted(Entries.AT));
    }
    FileSystemUtils.deleteRecursively(rows());
    FileSystemUtils.copyRecursively(kept, rows());
    try (RocksDbJournal journal = open()) {
      assertThat(journal.rows().mark(run)).isNull();
      assertThat(journal.rows().scan(run, RowKind.HISTORY, new byte[0], null, 10)).isEmpty();
    }
  }

  @Test
  void aCopyOfTheStoreLeavesThemOut() throws IOException {
    write();
    try (RocksDbJournal journal = open()) {
      journal.copyTo(directory.resolve("copy"));
    }
    assertThat(directory.resolve("copy").resolve("rows")).doesNotExist();
  }
}
