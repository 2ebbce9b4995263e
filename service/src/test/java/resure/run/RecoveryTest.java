package resure.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import resure.compute.jvm.JvmCompute;
import resure.journal.Entries;
import resure.journal.Head;
import resure.journal.InMemoryJournal;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.Snapshot;
import resure.journal.Start;
import resure.journal.StoredEntry;
import resure.observation.Batches;
import resure.observation.ObservationBatch;
import resure.observation.StartFrom;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;
import resure.weighting.Normalization;

/** Recovery ends in the same bytes whatever it starts from, and a rewind leaves the survivors. */
class RecoveryTest {

  private static final int SEEDS = 80;

  private static RecordedRun newRun(int lag, Random random) throws JournalException {
    return new RecordedRun(
        Configuration.DEFAULT
            .withWarmUp(2)
            .withLag(lag)
            .withHalfLife(random.nextBoolean() ? 9 : Double.POSITIVE_INFINITY)
            .withNormalization(Normalization.RUN_MEAN),
        random.nextBoolean() ? null : start(random));
  }

  /** What a run began with, of turns that come in it and of one that never does. */
  private static Start start(Random random) {
    MomentsTable triples = new MomentsTable();
    for (int slot : new int[] {0, 1, 3, 40}) {
      double n = 2 + 100 * random.nextDouble();
      triples.set(slot, new Moments(n, 2 + random.nextGaussian(), n, 200));
    }
    return new Start(
        new StartFrom("sft-41", null, Double.POSITIVE_INFINITY), random.nextLong(9), triples);
  }

  private static void scoreSome(RecordedRun recorded, Random random) throws JournalException {
    long newest = Math.max(0, recorded.run().newestStep());
    long step = Math.max(0, newest + random.nextInt(6) - 3);
    recorded.score(Batches.random(random, step, random.nextInt(3), 0, null));
  }

