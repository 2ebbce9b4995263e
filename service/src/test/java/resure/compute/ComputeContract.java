package resure.compute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import resure.observation.Batches;
import resure.observation.ObservationBatch;
import resure.statistics.BatchMoments;
import resure.statistics.BatchReducer;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;
import resure.weighting.FoldRule;
import resure.weighting.Propagation;
import resure.weighting.Weigher;
import resure.weighting.WeightFunction;
import resure.weighting.Weighting;

/** What every compute backend promises. A subclass gives the backend and nothing else. */
public abstract class ComputeContract {

  private Compute compute;

  /** A new backend. */
  protected abstract Compute open();

  @BeforeEach
  void openIt() {
    compute = open();
  }

  @AfterEach
  void closeIt() {
    compute.close();
  }

  @Test
  void loadedTriplesComeBackExactly() {
    MomentsTable triples = new MomentsTable();
    triples.set(0, new Moments(3.0000000000000004, 2.1, Double.MIN_VALUE, 7));
    triples.set(1, Moments.NONE);
    triples.set(3, new Moments(1e15, -1e100, 1e200, Long.MAX_VALUE));

    assertSame(compute.load(Configuration.DEFAULT, triples).triples(), triples);
  }

  @Test
  void aReferenceIsNotChangedThroughTheTablesThatWentInOrCameOut() {
    MomentsTable triples = table(new Random(1), 3);
    MomentsTable before = triples.copy();
    Reference reference = compute.load(Configuration.DEFAULT, triples);

    triples.set(0, Moments.NONE);
    reference.triples().set(1, Moments.NONE);

    assertSame(reference.triples(), before);
  }

  @Test
  void weighingAndReducingChangeNothing() {
    Random random = new Random(2);
    MomentsTable triples = table(random, 4);
    Reference reference = compute.load(winsorized(), triples);
    ObservationBatch batch = Batches.large(random, 20, 5);
    double[] losses = batch.losses().clone();
    List<Weighing> group = List.of(new Weighing(reference, batch));
    double[] first = compute.weigh(group).getFirst().values();

    compute.reduce(group);
    double[] again = compute.weigh(group).getFirst().values();

    assertThat(again).containsExactly(first);
    assertThat(batch.losses()).containsExactly(losses);
    assertSame(reference.triples(), triples);
  }

  @RepeatedTest(20)
  void foldingLeavesTheBaseAsItIsAndIsTheSameForEveryGrouping(RepetitionInfo repetition) {
    Random random = new Random(repetition.getCurrentRepetition());
    MomentsTable triples = table(random, 3);
    Configuration configuration =
        random.nextBoolean() ? winsorized() : winsorized().withHalfLife(17.5);
    Reference base = compute.load(configuration, triples);
    List<List<BatchMoments>> steps = steps(random, base);
    MomentsTable expected = triples.copy();
    steps.forEach(step -> expected.fold(step, configuration.halfLife()));

    MomentsTable atOnce = fold(base, steps).triples();
    Reference inPieces = base;
    for (int from = 0; from < steps.size(); ) {
      int to = from + 1 + random.nextInt(steps.size() - from);
      inPieces = fold(inPieces, steps.subList(from, to));
      from = to;
    }

    assertSame(atOnce, expected);
    assertSame(inPieces.triples(), expected);
    assertSame(base.triples(), triples);
  }

  @Test
  void foldingNothingChangesNoBit() {
    MomentsTable triples = table(new Random(3), 3);
    Reference base = compute.load(winsorized().withHalfLife(2), triples);

    assertSame(fold(base, List.of()).triples(), triples);
    assertSame(fold(base, List.of(List.of(), List.of(BatchMoments.NONE))).triples(), triples);
  }

