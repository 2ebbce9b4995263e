package resure.run;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import resure.drift.DriftLimits;
import resure.drift.RunDrift;
import resure.drift.TurnState;
import resure.journal.CorruptJournalException;
import resure.journal.Entries;
import resure.journal.Head;
import resure.journal.JournalException;
import resure.journal.NewerFormatException;
import resure.journal.Snapshot;
import resure.observation.Batches;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;

class SnapshotFormatTest {

  /** Written by versions 1 and 2 and never again: what was once saved stays readable. */
  private static final String OF_VERSION_1 = "snapshot-1.hex";

  private static final String OF_VERSION_2 = "snapshot-2.hex";
  private static final String GOLDEN = "snapshot-3.hex";

  private static final Head HEAD = new Head(9, 99);
  private static final Head GOLDEN_HEAD = new Head(20, 99);

  @ParameterizedTest
  @ValueSource(strings = {OF_VERSION_1, OF_VERSION_2})
  void aSnapshotOfAnEarlierVersionIsReadForEver(String file) throws Exception {
    byte[] golden = golden(file);

    SnapshotFormat.State state = SnapshotFormat.decode(new Snapshot(HEAD, golden));

    assertThat(state.head()).isEqualTo(HEAD);
    assertThat(state.attempts().current()).isEqualTo("job-7802");
    assertThat(state.attempts().past()).containsExactly("job-7731");
    assertThat(state.attempts().lastRewind()).isEqualTo(6);
    assertThat(state.rewinds().list()).containsExactly(new Rewinds.Rewind(7, 6));
    assertThat(state.lateBatches()).isEqualTo(1);
    assertThat(state.stepping()).isEqualTo(Run.Stepping.BY_STEP);
    assertThat(state.lastBatchAt()).isEqualTo(Instant.parse("2026-01-01T00:00:00.123Z"));
    assertThat(state.finishedAt()).isNull();
    assertThat(state.newest()).isEqualTo(5);
    assertThat(state.totals().all().usable()).isEqualTo(6);
    assertThat(state.totals().slots()).hasSize(2);
    assertThat(state.totals().sources()).containsOnlyKeys((String) null);
    assertThat(state.references()).hasSize(2);
    assertThat(state.references().get(0).triples().moments(0))
        .isEqualTo(new Moments(3, 2.3333333333333335, 0.16666666666666666, 3));
    assertThat(state.references().get(1).triples().moments(0))
        .isEqualTo(new Moments(4, 2.5, 0.4999999999999999, 4));
    assertThat(state.references().get(1).runMean().value()).isEqualTo(1);
    assertThat(state.pending()).extracting(PendingBatch::step).containsExactly(3L, 5L);
    assertThat(state.pending()).extracting(PendingBatch::rank).containsExactly(1L, 0L);
    assertThat(state.wholeFrom()).isEqualTo(WholeFrom.BEGINNING);
    assertThat(state.samples().before(6)).isEqualTo(7);
    // None of them has these; they begin at nothing.
    assertThat(state.drift()).isEmpty();
    assertThat(state.evaluations().list()).isEmpty();
    assertThat(state.totals().all().downWeighted()).isZero();
    Snapshot now = SnapshotFormat.encode(state);
    assertThat(SnapshotFormat.encode(SnapshotFormat.decode(now)).state()).isEqualTo(now.state());
  }

  @Test
  void theSameRunIsWrittenToTheSameBytes() throws Exception {
    assertThat(SnapshotFormat.encode(exampleRun().state()).state()).isEqualTo(golden(GOLDEN));
  }

  private static Run exampleRun() throws JournalException {
    RecordedRun recorded = new RecordedRun(Entries.CONFIGURATION.withWarmUp(2).withLag(1));
    Random random = new Random(1);
    for (int step = 0; step < 12; step++) {
      double[][] losses = new double[8][2];
      for (double[] dialogue : losses) {
        dialogue[0] = (step < 6 ? 2 : 3) + random.nextInt(8) / 8.0;
        dialogue[1] = 2 + random.nextInt(8) / 8.0;
      }
      recorded.score(Batches.of(step, 0, losses));
    }
    recorded.score(Batches.of(12, 1, 0, "job-7731", new double[] {2.5, 1.5}));
    recorded.score(Batches.of(12, 0, new double[] {2.5, 0.5}, new double[] {2, Double.NaN}));
    recorded.score(Batches.of(16, 0, new double[] {2}));
    recorded.rewind(16, "job-7802");
    recorded.score(Batches.of(15, 0, new double[] {2, 9}));
    recorded.score(Batches.of(13, 1, new double[] {2.25}));
    recorded.evaluate(14, "mt-bench", 0.5);
    return recorded.run();
  }

