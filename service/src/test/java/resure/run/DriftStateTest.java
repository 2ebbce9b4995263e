package resure.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import resure.compute.jvm.JvmCompute;
import resure.drift.DriftEvent;
import resure.drift.DriftLimits;
import resure.drift.RunDrift;
import resure.drift.TurnDrift;
import resure.journal.JournalException;
import resure.observation.Batches;
import resure.observation.ObservationBatch;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;

/** Drift is part of what applying the journal builds. */
class DriftStateTest {

  private static final int RANKS = 3;

  /** Turn 1 rises at step 60; some steps are left out. */
  private static List<List<ObservationBatch>> training(long seed) {
    Random random = new Random(seed);
    List<List<ObservationBatch>> steps = new ArrayList<>();
    for (int step = 0; step < 100; step += 1 + (random.nextInt(10) == 0 ? 3 : 0)) {
      List<ObservationBatch> batches = new ArrayList<>();
      for (int rank = 0; rank < RANKS; rank++) {
        double[][] losses = new double[3 + random.nextInt(3)][2];
        for (double[] dialogue : losses) {
          dialogue[0] = 2 - 0.01 * step + 0.5 * random.nextGaussian();
          dialogue[1] = (step < 60 ? 2 : 3) + 0.5 * random.nextGaussian();
        }
        batches.add(Batches.of(step, rank, losses));
      }
      steps.add(batches);
    }
    return steps;
  }

  private static Configuration lag(int lag) {
    return Configuration.DEFAULT.withLag(lag);
  }

  private static List<?> drift(Run run) {
    return run.state().drift();
  }

