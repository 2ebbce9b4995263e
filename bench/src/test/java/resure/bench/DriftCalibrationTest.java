package resure.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import resure.statistics.Moments;

class DriftCalibrationTest {

  /** By SciPy 1.17.1: {@code chi2.ppf(0.95, 2 * (k + 1)) / 2}. */
  @ParameterizedTest
  @CsvSource({"0, 2.995732", "1, 4.743865", "10, 16.96222", "100, 118.0793"})
  void theBoundOfACountIsGarwoods(int count, double expected) {
    assertThat(Poisson.upper(count)).isCloseTo(expected, within(1e-4));
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.3, 0.6, 0.9})
  void stepMeansHaveTheAutocorrelationAndTheScatterThatAreAskedFor(double r) {
    LossStream stream =
        new LossStream(new LossStream.Kind(8, r, false, LossStream.Order.SHUFFLED), new Random(1));
    int steps = 200_000;
    double[] means = new double[steps];
    double within = 0;
    for (int i = 0; i < steps; i++) {
      Moments step = stream.next(0, 1);
      means[i] = step.mean() - LossStream.MEAN;
      within += step.m2() / 7 / steps;
    }
    double variance = 0;
    double covariance = 0;
    for (int i = 1; i < steps; i++) {
      variance += means[i] * means[i] / steps;
      covariance += means[i] * means[i - 1] / steps;
    }
    double sd = LossStream.SD;
    // What is above 3 sd is folded as 3 sd: a little less of everything.
    assertThat(covariance / variance).isCloseTo(r, within(0.02));
    assertThat(variance).isCloseTo(sd * sd / 8, within(0.05 * sd * sd / 8));
    assertThat(within).isCloseTo(sd * sd, within(0.03 * sd * sd));
  }

  @Test
  void theOthersFindARiseAndNoFall() {
    for (double change : new double[] {1, -1}) {
      LossStream stream =
          new LossStream(
              new LossStream.Kind(8, 0, false, LossStream.Order.SHUFFLED), new Random(2));
      List<DriftDetector> detectors =
          List.of(new PageHinkley(0.25, 7), new Kswin(new Random(3), 20));
      int[] alarms = new int[2];
      for (int i = 0; i < 400; i++) {
        Moments step = stream.next(0, 1);
        double mean = step.mean() + (i >= 200 ? change * LossStream.SD : 0);
        for (int d = 0; d < 2; d++) {
          alarms[d] += detectors.get(d).add(new Moments(step.n(), mean, step.m2(), 8)) ? 1 : 0;
        }
      }
      assertThat(alarms).containsExactly(change > 0 ? 1 : 0, change > 0 ? 1 : 0);
    }
  }

  @Test
  void everyTableIsThere() throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8)) {
      new DriftCalibration(
              Options.parse(
                  List.of(
                      "--observations=20000", "--runs=3", "--trace=../examples/trace-11.jsonl.gz"),
                  DriftCalibration.DEFAULTS),
              out)
          .run();
    }
    assertThat(bytes.toString(StandardCharsets.UTF_8).lines().filter(l -> l.startsWith("|")))
        .hasSize((2 + 16 + 4) + (2 + 32) + (2 + 8) + (2 + 18));
  }
}