  private static byte[] bytes(Run run) {
    return SnapshotFormat.encode(run.state()).state();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3})
  void theStateIsTheSameBytesWithAndWithoutASnapshotInBetween(int lag) throws JournalException {
    for (int seed = 0; seed < SEEDS; seed++) {
      Random random = new Random(seed);
      RecordedRun recorded = newRun(lag, random);
      for (int i = 0; i < 40; i++) {
        scoreSome(recorded, random);
        if (random.nextInt(10) == 0) {
          recorded.finish();
        }
        assertThat(bytes(recorded.recovered()))
            .as("lag %d, seed %d, after %d", lag, seed, i)
            .isEqualTo(bytes(recorded.run()));
        if (random.nextInt(8) == 0) {
          recorded.saveSnapshot();
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3})
  void afterRewindsOfAnyKindTheStateIsThatOfTheSurvivors(int lag) throws JournalException {
    for (int seed = 0; seed < SEEDS; seed++) {
      Random random = new Random(1000 + seed);
      RecordedRun recorded = newRun(lag, random);
      boolean snapshots = seed % 2 == 0;
      for (int i = 0; i < 40; i++) {
        String what = "lag %d, seed %d, after %d".formatted(lag, 1000 + seed, i);
        if (random.nextInt(5) > 0) {
          scoreSome(recorded, random);
        } else {
          long newest = Math.max(0, recorded.run().newestStep());
          recorded.rewind(Math.max(0, newest + 2 - random.nextInt(6)), null);
        }
        Run expected = recorded.ofStandingBatches();
        assertThat(RecordedRun.bits(recorded.run())).as(what).isEqualTo(RecordedRun.bits(expected));
        ObservationBatch next = Batches.random(random, recorded.run().newestStep() + 1, 0, 0, null);
        assertThat(weigh(recorded.run(), next)).as(what).containsExactly(weigh(expected, next));
        assertThat(bytes(recorded.recovered())).as(what).isEqualTo(bytes(recorded.run()));
        if (snapshots && random.nextInt(4) == 0) {
          recorded.saveSnapshot();
        }
      }
      Run read = new Recovery(withoutSnapshots(recorded), new JvmCompute()).recover(recorded.key);
      assertThat(bytes(Objects.requireNonNull(read)))
          .as("lag %d, seed %d", lag, 1000 + seed)
          .isEqualTo(bytes(recorded.run()));
    }
  }

  private static double[] weigh(Run run, ObservationBatch batch) {
    JvmCompute compute = new JvmCompute();
    return compute.weigh(List.of(run.weighing(batch))).getFirst().values();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3})
  void asOfAStepTheStateIsThatOfTheRunReallyRewoundToTheNext(int lag) throws JournalException {
    for (int seed = 0; seed < SEEDS; seed++) {
      Random random = new Random(2000 + seed);
      RecordedRun recorded = newRun(lag, random);
      for (int i = 0; i < 40; i++) {
        if (random.nextInt(8) > 0) {
          scoreSome(recorded, random);
        } else {
          recorded.rewind(Math.max(0, recorded.run().newestStep() - random.nextInt(4)), null);
        }
        if (random.nextInt(4) == 0) {
          recorded.saveSnapshot();
        }
      }
      for (long step = 0; step <= recorded.run().newestStep() + 1; step++) {
        InMemoryJournal rewound = withoutSnapshots(recorded);
        Entries.append(rewound, recorded.key, new JournalEntry.Rewound(Entries.AT, step + 1, null));
        Run asOf = new Recovery(recorded.journal, recorded.compute).recoverAsOf(recorded.key, step);
        Run expected = new Recovery(rewound, recorded.compute).recover(recorded.key);

        assertThat(RecordedRun.bits(Objects.requireNonNull(asOf)))
            .as("lag %d, seed %d, as of %d", lag, 2000 + seed, step)
            .isEqualTo(RecordedRun.bits(Objects.requireNonNull(expected)));
      }
      assertThat(bytes(recorded.recovered())).as("afterwards").isEqualTo(bytes(recorded.run()));
    }
  }

  @Test
  void aRewindThatLeavesNoBatchLeavesWhatTheRunBeganWith() throws JournalException {
    Start start = start(new Random(8));
    RecordedRun recorded = new RecordedRun(Configuration.DEFAULT, start);
    List<String> before = RecordedRun.bits(recorded.run());
    for (long step = 0; step < 4; step++) {
      recorded.score(Batches.of(step, 0, new double[] {2, 3}));
      recorded.saveSnapshot();
    }

    recorded.rewind(0, null);

    assertThat(RecordedRun.bits(recorded.run())).isEqualTo(before);
    MomentsTable turns = recorded.run().statistics().turns();
    for (int slot = 0; slot <= 40; slot++) {
      assertThat(turns.moments(slot)).isEqualTo(start.triples().moments(slot));
    }
    assertThat(recorded.run().statistics().referenceRunMean()).isEqualTo(1);
  }

  /** The journal as one has it who has lost the snapshots. */
  private static InMemoryJournal withoutSnapshots(RecordedRun recorded) throws JournalException {
    InMemoryJournal copy = new InMemoryJournal();
    recorded
        .journal
        .read(recorded.key, 1, Integer.MAX_VALUE)
        .forEach(
            stored -> {
              try {
                Entries.append(copy, recorded.key, stored.entry());
              } catch (JournalException e) {
                throw new AssertionError(e);
              }
            });
    return copy;
  }

  @Test
  void aRewindOfARewindOfARewindFindsItsWayPastSnapshotsThatHoldRemovedSteps()
      throws JournalException {
    Random random = new Random(5);
    RecordedRun recorded = newRun(0, random);
    for (long nextStep : new long[] {9, 6, 4, 8, 2, 5, 0}) {
      for (long step = Math.max(0, recorded.run().newestStep()); step < 12; step++) {
        recorded.score(Batches.random(random, step, 0, 0, null));
        recorded.saveSnapshot();
      }
      recorded.rewind(nextStep, "job-" + nextStep);

      assertThat(RecordedRun.bits(recorded.run()))
          .as("rewound to %d", nextStep)
          .isEqualTo(RecordedRun.bits(recorded.ofStandingBatches()));
      assertThat(recorded.run().newestStep()).isEqualTo(nextStep - 1);
      assertThat(recorded.run().describe().attempt()).isEqualTo("job-" + nextStep);
    }
  }

  @Test
  void aSnapshotThatCannotBeReadIsPassedOver() throws JournalException {
    Random random = new Random(6);
    RecordedRun recorded = newRun(1, random);
    for (int i = 0; i < 10; i++) {
      scoreSome(recorded, random);
      recorded.saveSnapshot();
    }
    Head head = recorded.run().head();
    byte[] cut = bytes(recorded.run());
    recorded.journal.save(recorded.key, new Snapshot(head, Arrays.copyOf(cut, cut.length - 1)));
    StoredEntry before = recorded.journal.read(recorded.key, head.sequence() - 1, 0).getFirst();
    recorded.journal.save(recorded.key, new Snapshot(before.head(), new byte[] {99}));

    assertThat(bytes(recorded.recovered())).isEqualTo(bytes(recorded.run()));
  }

  @Test
  void aRunThatIsGoneIsNotRecovered() throws JournalException {
    assertThat(new Recovery(new InMemoryJournal(), new JvmCompute()).recover(Entries.run("gone")))
        .isNull();
  }

  @Test
  void anExportHasWhatStandsOfWhatItWasAskedForAndNothingThatCameAfter() throws Exception {
    Random random = new Random(7);
    RecordedRun recorded = newRun(1, random);
    for (int i = 0; i < 60; i++) {
      scoreSome(recorded, random);
      if (i % 17 == 16) {
        recorded.rewind(Math.max(0, recorded.run().newestStep() - 2), null);
      }
    }
    List<ObservationBatch> expected =
        recorded.standing.stream().map(entry -> entry.batch()).filter(b -> b.step() >= 3).toList();
    Export export = new Export(recorded.journal, recorded.run(), 3, Long.MAX_VALUE);
    recorded.score(Batches.of(40, 0, new double[] {1}));

    List<ObservationBatch> exported = new ArrayList<>();
    for (List<Scored> some = export.next(); !some.isEmpty(); some = export.next()) {
      some.forEach(scored -> exported.add(scored.batch()));
    }

    assertThat(exported).hasSameSizeAs(expected);
    for (int i = 0; i < expected.size(); i++) {
      assertThat(exported.get(i).sameObservations(expected.get(i))).as("batch %d", i).isTrue();
    }
  }
}
