package resure.archive;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import resure.contract.RecordedRelease;
import resure.journal.Durability;
import resure.journal.Journal;
import resure.journal.RunKey;
import resure.journal.postgres.EmbeddedServer;
import resure.journal.postgres.PostgresJournal;
import resure.journal.rocksdb.RocksDbJournal;
import resure.observation.Batches;
import resure.observation.Retention;
import resure.run.FreshFold;
import resure.run.RecordedRun;
import resure.run.RunStatistics;
import resure.weighting.Configuration;

/** From the embedded store to a real PostgreSQL and back. */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BetweenStoresTest {

  @TempDir private Path temporary;

  private final EmbeddedServer.Database database = EmbeddedServer.shared("18").newDatabase();

  private void export(Journal journal, String target) throws Exception {
    Progress progress = new Progress("export", line -> {}, System::nanoTime);
    new Export(journal, progress).to(temporary.resolve(target));
    assertThat(progress.faults()).isZero();
  }

  private void bring(String source, Journal journal) throws Exception {
    Progress progress = new Progress("import", line -> {}, System::nanoTime);
    new Import(journal, progress).from(temporary.resolve(source));
    assertThat(progress.faults()).isZero();
  }

  private static List<RunStatistics> statistics(Journal journal) throws Exception {
    List<RunStatistics> statistics = new ArrayList<>();
    for (String tenant : List.of("a", "default", "z.9")) {
      for (RunKey run : journal.list(tenant, null, 100)) {
        // Of a trimmed run there is nothing to fold them from.
        if (journal.read(run, 2, 1).stream().noneMatch(entry -> entry.sequence() > 2)) {
          statistics.add(FreshFold.statistics(journal, run.id()));
        }
      }
    }
    return statistics;
  }

  @ParameterizedTest
  @FieldSource("resure.contract.RecordedRelease#VERSIONS")
  void whatAnEarlierReleaseHasExportedIsImportedAndTheSameAsItsState(String version)
      throws Exception {
    RecordedRelease release = new RecordedRelease(version);
    Path state = release.unpack(temporary.resolve("state"));
    release.export(temporary.resolve("earlier.resure"));
    try (Journal embedded = RocksDbJournal.open(state, Durability.OS);
        Journal imported = PostgresJournal.open(database.config(), Durability.FSYNC)) {
      bring("earlier.resure", imported);

      assertThat(Stores.content(imported)).isEqualTo(Stores.content(embedded)).isNotEmpty();
      assertThat(statistics(imported))
          .usingRecursiveComparison()
          .withComparatorForType(Double::compare, Double.class)
          .isEqualTo(statistics(embedded));
    }
  }

  /** A run that was trained and trimmed. */
  private static RecordedRun trained() throws Exception {
    RecordedRun run = new RecordedRun(Configuration.DEFAULT.withWarmUp(2), null, new Retention(15));
    Random random = new Random(5);
    for (long step = 0; step < 60; step++) {
      run.score("k" + step, Batches.random(random, step, 0, 0, null));
      if (step % 10 == 9) {
        run.saveSnapshot();
      }
    }
    assertThat(run.trim()).isTrue();
    return run;
  }

  @Test
  void thereAndBackTheBytesAndTheStatisticsAreTheSame() throws Exception {
    try (Journal first = RocksDbJournal.open(temporary.resolve("first"), Durability.OS);
        Journal second = PostgresJournal.open(database.config(), Durability.FSYNC);
        Journal third = RocksDbJournal.open(temporary.resolve("third"), Durability.OS)) {
      Stores.fill(first, 11, 12, 60);
      Stores.fillTrimmed(first, 11, 60);
      RecordedRun recorded = trained();
      export(recorded.journal(), "trained.resure");
      bring("trained.resure", first);

      export(first, "there.resure");
      bring("there.resure", second);
      // Twice: what is there is looked at, not written again.
      bring("there.resure", second);
      export(second, "back.resure");
      export(second, "back");
      bring("back", third);

      assertThat(Stores.content(second)).isEqualTo(Stores.content(first)).hasSizeGreaterThan(8);
      assertThat(Stores.content(third)).isEqualTo(Stores.content(first));
      assertThat(List.of(second, third))
          .allSatisfy(
              store ->
                  assertThat(FreshFold.withSnapshots(store, recorded.key().id()))
                      .usingRecursiveComparison()
                      .withComparatorForType(Double::compare, Double.class)
                      .isEqualTo(recorded.statistics()));
      assertThat(statistics(second))
          .usingRecursiveComparison()
          .withComparatorForType(Double::compare, Double.class)
          .isEqualTo(statistics(first));
      assertThat(statistics(third))
          .usingRecursiveComparison()
          .withComparatorForType(Double::compare, Double.class)
          .isEqualTo(statistics(first));
    }
    assertThat(Files.size(temporary.resolve("back.resure")))
        .isEqualTo(Files.size(temporary.resolve("there.resure")));
  }
}
