package resure.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import resure.compute.jvm.JvmCompute;
import resure.journal.JournalException;
import resure.journal.Snapshot;
import resure.observation.Batches;
import resure.observation.Retention;
import resure.weighting.Configuration;

class VerificationTest {

  private static Verification.Found verify(RecordedRun recorded) throws JournalException {
    return new Verification(recorded.journal(), new JvmCompute()).verify(recorded.key());
  }

  private static RecordedRun recorded(Random random, Retention retention) throws JournalException {
    RecordedRun recorded =
        new RecordedRun(Configuration.DEFAULT.withLag(random.nextInt(2)), null, retention);
    for (int step = 0; step < 60; step++) {
      recorded.score(Batches.random(random, step, random.nextInt(4), 0, "s"));
      if (random.nextInt(4) == 0) {
        recorded.saveSnapshot();
      }
      if (random.nextInt(20) == 0) {
        step = Math.max(0, step - random.nextInt(10));
        recorded.rewind(step, "attempt-" + recorded.run().sequence());
      }
    }
    return recorded;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void whatWasSavedIsWhatTheEntriesSayRewindsIncluded(long seed) throws JournalException {
    RecordedRun recorded = recorded(new Random(seed), Retention.ALL);

    Verification.Found found = verify(recorded);

    assertThat(found.faults()).isEmpty();
    assertThat(found.entries()).isEqualTo(recorded.run().sequence());
    assertThat(found.snapshots()).isPositive();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void aTrimmedRunIsVerifiedFromWhereItBegins(long seed) throws JournalException {
    RecordedRun recorded = recorded(new Random(seed), new Retention(5));
    assertThat(recorded.trim()).isTrue();

    assertThat(verify(recorded).faults()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void aSnapshotThatSaysSomethingElseIsNamed(long seed) throws JournalException {
    RecordedRun recorded = recorded(new Random(seed), Retention.ALL);
    RecordedRun other = recorded(new Random(seed + 100), Retention.ALL);
    SnapshotFormat.State state = recorded.run().state();
    SnapshotFormat.State wrong =
        new SnapshotFormat.State(
            state.head(),
            state.attempts(),
            state.rewinds(),
            other.run().state().totals(),
            state.lateBatches(),
            state.stepping(),
            state.lastBatchAt(),
            state.finishedAt(),
            state.newest(),
            state.references(),
            state.pending(),
            state.wholeFrom(),
            state.drift(),
            state.samples(),
            state.evaluations());
    Snapshot snapshot = SnapshotFormat.encode(wrong);
    recorded.journal().save(recorded.key(), snapshot);

    assertThat(verify(recorded).faults())
        .containsExactly("snapshot %d is not what its entries say".formatted(snapshot.sequence()));
  }
}
