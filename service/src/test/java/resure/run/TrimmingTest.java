package resure.run;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import resure.compute.jvm.JvmCompute;
import resure.journal.CorruptJournalException;
import resure.journal.Document;
import resure.journal.DocumentKind;
import resure.journal.JournalException;
import resure.journal.NewerFormatException;
import resure.journal.Snapshot;
import resure.journal.StoredEntry;
import resure.observation.Batches;
import resure.observation.ObservationBatch;
import resure.observation.Retention;
import resure.weighting.Configuration;

/** What is dropped of a run, beside a twin of the same batches that keeps everything. */
class TrimmingTest {

  private static final int SEEDS = 12;

  /** A run that drops, and its twin that does not. */
  private static final class Twins {
    final RecordedRun trimmed;
    final RecordedRun whole;

    Twins(Configuration configuration, long steps) throws JournalException {
      trimmed = new RecordedRun(configuration, null, new Retention(steps));
      whole = new RecordedRun(configuration);
    }

    long newest() {
      return whole.run().newestStep();
    }

    long earliest() {
      return trimmed.run().wholeFrom().step();
    }

    void score(ObservationBatch batch) throws JournalException {
      assertThat(trimmed.score(batch).raw()).containsExactly(whole.score(batch).raw());
    }

    void rewind(long nextStep) throws JournalException {
      trimmed.rewind(nextStep, null);
      whole.rewind(nextStep, null);
    }

    void assertSame(String what) throws JournalException {
      assertThat(RecordedRun.bits(trimmed.run())).as(what).isEqualTo(RecordedRun.bits(whole.run()));
      assertThat(SnapshotFormat.encode(trimmed.recovered().state()).state())
          .as(what)
          .isEqualTo(SnapshotFormat.encode(trimmed.run().state()).state());
    }
  }

