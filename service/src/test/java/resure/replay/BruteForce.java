package resure.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import resure.journal.JournalException;
import resure.journal.Start;
import resure.observation.ObservationBatch;
import resure.observation.Weights;
import resure.run.RecordedRun;
import resure.weighting.Configuration;

/**
 * What a configuration would have done, by really configuring a run so and posting every batch that
 * stands again; all figures by their definitions, one observation after the other.
 */
final class BruteForce {

  /** A usable observation. */
  record Observed(
      String dialogue, @Nullable String source, long turn, int slot, boolean bad, double weight) {}

  private final List<Observed> observed = new ArrayList<>();
  private final Map<String, Long> supervisedOf = new HashMap<>();

  BruteForce(Configuration configuration, List<ObservationBatch> standing, List<Bad> bad)
      throws JournalException {
    this(configuration, null, standing, bad);
  }

  BruteForce(
      Configuration configuration,
      @Nullable Start start,
      List<ObservationBatch> standing,
      List<Bad> bad)
      throws JournalException {
    RecordedRun run = new RecordedRun(configuration, start);
    Set<Bad> labels = new HashSet<>(bad);
    for (ObservationBatch batch : standing) {
      Weights weights = run.score(batch);
      for (int d = 0; d < batch.dialogues(); d++) {
        String id = batch.id(d);
        for (int i = batch.offsets()[d]; i < batch.offsets()[d + 1]; i++) {
          long turn = batch.firstTurn(d) + i - batch.offsets()[d];
          if (batch.supervised(i)) {
            supervisedOf.merge(id, 1L, Long::sum);
          }
          if (weights.usable(i)) {
            boolean isBad =
                labels.contains(new Bad(id, null)) || labels.contains(new Bad(id, turn));
            observed.add(
                new Observed(
                    id, batch.source(d), turn, configuration.slot(turn), isBad, weights.raw()[i]));
          }
        }
      }
    }
  }

  List<Observed> observed() {
    return observed;
  }

  /** Checks a result against all of it. Sources are fewer here than are kept apart. */
  void check(ReplayResult result, boolean labelled, String what) {
    assertTally(result.all(), observed, what + ", all");
    Map<Integer, List<Observed>> turns = new TreeMap<>();
    Map<@Nullable String, List<Observed>> sources = new LinkedHashMap<>();
    for (Observed one : observed) {
      turns.computeIfAbsent(one.slot, slot -> new ArrayList<>()).add(one);
      sources.computeIfAbsent(one.source, source -> new ArrayList<>()).add(one);
    }
    assertThat(result.turns().stream().map(TurnTally::turn))
        .as(what)
        .containsExactlyElementsOf(turns.keySet());
    for (TurnTally turn : result.turns()) {
      assertTally(
          turn.tally(),
          Objects.requireNonNull(turns.get(turn.turn())),
          what + ", turn " + turn.turn());
    }
    assertThat(result.sources().stream().map(SourceTally::source))
        .as(what)
        .containsExactlyInAnyOrderElementsOf(sources.keySet());
    for (SourceTally source : result.sources()) {
      assertThat(source.other()).isFalse();
      assertTally(
          source.tally(),
          Objects.requireNonNull(sources.get(source.source())),
          what + ", source " + source.source());
    }
    assertClose(result.steadiness(), steadiness(), what + ", steadiness");
    Separation separation = result.separation();
    assertThat(separation != null).as(what).isEqualTo(labelled);
    if (separation != null) {
      assertSeparation(separation, what);
    }
  }

  private static void assertTally(Tally tally, List<Observed> of, String what) {
    assertThat(tally.observations()).as(what).isEqualTo(of.size());
    assertThat(tally.downWeighted())
        .as(what)
        .isEqualTo(of.stream().filter(o -> o.weight < 1).count());
    assertClose(tally.weightSum(), of.stream().mapToDouble(o -> o.weight).sum(), what);
    assertClose(tally.squareSum(), of.stream().mapToDouble(o -> o.weight * o.weight).sum(), what);
  }

  private static void assertClose(double actual, double expected, String what) {
    if (Double.isNaN(expected)) {
      assertThat(actual).as(what).isNaN();
    } else {
      assertThat(actual).as(what).isCloseTo(expected, within(1e-12 * Math.abs(expected) + 1e-13));
    }
  }

