package resure.projection;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.FileSystemUtils;
import resure.journal.Durability;
import resure.journal.JournalException;
import resure.journal.rocksdb.RocksDbJournal;
import resure.observation.Retention;
import resure.weighting.Configuration;

/**
 * Read models of the embedded store after what a crash or a restore leaves of them: rows as they
 * were some time before, or none, beside a journal that is whole.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ReadModelsOnDiskTest {

  @TempDir private Path directory;

  private final long seed = Long.getLong("resure.seed", System.nanoTime());
  private final Random random = new Random(seed);

  private ModelledService open() throws JournalException {
    return new ModelledService(RocksDbJournal.open(directory.resolve("state"), Durability.OS));
  }

  private Path rows() {
    return directory.resolve("state").resolve("rows");
  }

  private void train(ModelledService service, long fromStep, long toStep) {
    for (long step = fromStep; step < toStep; step++) {
      service.score(Visitors.batch(random, step, 0, 50));
    }
  }

  private void assertAsFresh() throws IOException {
    DialoguePage said;
    try (ModelledService service = open()) {
      said = service.dialogues();
    }
    assertThat(said.dialogues()).isNotEmpty();
    FileSystemUtils.deleteRecursively(rows());
    try (ModelledService fresh = open()) {
      assertThat(fresh.dialogues()).as("seed %d", seed).isEqualTo(said);
    }
  }

  private static boolean isTrimmed(ModelledService service) {
    return ModelledService.done(service.runs.describe(ModelledService.ID, 0)).wholeFrom().trimmed();
  }

  @Test
  void asTheyWereSomeTimeBefore() throws IOException {
    try (ModelledService service = open()) {
      service.create(Configuration.DEFAULT, Retention.ALL);
      train(service, 0, 1500);
      service.ask();
    }
    Path kept = directory.resolve("kept");
    FileSystemUtils.copyRecursively(rows(), kept);
    try (ModelledService service = open()) {
      train(service, 1500, 2700);
      service.ask();
    }
    FileSystemUtils.deleteRecursively(rows());
    FileSystemUtils.copyRecursively(kept, rows());

    assertAsFresh();
  }

  @Test
  void asTheyWereBeforeARewind() throws IOException {
    try (ModelledService service = open()) {
      service.create(Configuration.DEFAULT, Retention.ALL);
      train(service, 0, 200);
      service.ask();
    }
    Path kept = directory.resolve("kept");
    FileSystemUtils.copyRecursively(rows(), kept);
    try (ModelledService service = open()) {
      ModelledService.done(service.runs.rewind(ModelledService.ID, 120, null, null));
      train(service, 120, 180);
      service.ask();
    }
    FileSystemUtils.deleteRecursively(rows());
    FileSystemUtils.copyRecursively(kept, rows());

    assertAsFresh();
  }

  @Test
  void damaged() throws IOException {
    try (ModelledService service = open()) {
      service.create(Configuration.DEFAULT, Retention.ALL);
      train(service, 0, 200);
      service.ask();
    }
    Files.write(rows().resolve("CURRENT"), new byte[] {0});

    assertAsFresh();
  }

  @Test
  void ofATrimmedRunTheyBeginWhereItsJournalDoes() throws IOException {
    DialoguePage all;
    try (ModelledService service = open()) {
      service.create(Configuration.DEFAULT, new Retention(500));
      long step = 0;
      do {
        train(service, step, step + 1000);
        step += 1000;
      } while (!isTrimmed(service) && step < 50_000);
      assertThat(isTrimmed(service)).isTrue();
      all = service.dialogues();
    }
    try (ModelledService service = open()) {
      assertThat(service.dialogues()).isEqualTo(all);
    }

    FileSystemUtils.deleteRecursively(rows());
    try (ModelledService service = open()) {
      DialoguePage left = service.dialogues();
      assertThat(left.dialogues()).isNotEmpty();
      assertThat(left.dialogues().stream().mapToLong(DialogueReliability::visits).sum())
          .isLessThan(all.dialogues().stream().mapToLong(DialogueReliability::visits).sum());
    }
  }
}
