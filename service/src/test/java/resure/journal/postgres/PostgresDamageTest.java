package resure.journal.postgres;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import resure.journal.CorruptJournalException;
import resure.journal.Document;
import resure.journal.DocumentKind;
import resure.journal.Durability;
import resure.journal.Entries;
import resure.journal.JournalEntry;
import resure.journal.RowChange;
import resure.journal.RowKind;
import resure.journal.RowsMark;
import resure.journal.RunKey;
import resure.journal.Snapshot;

/** What is not as it was written is found, and harms no other run; what is deleted goes. */
class PostgresDamageTest {

  private final EmbeddedServer.Database database = EmbeddedServer.shared("18").newDatabase();
  private PostgresJournal journal;
  private RunKey run;
  private RunKey other;

  @BeforeEach
  void open() throws Exception {
    journal = PostgresJournal.open(database.config(), Durability.FSYNC);
    run = create("run");
    other = create("other");
  }

  @AfterEach
  void close() {
    journal.close();
  }

  private RunKey create(String name) throws Exception {
    RunKey created = Entries.run(name);
    Entries.append(journal, created, Entries.created());
    Entries.append(journal, created, Entries.batch("k", 0, 0));
    Entries.append(journal, created, Entries.batch(null, 1, 0));
    return created;
  }

  private String of(RunKey key) {
    return " incarnation = '%s'".formatted(Parameters.uuid(key.incarnation()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "UPDATE entries SET bytes = set_byte(bytes, 9, get_byte(bytes, 9) # 1) WHERE sequence = 2"
            + " AND",
        "UPDATE entries SET bytes = substring(bytes FROM 1 FOR 7) WHERE sequence = 2 AND",
        "UPDATE entries SET checksum = checksum + 1 WHERE sequence = 2 AND",
        "UPDATE entries SET checksum = checksum + 1 WHERE sequence = 3 AND",
        "DELETE FROM entries WHERE sequence = 1 AND",
        "DELETE FROM entries WHERE sequence = 2 AND",
        "DELETE FROM entries WHERE sequence = 3 AND",
        "UPDATE heads SET sequence = 2 WHERE",
        "UPDATE heads SET checksum = checksum + 1 WHERE",
        "DELETE FROM entries WHERE",
      })
  void damageOfARunIsFoundWhenItIsReadAndHarmsNoOther(String damage) throws Exception {
    database.execute(damage + of(run));

    assertThatThrownBy(
            () -> {
              journal.read(run, 1, Integer.MAX_VALUE);
              journal.read(run, 3, Integer.MAX_VALUE);
            })
        .isInstanceOf(CorruptJournalException.class);
    assertThat(journal.read(other, 1, Integer.MAX_VALUE)).hasSize(3);
  }

  @Test
  void anEntryBeyondTheHeadMakesItsRunConflictAndNoOther() throws Exception {
    database.execute("UPDATE entries SET sequence = 4 WHERE sequence = 3 AND" + of(run));

    assertThat(
            journal.append(
                List.of(
                    Entries.next(journal, run, Entries.batch(null, 2, 0)),
                    Entries.next(journal, other, Entries.batch(null, 2, 0)))))
        .containsOnlyKeys(other);
    assertThatThrownBy(() -> journal.read(run, 4, 100)).isInstanceOf(CorruptJournalException.class);
    assertThat(journal.read(other, 1, Integer.MAX_VALUE)).hasSize(4);
  }

  @Test
  void aDamagedSnapshotIsPassedOverForAnOlderOne() throws Exception {
    Snapshot older = new Snapshot(requireNonNull(journal.head(run)), "older".getBytes(UTF_8));
    journal.save(run, older);
    Entries.append(journal, run, Entries.batch(null, 2, 0));
    journal.save(run, new Snapshot(requireNonNull(journal.head(run)), "newer".getBytes(UTF_8)));

    database.execute("UPDATE snapshots SET state = '\\x00' WHERE sequence = 4 AND" + of(run));
    assertThat(requireNonNull(journal.snapshot(run, 9)).state()).isEqualTo("older".getBytes(UTF_8));
    database.execute("UPDATE snapshots SET checksum = 7 WHERE sequence = 3 AND" + of(run));
    assertThat(journal.snapshot(run, 9)).isNull();
  }

  @Test
  void snapshotsAreThinnedByAge() throws Exception {
    for (int s = 4; s <= 300; s++) {
      Entries.append(journal, run, Entries.batch(null, s, 0));
      journal.save(run, new Snapshot(requireNonNull(journal.head(run)), new byte[] {1}));
    }

    assertThat(database.number("SELECT count(*) FROM snapshots")).isBetween(8L, 16L);
    assertThat(requireNonNull(journal.snapshot(run, 20)).sequence()).isLessThanOrEqualTo(20);
  }

  @Test
  void aDamagedDocumentIsFound() throws Exception {
    Document document = new Document(run, DocumentKind.REPLAY, "1");
    journal.keep(document, new byte[] {1, 2});
    database.execute("UPDATE documents SET content = '\\x0103'");

    assertThatThrownBy(() -> journal.content(document)).isInstanceOf(CorruptJournalException.class);
  }

  @Test
  void theRowsOfADeletedRunGoInPiecesWithTheChecks() throws Exception {
    for (int s = 4; s <= 700; s++) {
      Entries.append(journal, run, Entries.batch("k" + s, s, 0));
    }
    Entries.append(journal, run, new JournalEntry.Rewound(Entries.AT, 600, null));
    journal.save(run, new Snapshot(requireNonNull(journal.head(run)), new byte[] {1}));
    journal.keep(new Document(run, DocumentKind.REPLAY, "1"), new byte[] {1});
    journal
        .rows()
        .write(
            run,
            null,
            new RowsMark(requireNonNull(journal.head(run)), 0, 2),
            List.of(RowChange.put(RowKind.DIALOGUES, new byte[] {1}, new byte[] {1})));
    Entries.append(journal, run, new JournalEntry.Deleted(Entries.AT));
    RunKey successor = create("run");
    assertThat(database.number("SELECT count(*) FROM garbage")).isEqualTo(1);

    try (PostgresJournal second = PostgresJournal.open(database.config(), Durability.FSYNC)) {
      int checks = 0;
      while (database.number("SELECT count(*) FROM garbage") > 0) {
        assertThat(checks++).isLessThan(100);
        journal.check();
        second.check();
      }
    }
    for (String table :
        List.of(
            "entries",
            "idempotency_keys",
            "rewinds",
            "snapshots",
            "documents",
            "row_marks",
            "run_rows",
            "garbage")) {
      assertThat(database.number("SELECT count(*) FROM " + table + " WHERE" + of(run)))
          .as(table)
          .isZero();
    }
    assertThat(journal.read(successor, 1, Integer.MAX_VALUE)).hasSize(3);
    assertThat(journal.read(other, 1, Integer.MAX_VALUE)).hasSize(3);
  }

  @Test
  void tablesThatAreGoneWhileTheServiceRunsAreNotMadeAnew() throws Exception {
    database.execute("DROP TABLE heads");

    assertThatThrownBy(journal::check).hasMessageContaining("heads");
    assertThatThrownBy(() -> journal.lookup(run.id())).hasMessageContaining("heads");
  }
}