  private void assertSeparation(Separation separation, String what) {
    double[] bad = observed.stream().filter(o -> o.bad).mapToDouble(o -> o.weight).toArray();
    double[] good = observed.stream().filter(o -> !o.bad).mapToDouble(o -> o.weight).toArray();
    assertClose(separation.badMeanWeight(), Arrays.stream(bad).average().orElse(Double.NaN), what);
    assertClose(
        separation.goodMeanWeight(), Arrays.stream(good).average().orElse(Double.NaN), what);
    double auroc = auroc(bad, good);
    double averagePrecision = averagePrecision(bad, good);
    if (Double.isNaN(auroc)) {
      assertThat(separation.auroc()).as(what).isNaN();
      assertThat(separation.averagePrecision()).as(what).isNaN();
      return;
    }
    assertThat(separation.auroc())
        .as(what)
        .isCloseTo(auroc, within(separation.aurocError() + 1e-12));
    assertThat(separation.averagePrecision())
        .as(what)
        .isCloseTo(averagePrecision, within(separation.averagePrecisionError() + 1e-12));
  }

  /** Every bad one against every good one. */
  static double auroc(double[] bad, double[] good) {
    double[] sorted = sorted(good);
    double won = 0;
    for (double b : bad) {
      long ties = atMost(sorted, b) - below(sorted, b);
      won += good.length - atMost(sorted, b) + ties / 2.0;
    }
    return bad.length == 0 || good.length == 0 ? Double.NaN : won / bad.length / good.length;
  }

  /** At every distinct weight: the recall that it adds times the precision there. */
  static double averagePrecision(double[] bad, double[] good) {
    double[] sortedBad = sorted(bad);
    double[] sortedGood = sorted(good);
    double sum = 0;
    double recallBefore = 0;
    for (double threshold : Arrays.stream(sortedBad).distinct().toArray()) {
      double found = atMost(sortedBad, threshold);
      double recall = found / bad.length;
      sum += (recall - recallBefore) * (found / (found + atMost(sortedGood, threshold)));
      recallBefore = recall;
    }
    return bad.length == 0 || good.length == 0 ? Double.NaN : sum;
  }

  private static double[] sorted(double[] values) {
    return Arrays.stream(values).sorted().toArray();
  }

  private static long atMost(double[] sorted, double value) {
    return below(sorted, Math.nextUp(value));
  }

  /** How many are below a value. */
  private static long below(double[] sorted, double value) {
    int low = 0;
    int high = sorted.length;
    while (low < high) {
      int middle = (low + high) / 2;
      if (sorted[middle] < value) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private double steadiness() {
    List<String> byHash = new ArrayList<>(supervisedOf.keySet());
    byHash.sort((a, b) -> Long.compareUnsigned(Sample.hash(a), Sample.hash(b)));
    long sampled = 0;
    int dialogues = 0;
    for (String id : byHash) {
      sampled += supervisedOf.get(id);
      if (sampled > 8192) {
        break;
      }
      dialogues++;
    }
    Set<String> sample = new HashSet<>(byHash.subList(0, dialogues));
    List<double[]> pairs = new ArrayList<>();
    Map<String, Double> last = new HashMap<>();
    for (Observed one : observed) {
      if (sample.contains(one.dialogue)) {
        Double before = last.put(one.turn + " of " + one.dialogue, one.weight);
        if (before != null) {
          pairs.add(new double[] {before, one.weight});
        }
      }
    }
    return spearman(
        pairs.stream().mapToDouble(p -> p[0]).toArray(),
        pairs.stream().mapToDouble(p -> p[1]).toArray());
  }

  /** Pearson's correlation of the ranks; the rank of a value counts what is below it. */
  static double spearman(double[] x, double[] y) {
    double[] u = ranks(x);
    double[] v = ranks(y);
    double meanU = Arrays.stream(u).average().orElse(0);
    double meanV = Arrays.stream(v).average().orElse(0);
    double uv = 0;
    double uu = 0;
    double vv = 0;
    for (int i = 0; i < u.length; i++) {
      uv += (u[i] - meanU) * (v[i] - meanV);
      uu += (u[i] - meanU) * (u[i] - meanU);
      vv += (v[i] - meanV) * (v[i] - meanV);
    }
    return u.length < 2 || uu == 0 || vv == 0 ? Double.NaN : uv / Math.sqrt(uu) / Math.sqrt(vv);
  }

  private static double[] ranks(double[] values) {
    double[] sorted = sorted(values);
    return Arrays.stream(values)
        .map(value -> (below(sorted, value) + 1 + atMost(sorted, value)) / 2.0)
        .toArray();
  }
}