  @Test
  void whateverARunHoldsComesBackBitForBit() throws JournalException {
    for (int seed = 0; seed < 50; seed++) {
      Random random = new Random(seed);
      RecordedRun recorded = new RecordedRun(Configuration.DEFAULT.withLag(random.nextInt(17)));
      for (int i = random.nextInt(40); i > 0; i--) {
        recorded.score(Batches.random(random, random.nextInt(30), random.nextInt(4), 0, "ü\u0001"));
      }
      for (int i = random.nextInt(5); i > 0; i--) {
        recorded.evaluate(random.nextInt(30), "b" + i, random.nextGaussian());
      }
      if (random.nextBoolean()) {
        recorded.finish();
      }
      Snapshot snapshot = SnapshotFormat.encode(recorded.run().state());

      SnapshotFormat.State decoded = SnapshotFormat.decode(snapshot);

      assertThat(SnapshotFormat.encode(decoded).state())
          .as("seed %d", seed)
          .isEqualTo(snapshot.state());
      assertThat(snapshot.sequence()).isEqualTo(recorded.run().sequence());
    }
  }

  @Test
  void theDriftOfATurnTakesAKilobyteAtMost() throws JournalException {
    Random random = new Random(1);
    RunDrift drift = new RunDrift(DriftLimits.CALIBRATED);
    for (int step = 0; step < 10_000; step++) {
      MomentsTable moments = new MomentsTable();
      for (int turn = 0; turn < 8; turn++) {
        moments.set(turn, new Moments(8, 2 + 0.1 * random.nextGaussian(), 2, 8));
      }
      drift.fold(step, moments);
    }
    SnapshotFormat.State with = withDrift(exampleRun().state(), drift.states());
    SnapshotFormat.State without = withDrift(with, List.of());

    int bytes =
        SnapshotFormat.encode(with).state().length - SnapshotFormat.encode(without).state().length;
    assertThat(bytes / 8).isBetween(800, 1024);
  }

  private static SnapshotFormat.State withDrift(SnapshotFormat.State state, List<TurnState> drift) {
    return new SnapshotFormat.State(
        state.head(),
        state.attempts(),
        state.rewinds(),
        state.totals(),
        state.lateBatches(),
        state.stepping(),
        state.lastBatchAt(),
        state.finishedAt(),
        state.newest(),
        state.references(),
        state.pending(),
        state.wholeFrom(),
        drift,
        state.samples(),
        state.evaluations());
  }

  @Test
  void aTruncatedSnapshotAndOneOfAnotherVersionAreRefused() throws Exception {
    byte[] golden = golden(GOLDEN);
    for (int length = 0; length < golden.length; length++) {
      Snapshot cut = new Snapshot(GOLDEN_HEAD, Arrays.copyOf(golden, length));
      assertThatThrownBy(() -> SnapshotFormat.decode(cut))
          .as("%d of %d bytes", length, golden.length)
          .isInstanceOf(CorruptJournalException.class);
    }
    golden[0]++;
    assertThatThrownBy(() -> SnapshotFormat.decode(new Snapshot(GOLDEN_HEAD, golden)))
        .isInstanceOf(NewerFormatException.class)
        .hasMessageContaining("format 4, this one reads up to 3");
    golden[0] = 0;
    assertThatThrownBy(() -> SnapshotFormat.decode(new Snapshot(GOLDEN_HEAD, golden)))
        .isInstanceOf(CorruptJournalException.class)
        .hasMessageContaining("version 0");
  }

  private static byte[] golden(String name) throws IOException {
    try (InputStream hex =
        Objects.requireNonNull(SnapshotFormatTest.class.getResourceAsStream(name))) {
      List<String> lines = new String(hex.readAllBytes(), US_ASCII).lines().toList();
      return HexFormat.of().parseHex(String.join("", lines));
    }
  }
}
