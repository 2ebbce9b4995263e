package resure.run;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import resure.archive.Export;
import resure.archive.Import;
import resure.archive.Progress;
import resure.compute.jvm.JvmCompute;
import resure.journal.Append;
import resure.journal.CorruptJournalException;
import resure.journal.Durability;
import resure.journal.InMemoryJournal;
import resure.journal.Journal;
import resure.journal.JournalException;
import resure.journal.StoredEntry;
import resure.journal.rocksdb.RocksDbJournal;
import resure.observation.Batches;
import resure.observation.ObservationBatch;
import resure.observation.Retention;
import resure.weighting.Configuration;

/** Trimmed runs go on in the store that they are moved to as where they come from. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class MovedRunTest {

  private static final Configuration CONFIGURATION = Configuration.DEFAULT.withWarmUp(2);

  @TempDir private Path temporary;

  /** From store to store by files; without a fault. */
  private void move(Journal from, Journal to, String name) throws IOException {
    Progress progress = new Progress("move", line -> {}, System::nanoTime);
    new Export(from, progress).to(temporary.resolve(name));
    new Import(to, progress).from(temporary.resolve(name));
    assertThat(progress.faults()).isZero();
  }

  private static RecordedRun random(int lag, Random random) throws JournalException {
    RecordedRun run =
        new RecordedRun(
            CONFIGURATION.withLag(lag).withHalfLife(50),
            null,
            new Retention(1 + random.nextInt(8)));
    for (int i = 0; i < 120; i++) {
      long newest = run.run().newestStep();
      long earliest = run.run().wholeFrom().step();
      long step = Math.max(0, newest + random.nextInt(3) - 1);
      if (random.nextInt(12) == 0) {
        run.rewind(Math.max(earliest, newest - random.nextInt(4)), null);
      } else if (step >= earliest) {
        run.score("k" + i, Batches.random(random, step, random.nextInt(3), i, null));
      }
      if (random.nextInt(6) == 0) {
        run.saveSnapshot();
        run.trim();
      }
    }
    return run;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3})
  void aMovedRunIsTheSameAtEveryStepThatIsKept(int lag) throws Exception {
    int trimmed = 0;
    for (int seed = 0; seed < 8; seed++) {
      RecordedRun run = random(lag, new Random(seed));
      trimmed += run.run().wholeFrom().trimmed() ? 1 : 0;
      InMemoryJournal to = new InMemoryJournal();
      try (Journal between =
          RocksDbJournal.open(temporary.resolve(lag + "-" + seed), Durability.OS)) {
        move(run.journal, between, lag + "-" + seed + ".resure");
        move(between, to, lag + "-" + seed + "-again");
        Recovery here = new Recovery(run.journal, new JvmCompute());
        for (Journal journal : new Journal[] {between, to}) {
          Recovery there = new Recovery(journal, new JvmCompute());
          Run moved = requireNonNull(there.recover(run.key));
          assertThat(moved.head()).isEqualTo(run.run().head());
          assertThat(moved.wholeFrom()).isEqualTo(run.run().wholeFrom());
          assertThat(SnapshotFormat.encode(moved.state()).state())
              .as("seed %d", seed)
              .isEqualTo(SnapshotFormat.encode(run.run().state()).state());
          for (long step = run.run().wholeFrom().step() - 1;
              step <= run.run().newestStep();
              step++) {
            assertThat(RecordedRun.bits(requireNonNull(there.recoverAsOf(run.key, step))))
                .as("seed %d, rewound to %d", seed, step + 1)
                .isEqualTo(RecordedRun.bits(requireNonNull(here.recoverAsOf(run.key, step))));
          }
        }
      }
    }
    assertThat(trimmed).isGreaterThan(4);
  }

  private static RecordedRun steady(boolean steps) throws JournalException {
    RecordedRun run = new RecordedRun(CONFIGURATION, null, new Retention(15));
    Random random = new Random(3);
    for (int i = 0; i < 50; i++) {
      run.score("k" + i, Batches.random(random, steps ? i : ObservationBatch.NO_STEP, 0, i, null));
      if (i % 10 == 9) {
        run.saveSnapshot();
      }
    }
    assertThat(run.trim()).isTrue();
    return run;
  }

  private static Outcome<Scored> score(InMemoryJournal journal, String key, ObservationBatch batch)
      throws JournalException {
    ShardDriver driver = new ShardDriver(journal, ShardDriver.LIMITS);
    var answer = driver.score("sft-42", key, batch);
    driver.work();
    return ShardDriver.outcome(answer);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whatWasDroppedIsRefusedThereAsHere(boolean steps) throws Exception {
    RecordedRun run = steady(steps);
    InMemoryJournal to = new InMemoryJournal();
    move(run.journal, to, "steady");
    Random random = new Random(8);

    for (int i : new int[] {0, 19, 20, 49, 50}) {
      long step = steps ? i : ObservationBatch.NO_STEP;
      ObservationBatch batch = Batches.random(random, step, 1, 0, null);
      for (String key : new String[] {"k" + i, "new-" + i}) {
        Outcome<Scored> here = score(run.journal, key, batch);
        Outcome<Scored> there = score(to, key, batch);
        assertThat(there instanceof Outcome.Refused<Scored>)
            .as("%s of step %d", key, step)
            .isEqualTo(here instanceof Outcome.Refused<Scored>);
        if (here instanceof Outcome.Refused<Scored>) {
          assertThat(there).isEqualTo(here);
        }
        if (i < 20 && (steps || key.startsWith("k"))) {
          assertThat(there).isInstanceOf(Outcome.Refused.class);
        }
      }
    }
    assertThat(to.head(run.key)).isEqualTo(run.journal.head(run.key));
  }

  @Test
  void untilItIsWholeATrimmedRunIsNotServed() throws Exception {
    RecordedRun run = steady(true);
    InMemoryJournal to = new InMemoryJournal();
    var entries = run.journal.read(run.key, 1, Integer.MAX_VALUE);
    assertThat(to.createTrimmed(run.key, entries.get(0), entries.get(1))).isTrue();
    to.append(
        List.of(
            new Append(
                run.key,
                entries.get(1).head(),
                entries.subList(2, 9).stream().map(StoredEntry::entry).toList())));
    assertThatThrownBy(() -> new Recovery(to, new JvmCompute()).recover(run.key))
        .isInstanceOf(CorruptJournalException.class);

    move(run.journal, to, "again.resure");

    Run moved = requireNonNull(new Recovery(to, new JvmCompute()).recover(run.key));
    assertThat(RecordedRun.bits(moved)).isEqualTo(RecordedRun.bits(run.run()));
  }
}