  @Test
  void runsDoNotMixInAGroup() {
    Random random = new Random(4);
    List<Weighing> weighings = new ArrayList<>();
    List<Folding> foldings = new ArrayList<>();
    List<Configuration> configurations = new ArrayList<>();
    for (int run = 0; run < 50; run++) {
      Configuration configuration = configuration(random);
      configurations.add(configuration);
      Reference reference = compute.load(configuration, table(random, 1 + run % 6));
      weighings.add(new Weighing(reference, Batches.random(random, run, 0, 0, null)));
      foldings.add(new Folding(reference, steps(random, reference)));
    }
    List<double[]> weights = new ArrayList<>();
    List<MomentsTable> folded = new ArrayList<>();
    for (int run = 0; run < 50; run++) {
      weights.add(compute.weigh(List.of(weighings.get(run))).getFirst().values());
      folded.add(compute.fold(List.of(foldings.get(run))).getFirst().triples());
    }
    List<Integer> order = new ArrayList<>(Collections.nCopies(50, 0));
    order.replaceAll(zero -> random.nextInt(50));

    List<RawWeights> weighed = compute.weigh(order.stream().map(weighings::get).toList());
    List<Reference> references = compute.fold(order.stream().map(foldings::get).toList());

    for (int i = 0; i < order.size(); i++) {
      int run = order.get(i);
      assertClose(
          weighed.get(i).values(),
          weights.get(run),
          weighings.get(run).batch(),
          configurations.get(run),
          "run " + run + " at " + i);
      assertSame(references.get(i).triples(), folded.get(run));
    }
  }

  @Test
  void anEmptyGroupAndAnEmptyBatchAreNoSpecialCase() {
    Reference reference = compute.load(winsorized(), table(new Random(5), 2));
    Weighing empty = new Weighing(reference, Batches.of(0, 0));

    assertThat(compute.weigh(List.of())).isEmpty();
    assertThat(compute.fold(List.of())).isEmpty();
    assertThat(compute.reduce(List.of())).isEmpty();
    assertThat(compute.weigh(List.of(empty)).getFirst().values()).isEmpty();
    assertThat(compute.weigh(List.of(empty)).getFirst().warmingUp()).isFalse();
    assertThat(compute.reduce(List.of(empty)).getFirst().size()).isZero();
  }

  @Test
  void releasingAReferenceLeavesTheOthersIntact() {
    MomentsTable triples = table(new Random(6), 3);
    Reference base = compute.load(winsorized(), triples);
    List<List<BatchMoments>> steps = steps(new Random(7), base);
    Reference folded = fold(base, steps);
    MomentsTable expected = folded.triples();

    compute.release(base);

    assertSame(folded.triples(), expected);
    Reference again = fold(folded, steps);
    compute.release(folded);
    MomentsTable twice = expected.copy();
    steps.forEach(step -> twice.fold(step, winsorized().halfLife()));
    assertSame(again.triples(), twice);
  }

  @RepeatedTest(20)
  void statisticsAreTheBitsOfTheReferencePathAndWeightsAreWithinTheirBound(
      RepetitionInfo repetition) {
    Random random = new Random(repetition.getCurrentRepetition());
    List<Weighing> group = new ArrayList<>();
    List<Configuration> configurations = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      Configuration configuration = configuration(random);
      MomentsTable triples = table(random, 1 + random.nextInt(7));
      configurations.add(configuration);
      group.add(
          new Weighing(
              compute.load(configuration, triples), Batches.random(random, i, 0, 0, null)));
    }

    List<BatchMoments> reduced = compute.reduce(group);
    List<RawWeights> weighed = compute.weigh(group);