  private static RecordedRun trained(int lag, long seed) throws JournalException {
    RecordedRun recorded = new RecordedRun(lag(lag));
    for (List<ObservationBatch> step : training(seed)) {
      for (ObservationBatch batch : step) {
        recorded.score(batch);
      }
    }
    return recorded;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 5})
  void theTurnThatRisesIsAlarmedAndTheOneThatFallsIsNot(int lag) throws JournalException {
    List<TurnDrift> drift = trained(lag, 1).run().drift();

    assertThat(drift.get(0).alarms()).isZero();
    assertThat(drift.get(1).alarms()).isEqualTo(1);
    assertThat(drift.get(1).lastAlarmStep()).isBetween(62L, 75L);
    assertThat(drift.get(1).warnings()).isPositive();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 5})
  void aRestartWithAndWithoutASnapshotEndsInTheSame(int lag) throws JournalException {
    RecordedRun recorded = new RecordedRun(lag(lag));
    Random random = new Random(5);
    for (List<ObservationBatch> step : training(2)) {
      for (ObservationBatch batch : step) {
        recorded.score(batch);
        if (random.nextInt(40) == 0) {
          recorded.saveSnapshot();
          assertThat(drift(recorded.recovered())).isEqualTo(drift(recorded.run()));
        }
      }
    }
    assertThat(drift(recorded.recovered())).isEqualTo(drift(recorded.run()));
    assertThat(drift(recorded.ofStandingBatches())).isEqualTo(drift(recorded.run()));
    assertThat(drift(recorded.run().moveTo(new JvmCompute())))
        .isEqualTo(drift(recorded.recovered()));
  }

  @Test
  void whatARewindRemovesHasNotBeen() throws JournalException {
    RecordedRun recorded = trained(1, 3);
    recorded.rewind(64, null);
    assertThat(drift(recorded.run())).isEqualTo(drift(recorded.ofStandingBatches()));
    for (List<ObservationBatch> step : training(3)) {
      for (ObservationBatch batch : step) {
        if (batch.step() >= 64) {
          recorded.score(batch);
        }
      }
    }
    assertThat(drift(recorded.run())).isEqualTo(drift(trained(1, 3).run()));
  }

  @Test
  void theOrderInWhichRanksArriveChangesNoBit() throws JournalException {
    Run inOrder = trained(0, 4).run();
    RecordedRun shuffled = new RecordedRun(lag(0));
    for (List<ObservationBatch> step : training(4)) {
      Collections.shuffle(step, new Random(step.size()));
      for (ObservationBatch batch : step) {
        shuffled.score(batch);
      }
    }
    assertThat(drift(shuffled.run())).isEqualTo(drift(inOrder));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 5})
  void eachFoldedStepIsToldOnceWithWhatItHolds(int lag) throws JournalException {
    RecordedRun recorded = new RecordedRun(lag(lag));
    List<FoldedStep> told = new ArrayList<>();
    recorded.run().tell(told::add);
    List<List<ObservationBatch>> training = training(6);
    for (List<ObservationBatch> step : training) {
      for (ObservationBatch batch : step) {
        recorded.score(batch);
      }
    }
    long newest = recorded.run().newestStep();
    assertThat(told)
        .extracting(FoldedStep::step)
        .containsExactlyElementsOf(
            training.stream()
                .map(step -> step.getFirst().step())
                .filter(step -> step < newest - lag)
                .toList());
    RunDrift drift = new RunDrift(DriftLimits.CALIBRATED);
    MomentsTable reference = new MomentsTable();
    List<DriftEvent> events = new ArrayList<>();
    for (FoldedStep step : told) {
      assertThat(step.reference().sameAs(reference)).as("step %d", step.step()).isTrue();
      assertThat(step.events()).isEqualTo(drift.fold(step.step(), step.moments()));
      assertThat(step.drift()).isEqualTo(drift.turns());
      assertThat(step.batches()).isEqualTo(RANKS);
      assertThat(step.totals().all().usable())
          .isEqualTo(step.moments().moments(0).seen() + step.moments().moments(1).seen());
      assertThat(step.sequence()).isGreaterThan(1).isLessThanOrEqualTo(recorded.run().sequence());
      reference.fold(step.moments(), Double.POSITIVE_INFINITY);
      events.addAll(step.events());
    }
    assertThat(reference.sameAs(recorded.run().referenceTriples())).isTrue();
    assertThat(drift.turns()).isEqualTo(recorded.run().drift());
    assertThat(events).extracting(DriftEvent::kind).contains(DriftEvent.Kind.ALARM);
  }

  @Test
  void withoutStepsEachBatchIsOne() throws JournalException {
    RecordedRun recorded = new RecordedRun(lag(0));
    Random random = new Random(8);
    for (int i = 0; i < 60; i++) {
      double[][] losses = new double[8][1];
      for (double[] dialogue : losses) {
        dialogue[0] = (i < 40 ? 2 : 3) + 0.5 * random.nextGaussian();
      }
      recorded.score(Batches.of(ObservationBatch.NO_STEP, 0, losses));
    }
    assertThat(recorded.run().drift().getFirst().lastAlarmStep()).isBetween(41L, 50L);
    assertThat(drift(recorded.recovered())).isEqualTo(drift(recorded.run()));
  }

  @Test
  void whatComesLateIsFoldedAsAStepOfItsOwn() throws JournalException {
    RecordedRun recorded = new RecordedRun(lag(0));
    List<FoldedStep> told = new ArrayList<>();
    recorded.run().tell(told::add);
    recorded.score(Batches.of(1, 0, new double[] {1}));
    recorded.score(Batches.of(5, 0, new double[] {2}));
    recorded.score(Batches.of(1, 1, new double[] {3}));
    recorded.score(Batches.of(6, 0, new double[] {4}));

    assertThat(told).extracting(FoldedStep::step).containsExactly(1L, 1L, 5L);
    assertThat(told).extracting(FoldedStep::sequence).containsExactly(3L, 5L, 5L);
    assertThat(told)
        .extracting(step -> step.moments().moments(0).mean())
        .containsExactly(1., 3., 2.);
  }
}