  private static Twins random(int lag, Random random) throws JournalException {
    Configuration configuration =
        Configuration.DEFAULT.withWarmUp(2).withLag(lag).withHalfLife(40 + random.nextInt(60));
    Twins twins = new Twins(configuration, 1 + random.nextInt(8));
    for (int i = 0; i < 120; i++) {
      if (random.nextInt(12) > 0) {
        long step = Math.max(0, twins.newest() + random.nextInt(3) - 1);
        if (step >= twins.earliest()) {
          twins.score(Batches.random(random, step, random.nextInt(3), i, null));
        }
      } else {
        twins.rewind(Math.max(twins.earliest(), twins.newest() - random.nextInt(4)));
      }
      if (random.nextInt(6) == 0) {
        twins.trimmed.saveSnapshot();
        twins.trimmed.trim();
      }
    }
    return twins;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3})
  void aTrimmedRunGoesOnAsItsTwin(int lag) throws JournalException {
    int trimmed = 0;
    for (int seed = 0; seed < SEEDS; seed++) {
      Random random = new Random(seed);
      Twins twins = random(lag, random);
      trimmed += twins.trimmed.run().wholeFrom().trimmed() ? 1 : 0;
      twins.assertSame("lag %d, seed %d".formatted(lag, seed));
    }
    assertThat(trimmed).isGreaterThan(SEEDS / 2);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3})
  void rewoundToAnyStepThatIsKeptItIsAsItsTwin(int lag) throws JournalException {
    for (int seed = 100; seed < 100 + SEEDS; seed++) {
      Twins twins = random(lag, new Random(seed));
      Recovery trimmed = new Recovery(twins.trimmed.journal, new JvmCompute());
      Recovery whole = new Recovery(twins.whole.journal, new JvmCompute());
      for (long step = twins.earliest() - 1; step <= twins.newest(); step++) {
        Run expected = requireNonNull(whole.recoverAsOf(twins.whole.key, step));
        Run actual = requireNonNull(trimmed.recoverAsOf(twins.trimmed.key, step));
        assertThat(RecordedRun.bits(actual))
            .as("lag %d, seed %d, rewound to %d", lag, seed, step + 1)
            .isEqualTo(RecordedRun.bits(expected));
      }
      twins.rewind(twins.earliest());
      twins.assertSame("lag %d, seed %d, rewound to the earliest".formatted(lag, seed));
      assertThat(twins.newest()).isLessThan(Math.max(0, twins.earliest()));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 3})
  void whatIsExportedIsAllThatStandsFromTheEarliestStepOn(int lag) throws JournalException {
    for (int seed = 200; seed < 200 + SEEDS; seed++) {
      Twins twins = random(lag, new Random(seed));
      List<ObservationBatch> expected =
          twins.whole.standing.stream()
              .map(entry -> entry.batch())
              .filter(batch -> batch.step() >= twins.earliest())
              .toList();

      List<ObservationBatch> exported = new ArrayList<>();
      Export export = twins.trimmed.export();
      for (List<Scored> some = export.next(); !some.isEmpty(); some = export.next()) {
        some.forEach(scored -> exported.add(scored.batch()));
      }

      assertThat(exported).as("seed %d", seed).hasSameSizeAs(expected);
      for (int i = 0; i < expected.size(); i++) {
        assertThat(exported.get(i).sameObservations(expected.get(i))).isTrue();
      }
    }
  }

  /** One batch a step, a snapshot every ten. */
  private static Twins steady(int lag, long keep, long steps) throws JournalException {
    Twins twins = new Twins(Configuration.DEFAULT.withWarmUp(2).withLag(lag), keep);
    Random random = new Random(9);
    for (long step = 0; step < steps; step++) {
      twins.score(Batches.random(random, step, 0, 0, null));
      if (step % 10 == 9) {
        twins.trimmed.saveSnapshot();
      }
    }
    return twins;
  }

  @Test
  void aTrimmedRunWithSnapshotsOfALaterReleaseAloneIsSaidToBeOfThatRelease() throws Exception {
    RecordedRun run = steady(0, 15, 50).trimmed;
    assertThat(run.trim()).isTrue();
    Snapshot snapshot = run.journal().snapshot(run.key(), Long.MAX_VALUE);
    while (snapshot != null) {
      byte[] state = snapshot.state().clone();
      state[0]++;
      run.journal().save(run.key(), new Snapshot(snapshot.head(), state));
      snapshot = run.journal().snapshot(run.key(), snapshot.sequence() - 1);
    }

    assertThatThrownBy(run::recovered).isInstanceOf(NewerFormatException.class);
  }

  @Test
  void theOlderOfTwoSnapshotsBehindWhatIsKeptIsWhereARunIsCut() throws JournalException {
    Twins twins = steady(0, 15, 50);

    assertThat(twins.trimmed.trim()).isTrue();

    // Steps 35 to 49 are kept; snapshots are at steps 29 and 19, one sequence after a step each.
    assertThat(twins.trimmed.run().wholeFrom()).isEqualTo(new WholeFrom(20, 22));
    assertThat(twins.trimmed.journal.read(twins.trimmed.key, 1, Integer.MAX_VALUE))
        .extracting(StoredEntry::sequence)
        .startsWith(1L, 21L, 22L)
        .endsWith(52L);
    assertThat(twins.trimmed.trim()).as("nothing more").isFalse();
    twins.assertSame("cut");
  }

  @Test
  void openStepsAreKeptWhateverTheRetention() throws JournalException {
    Twins twins = steady(12, 1, 50);

    assertThat(twins.trimmed.run().droppable()).isEqualTo(36);
    assertThat(twins.trimmed.trim()).isTrue();
    assertThat(twins.earliest()).isEqualTo(20);
  }

  @Test
  void oneSnapshotBehindTheBoundaryIsNotEnough() throws JournalException {
    Twins twins = steady(0, 25, 40);

    assertThat(twins.trimmed.trim()).isFalse();
  }

  private static void damage(RecordedRun run, long step) throws JournalException {
    Snapshot snapshot = requireNonNull(run.journal.snapshot(run.key, step + 2));
    run.journal.save(run.key, new Snapshot(snapshot.head(), new byte[] {0}));
  }

  @Test
  void aSnapshotThatCannotBeReadIsNoneToCutAt() throws JournalException {
    Twins twins = steady(0, 15, 60);
    damage(twins.trimmed, 29);

    assertThat(twins.trimmed.trim()).isTrue();

    assertThat(twins.earliest()).isEqualTo(20);
    twins.assertSame("cut");
  }

  @Test
  void aSnapshotThatSaysSomethingElseThanItsEntriesIsNoneToCutAt() throws JournalException {
    Twins twins = steady(0, 15, 60);
    RecordedRun run = twins.trimmed;
    Snapshot good = requireNonNull(run.journal.snapshot(run.key, 41));
    SnapshotFormat.State state = SnapshotFormat.decode(good);
    SnapshotFormat.StoredReference reference = state.references().getFirst();
    reference.triples().set(0, reference.triples().moments(1));
    run.journal.save(run.key, SnapshotFormat.encode(state));

    assertThat(run.trim()).isTrue();

    assertThat(twins.earliest()).as("of the pair before it").isEqualTo(20);
    twins.assertSame("cut");
  }

  @Test
  void aRewindBehindASnapshotMakesItNoneToCutAt() throws JournalException {
    Twins twins = steady(0, 15, 50);
    twins.rewind(25);
    Random random = new Random(4);
    for (long step = 25; step < 45; step++) {
      twins.score(Batches.random(random, step, 0, 0, null));
    }

    assertThat(twins.trimmed.trim()).isTrue();

    assertThat(twins.earliest()).isEqualTo(10);
    twins.assertSame("cut");
  }

  @Test
  void aCutIsNotMadeOnceTheRunWasRewoundBehindIt() throws JournalException {
    Twins twins = steady(0, 15, 50);
    RecordedRun run = twins.trimmed;
    Trimming.Cut cut =
        requireNonNull(
            new Trimming(run.journal, new JvmCompute()).find(Trimming.Wanted.of(run.run())));
    assertThat(cut.suits(run.run())).isTrue();

    twins.rewind(25);

    assertThat(cut.suits(run.run())).isFalse();
  }

  @Test
  void whatAReplayReadsIsKeptForIt() throws JournalException {
    Twins twins = steady(0, 15, 50);
    Document replay = new Document(twins.trimmed.key, DocumentKind.REPLAY_RUNNING, "01A");
    assertThat(twins.trimmed.journal.keep(replay, new byte[] {1})).isTrue();
    assertThat(twins.trimmed.trim()).isFalse();

    twins.trimmed.journal.discard(List.of(replay));

    assertThat(twins.trimmed.trim()).isTrue();
  }

  @Test
  void withoutTheOlderSnapshotTheNewerServes() throws JournalException {
    Twins twins = steady(0, 15, 50);
    assertThat(twins.trimmed.trim()).isTrue();
    damage(twins.trimmed, 49);
    damage(twins.trimmed, 39);
    damage(twins.trimmed, 19);

    twins.assertSame("from the one at step 29");
    twins.rewind(30);
    twins.assertSame("rewound");
  }

  @Test
  void withoutAnySnapshotATrimmedRunIsDamagedAndNeverAnother() throws JournalException {
    Twins twins = steady(0, 15, 50);
    assertThat(twins.trimmed.trim()).isTrue();
    for (long step : new long[] {49, 39, 29, 19}) {
      damage(twins.trimmed, step);
    }

    assertThatThrownBy(twins.trimmed::recovered)
        .isInstanceOf(CorruptJournalException.class)
        .hasMessageContaining("no good snapshot is left");
  }

  @Test
  void anExportThatIsCutOffFromItsBeginningFails() throws JournalException {
    Twins twins = steady(0, 15, 50);
    Export export = twins.trimmed.export();

    assertThat(twins.trimmed.trim()).isTrue();

    assertThatThrownBy(export::next).isInstanceOf(DroppedException.class);
    assertThat(twins.trimmed.export().next().getFirst().batch().step()).isEqualTo(20);
  }

  @Test
  void aRunWithoutStepsCountsItsBatches() throws JournalException {
    Twins twins = new Twins(Configuration.DEFAULT.withWarmUp(2), 15);
    Random random = new Random(3);
    for (int i = 0; i < 50; i++) {
      twins.score(Batches.random(random, ObservationBatch.NO_STEP, 0, 0, null));
      if (i % 10 == 9) {
        twins.trimmed.saveSnapshot();
      }
    }

    assertThat(twins.trimmed.trim()).isTrue();

    assertThat(twins.trimmed.run().wholeFrom())
        .isEqualTo(new WholeFrom(ObservationBatch.NO_STEP, 22));
    twins.assertSame("cut");
    assertThat(twins.trimmed.export().next().getFirst().sequence()).isEqualTo(22);
  }
}