    for (int i = 0; i < group.size(); i++) {
      assertAsReference(configurations.get(i), group.get(i), reduced.get(i), weighed.get(i));
    }
  }

  @Test
  void aGroupOfAHundredThousandObservationsIsLikeAnyOther() {
    Random random = new Random(8);
    Configuration configuration = winsorized().withMaxTurns(8);
    MomentsTable triples = table(random, 8);
    Reference reference = compute.load(configuration, triples);
    List<Weighing> group =
        List.of(
            new Weighing(reference, Batches.large(random, 4096, 16)),
            new Weighing(reference, Batches.large(random, 1, 1)),
            new Weighing(reference, Batches.large(random, 6000, 6)));

    List<BatchMoments> reduced = compute.reduce(group);
    List<RawWeights> weighed = compute.weigh(group);

    for (int i = 0; i < group.size(); i++) {
      assertAsReference(configuration, group.get(i), reduced.get(i), weighed.get(i));
    }
  }

  @RepeatedTest(10)
  void groupsOfAnyMakeUpGiveTheBitsOfThePlainArithmetic(RepetitionInfo repetition) {
    Random random = new Random(repetition.getCurrentRepetition());
    List<Configuration> configurations = new ArrayList<>();
    List<Reference> references = new ArrayList<>();
    List<MomentsTable> expected = new ArrayList<>();
    for (int run = 0; run < 12; run++) {
      Configuration configuration = configuration(random);
      configurations.add(configuration);
      expected.add(table(random, random.nextInt(6)));
      references.add(compute.load(configuration, expected.get(run)));
    }
    for (int round = 0; round < 8; round++) {
      List<Integer> runs = new ArrayList<>();
      for (int run = 0; run < references.size(); run++) {
        if (random.nextInt(3) > 0) {
          runs.add(run);
        }
      }
      Collections.shuffle(runs, random);
      // Each run's batches are weighed with others' in one group, or by themselves.
      List<List<Weighing>> batches = new ArrayList<>();
      List<List<BatchMoments>> moments = new ArrayList<>();
      List<Weighing> all = new ArrayList<>();
      for (int run : runs) {
        List<Weighing> ofRun = new ArrayList<>();
        for (int rank = random.nextInt(9); rank >= 0; rank--) {
          ofRun.add(
              new Weighing(references.get(run), Batches.random(random, round, rank, 0, null)));
        }
        batches.add(ofRun);
        all.addAll(ofRun);
      }
      List<BatchMoments> together = compute.reduce(all);
      int next = 0;
      List<Folding> foldings = new ArrayList<>();
      for (int i = 0; i < runs.size(); i++) {
        int size = batches.get(i).size();
        moments.add(
            random.nextBoolean()
                ? together.subList(next, next + size)
                : compute.reduce(batches.get(i)));
        next += size;
        foldings.add(new Folding(references.get(runs.get(i)), List.of(moments.get(i))));
      }
      List<Reference> folded = compute.fold(foldings);
      for (int i = 0; i < runs.size(); i++) {
        int run = runs.get(i);
        Configuration configuration = configurations.get(run);
        Weigher weigher = new Weigher(configuration, expected.get(run));
        BatchReducer reducer = new BatchReducer();
        List<BatchMoments> step = new ArrayList<>();
        for (Weighing weighing : batches.get(i)) {
          step.add(
              reducer.reduce(
                  weighing.batch().losses(),
                  weighing.batch().offsets(),
                  weighing.batch().firstTurns(),
                  configuration.maxTurns(),
                  configuration.maxLoss(),
                  weigher.caps()));
        }
        MomentsTable after = expected.get(run).copy();
        after.fold(step, configuration.halfLife());
        expected.set(run, after);
        assertSame(folded.get(i).triples(), after);
        compute.release(references.get(run));
        references.set(run, folded.get(i));
      }
    }
  }

  @Test
  void nativeMemoryIsFlatOverTenThousandGroups() throws IOException {
    Random random = new Random(9);
    Configuration configuration =
        winsorized().withMaxTurns(8).withPropagation(new Propagation(1, 0.5));
    List<Reference> references = new ArrayList<>();
    for (int run = 0; run < 4; run++) {
      references.add(compute.load(configuration, table(random, 8)));
    }
    ObservationBatch batch = Batches.large(random, 64, 8);
    long before = 0;
    for (int group = 0; group < 11_000; group++) {
      if (group == 1000) {
        before = NativeMemory.bytes();
      }
      List<Weighing> weighings =
          references.stream().map(reference -> new Weighing(reference, batch)).toList();
      compute.weigh(weighings);
      int run = group % references.size();
      List<BatchMoments> step = compute.reduce(List.of(weighings.get(run)));
      Reference old = references.set(run, fold(references.get(run), List.of(step)));
      compute.release(old);
    }

    // A group that forgot one of its columns would leave 160 MB; the compiler's own memory comes
    // and
    // goes by some ten.
    assertThat(NativeMemory.bytes() - before).isLessThan(64L << 20);
  }

  @TestFactory
  Stream<DynamicTest> everyGoldenVectorIsWeighedAsItSays() throws IOException {
    return WeighingVector.all().stream()
        .map(vector -> dynamicTest(vector.name(), () -> check(vector)));
  }

  private void check(WeighingVector vector) {
    Reference reference = compute.load(vector.configuration(), vector.triples());

    RawWeights weighed = compute.weigh(List.of(new Weighing(reference, vector.batch()))).getFirst();

    assertThat(weighed.warmingUp()).isEqualTo(vector.warmingUp());
    for (int i = 0; i < vector.weights().size(); i++) {
      assertThat(weighed.values()[i])
          .as("loss %d (%s)", i, vector.batch().losses()[i])
          .isCloseTo(vector.weights().get(i), within(vector.tolerances().get(i)));
    }
  }

  private Reference fold(Reference base, List<List<BatchMoments>> steps) {
    return compute.fold(List.of(new Folding(base, steps))).getFirst();
  }

  private static void assertAsReference(
      Configuration configuration, Weighing weighing, BatchMoments reduced, RawWeights weighed) {
    ObservationBatch batch = weighing.batch();
    Weigher weigher = new Weigher(configuration, weighing.reference().triples());
    BatchMoments expected =
        new BatchReducer()
            .reduce(
                batch.losses(),
                batch.offsets(),
                batch.firstTurns(),
                configuration.maxTurns(),
                configuration.maxLoss(),
                weigher.caps());
    assertThat(reduced.size()).isEqualTo(expected.size());
    for (int i = 0; i < expected.size(); i++) {
      assertThat(reduced.slot(i)).isEqualTo(expected.slot(i));
      assertThat(reduced.n(i)).isEqualTo(expected.n(i));
      assertThat(reduced.mean(i)).isEqualTo(expected.mean(i));
      assertThat(reduced.m2(i)).isEqualTo(expected.m2(i));
    }
    double[] weights = new double[batch.size()];
    boolean warmingUp = false;
    for (int d = 0; d < batch.dialogues(); d++) {
      warmingUp |=
          weigher.weigh(
              batch.losses(),
              batch.offsets()[d],
              batch.offsets()[d + 1],
              batch.firstTurn(d),
              weights);
    }
    assertThat(weighed.warmingUp()).isEqualTo(warmingUp);
    assertClose(weighed.values(), weights, batch, configuration, configuration.toString());
  }

  /** Within the bound that {@link WeightBound} derives, for every loss of a batch. */
  private static void assertClose(
      double[] actual,
      double[] expected,
      ObservationBatch batch,
      Configuration configuration,
      String what) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int d = 0; d < batch.dialogues(); d++) {
      int from = batch.offsets()[d];
      for (int i = from; i < batch.offsets()[d + 1]; i++) {
        assertThat(actual[i])
            .as("%s, loss %d (%s)", what, i, batch.losses()[i])
            .isCloseTo(expected[i], within(expected[i] * WeightBound.of(configuration, i - from)));
      }
    }
  }

  /** Steps of batches capped by {@code base}; some of them empty. */
  private List<List<BatchMoments>> steps(Random random, Reference base) {
    List<List<BatchMoments>> steps = new ArrayList<>();
    for (int step = 0; step < 6; step++) {
      List<Weighing> batches = new ArrayList<>();
      for (int rank = random.nextInt(4); rank > 0; rank--) {
        batches.add(new Weighing(base, Batches.random(random, step, rank, 0, null)));
      }
      steps.add(compute.reduce(batches));
    }
    return steps;
  }

  private static Configuration winsorized() {
    return Configuration.DEFAULT.withWarmUp(2);
  }

  private static Configuration configuration(Random random) {
    WeightFunction function = WeightFunction.ALL.get(random.nextInt(WeightFunction.ALL.size()));
    return winsorized()
        .withWeighting(new Weighting(function, random.nextDouble(2) - 0.5, 2, 0.05))
        .withWarmUp(2 + random.nextInt(20))
        .withMaxTurns(1 + random.nextInt(8))
        .withFold(random.nextBoolean() ? FoldRule.RAW : FoldRule.WINSORIZED)
        .withHalfLife(random.nextBoolean() ? Double.POSITIVE_INFINITY : 5 + random.nextDouble())
        .withPropagation(
            random.nextBoolean()
                ? Propagation.DEFAULT
                : new Propagation(2 * random.nextDouble(), random.nextInt(3) / 2.0));
  }

  /** Triples as training leaves them. */
  private static MomentsTable table(Random random, int slots) {
    MomentsTable table = new MomentsTable();
    for (int slot = 0; slot < slots; slot++) {
      double n = 1 + 40 * random.nextDouble();
      table.set(slot, new Moments(n, 1 + random.nextDouble(), n * random.nextDouble(), (long) n));
    }
    return table;
  }

  private static void assertSame(MomentsTable actual, MomentsTable expected) {
    assertThat(actual.slots()).isEqualTo(expected.slots());
    for (int slot = 0; slot < expected.slots(); slot++) {
      assertThat(actual.moments(slot)).as("slot %d", slot).isEqualTo(expected.moments(slot));
    }
  }
}
