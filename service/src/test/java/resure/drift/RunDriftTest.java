package resure.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;

class RunDriftTest {

  private static RunDrift fresh() {
    return new RunDrift(DriftLimits.CALIBRATED);
  }

  /** Steps of 8 losses with sd 0.5; what was noticed, as "step kind". */
  private static List<String> noticed(RunDrift drift, int steps, IntToDoubleFunction mean) {
    Random random = new Random(7);
    List<String> noticed = new ArrayList<>();
    for (int step = 0; step < steps; step++) {
      for (DriftEvent event :
          drift.fold(step, Losses.step(random, 8, 0.5, mean.applyAsDouble(step)))) {
        noticed.add(step + " " + event.kind());
      }
    }
    return noticed;
  }

  @Test
  void aTurnWhoseLossRisesIsWarnedOfAndAlarmed() {
    RunDrift drift = fresh();

    List<String> noticed = noticed(drift, 200, step -> step < 100 ? 2 : 2.5);

    assertThat(noticed).hasSize(2);
    assertThat(noticed.getFirst()).isBetween("103 WARNING", "110 WARNING");
    assertThat(noticed.getLast()).isBetween("103 ALARM", "112 ALARM");
    TurnDrift turn = drift.turns().getFirst();
    assertThat(turn.alarms()).isEqualTo(1);
    assertThat(turn.warnings()).isEqualTo(1);
    assertThat(turn.lastAlarmStep() + " ALARM").isEqualTo(noticed.getLast());
    assertThat(turn.warning()).as("the new level is taken for normal").isFalse();
    assertThat(turn.slowMean()).isCloseTo(2.5, within(0.1));
    assertThat(turn.drift()).isCloseTo(0, within(0.4));
  }

  @Test
  void aFallingLossIsNotNorIsItsEnd() {
    RunDrift drift = fresh();

    List<String> noticed = noticed(drift, 2_000, step -> 1 + 3 * Math.exp(-step / 100.0));

    assertThat(noticed).isEmpty();
    assertThat(drift.turns().getFirst().alarms()).isZero();
    assertThat(drift.turns().getFirst().lastAlarmStep()).isEqualTo(TurnDrift.NO_STEP);
  }

  @Test
  void whileALossFallsItsDriftIsNegative() {
    RunDrift drift = fresh();

    noticed(drift, 100, step -> 4 - 0.02 * step);

    assertThat(drift.turns().getFirst().drift()).isLessThan(-0.8);
  }

  @Test
  void theSlowMomentsStandStillWhileAWarningIsRaisedAndGoOnWhenTheLossIsBack() {
    // No alarm: ADWIN is made blind.
    RunDrift drift = new RunDrift(new DriftLimits(0.25, 3, 1e-300, 0.1));
    Random random = new Random(3);
    int step = 0;
    for (; step < 60; step++) {
      drift.fold(step, Losses.step(random, 8, 0.5, 2));
    }
    while (!drift.turns().getFirst().warning()) {
      drift.fold(step++, Losses.step(random, 8, 0.5, 2.5));
    }
    TurnDrift raised = drift.turns().getFirst();

    drift.fold(step++, Losses.step(random, 8, 0.5, 2.5));
    TurnDrift later = drift.turns().getFirst();
    assertThat(later.slowMean()).isEqualTo(raised.slowMean());
    assertThat(later.slowSd()).isEqualTo(raised.slowSd());
    assertThat(later.drift()).isNotEqualTo(raised.drift());

    int back = step;
    while (drift.turns().getFirst().warning()) {
      drift.fold(step++, Losses.step(random, 8, 0.5, 1.8));
    }
    assertThat(step - back).isLessThan(15);
    drift.fold(step, Losses.step(random, 8, 0.5, 1.8));
    assertThat(drift.turns().getFirst().slowMean()).isLessThan(raised.slowMean());
    assertThat(drift.turns().getFirst().warnings()).isEqualTo(1);
  }

  @Test
  void aWarningThatNothingEndsEndsAllTheSame() {
    RunDrift drift = new RunDrift(new DriftLimits(0.25, 3, 1e-300, 0.1));

    List<String> noticed = noticed(drift, 400, step -> step < 100 ? 2 : 2.5);

    assertThat(noticed).hasSize(1);
    TurnDrift turn = drift.turns().getFirst();
    assertThat(turn.warning()).isFalse();
    assertThat(turn.slowMean()).isCloseTo(2.5, within(0.1));
  }

  @Test
  void aSecondRiseIsAlarmedToo() {
    List<String> noticed = noticed(fresh(), 500, step -> 2 + 0.5 * (step / 150));

    assertThat(noticed.stream().filter(event -> event.endsWith("ALARM"))).hasSize(3);
  }

  @Test
  void stepsWithFewObservationsWaitForEachOther() {
    RunDrift single = fresh();
    RunDrift whole = fresh();
    Random random = new Random(5);
    for (int i = 0; i < 100; i++) {
      MomentsTable gathered = new MomentsTable();
      for (int part = 0; part < 8; part++) {
        MomentsTable one = Losses.step(random, 1, 0.5, i < 60 ? 2 : 3);
        single.fold(8L * i + part, one);
        gathered.merge(0, 1, one.moments(0));
      }
      whole.fold(8L * i + 7, gathered);
      assertThat(single.turns()).isEqualTo(whole.turns());
    }
    assertThat(single.turns().getFirst().alarms()).isEqualTo(1);
  }

  @Test
  void onlyTheTurnThatRisesIsAlarmed() {
    RunDrift drift = fresh();
    Random random = new Random(9);
    for (int step = 0; step < 300; step++) {
      drift.fold(step, Losses.step(random, 8, 0.5, 2, 1, step < 150 ? 3 : 3.5, 1.5));
    }
    assertThat(drift.turns()).extracting(TurnDrift::alarms).containsExactly(0L, 0L, 1L, 0L);
  }

  @Test
  void aTurnThatIsNotInAStepIsAsItWas() {
    RunDrift drift = fresh();
    Random random = new Random(4);
    for (int step = 0; step < 30; step++) {
      drift.fold(step, Losses.step(random, 8, 0.5, 2, 3));
    }
    TurnDrift before = drift.turns().get(1);

    drift.fold(30, Losses.step(random, 8, 0.5, 2));
    drift.fold(31, new MomentsTable());

    assertThat(drift.turns().get(1)).isEqualTo(before);
  }

  @Test
  void withoutEnoughObservationsOrWithoutScatterThereIsNoDrift() {
    RunDrift drift = fresh();
    Random random = new Random(2);
    assertThat(drift.turns()).isEmpty();
    drift.fold(0, Losses.step(random, 8, 0.5, 2));
    assertThat(drift.turns().getFirst().drift()).isNaN();
    assertThat(drift.turns().getFirst().slowMean()).isCloseTo(2, within(0.6));

    RunDrift constant = fresh();
    for (int step = 0; step < 100; step++) {
      assertThat(constant.fold(step, Losses.step(random, 8, 0, step < 50 ? 2 : 2))).isEmpty();
    }
    assertThat(constant.turns().getFirst().drift()).isNaN();
    assertThat(constant.turns().getFirst().slowSd()).isZero();
  }

  @Test
  void slowAndFastMomentsAreExponentiallyWeighted() {
    RunDrift drift = fresh();
    Random random = new Random(11);
    List<Moments> steps = new ArrayList<>();
    for (int step = 0; step < 80; step++) {
      MomentsTable moments = Losses.step(random, 8 + step % 5, 0.5, 2 - 0.001 * step);
      steps.add(moments.moments(0));
      drift.fold(step, moments);
    }
    double slowMean = mean(steps, 256);
    double squares = 0;
    double n = 0;
    for (int i = 0; i < 80; i++) {
      double weight = Math.pow(2, (i - 79) / 256.0);
      Moments step = steps.get(i);
      n += weight * step.n();
      squares += weight * (step.m2() + step.n() * Math.pow(step.mean() - slowMean, 2));
    }
    double sd = Math.sqrt(squares / (n - 1));
    TurnDrift turn = drift.turns().getFirst();
    assertThat(turn.slowMean()).isCloseTo(slowMean, within(1e-12));
    assertThat(turn.slowSd()).isCloseTo(sd, within(1e-12));
    assertThat(turn.drift()).isCloseTo((mean(steps, 8) - slowMean) / sd, within(1e-11));
  }

  private static double mean(List<Moments> steps, double halfLife) {
    double sum = 0;
    double n = 0;
    for (int i = 0; i < steps.size(); i++) {
      double weight = Math.pow(2, (i - steps.size() + 1) / halfLife) * steps.get(i).n();
      n += weight;
      sum += weight * steps.get(i).mean();
    }
    return sum / n;
  }

  @Property(tries = 50)
  void whatIsRestoredGoesOnAsTheOther(
      @ForAll long seed, @ForAll @IntRange(min = 0, max = 120) int restoredAt) {
    Random random = new Random(seed);
    RunDrift through = fresh();
    RunDrift stopped = fresh();
    for (int step = 0; step < 120; step++) {
      if (step == restoredAt) {
        stopped = RunDrift.restored(DriftLimits.CALIBRATED, stopped.states());
        assertThat(stopped.turns()).isEqualTo(through.turns());
      }
      MomentsTable moments =
          Losses.step(
              random, 1 + random.nextInt(20), 0.5, 2 + step / 50, random.nextInt(2) == 0 ? 9 : 1);
      assertThat(stopped.fold(step, moments)).isEqualTo(through.fold(step, moments));
      assertThat(stopped.states()).isEqualTo(through.states());
    }
  }
}
