package resure.replay;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import resure.compute.jvm.JvmCompute;
import resure.journal.JournalException;
import resure.run.Export;
import resure.run.RecordedRun;
import resure.weighting.Configuration;
import resure.weighting.FoldRule;

/** What keeps a trial's memory bounded, however long the run and however many configurations. */
class BudgetTest {

  private static final Executor NOBODY = task -> {};

  private static RecordedRun run(int batches) throws JournalException {
    RecordedRun run = new RecordedRun(Configuration.DEFAULT);
    for (int step = 0; step < batches; step++) {
      run.score(Dialogue.batch(step, 0, 0, null, List.of(new Dialogue("d", null, 0, 1.0, 2.0))));
    }
    return run;
  }

  private static Survey survey(RecordedRun run, long bytes) throws JournalException {
    Export recorded = run.export();
    try (var refolding = recorded.refolding(Configuration.DEFAULT, new JvmCompute())) {
      return new Survey(recorded, refolding, bytes, 2, 0, new Crew(NOBODY, fraction -> {}));
    }
  }

  @Test
  void aWindowHoldsNoMoreThanItsBudgetAndEveryBatchIsInOne() throws JournalException {
    RecordedRun run = run(100);
    Export first = run.export();
    long ofBatch = Budget.ofBatch(first.next().getFirst().batch(), 2, 0);
    Survey survey = survey(run, 7 * ofBatch);

    Windows windows =
        new Windows(survey, new Labels(List.of()), run.export()::next, 7 * ofBatch, 2, 0);
    List<Integer> sizes = new ArrayList<>();
    List<Long> sequences = new ArrayList<>();
    for (List<Recorded> window = windows.next(); !window.isEmpty(); window = windows.next()) {
      sizes.add(window.size());
      window.forEach(recorded -> sequences.add(recorded.scored().sequence()));
    }

    assertThat(survey.everything()).isNull();
    assertThat(sizes).hasSize(15).startsWith(7, 7, 7).endsWith(2);
    assertThat(sequences).hasSize(100).isSorted().doesNotHaveDuplicates();
  }

  @Test
  void whatFitsIsKeptInMemory() throws JournalException {
    assertThat(survey(run(10), 1 << 20).everything()).hasSize(10);
  }

  @Test
  void aWindowHasOneBatchAtLeast() throws JournalException {
    RecordedRun run = run(3);
    Windows windows =
        new Windows(survey(run, 1), new Labels(List.of()), run.export()::next, 1, 2, 0);

    assertThat(windows.next()).hasSize(1);
  }

  @Test
  void aPassKeepsNoMoreThanItsBudgetAndEveryConfigurationIsInOne() throws JournalException {
    Survey survey = survey(run(10), 1 << 20);
    List<Configuration> configurations =
        IntStream.range(0, 300)
            .mapToObj(
                i ->
                    Configuration.DEFAULT
                        .withFold(i % 2 == 0 ? FoldRule.RAW : FoldRule.WINSORIZED)
                        .withHalfLife(100 + i % 3)
                        .withWarmUp(10 + i % 7))
            .toList();
    for (boolean binned : new boolean[] {false, true}) {
      long member =
          Budget.ofMember(survey.slots(Configuration.DEFAULT), survey.sources().size(), binned);
      long fold = Budget.ofFold(survey) + Budget.ofWarmUp(survey);
      long bytes = 3 * fold + 20 * member;

      Schedule schedule = Schedule.of(configurations, survey, bytes, binned);

      List<Integer> indices = new ArrayList<>();
      for (List<List<List<Integer>>> pass : schedule.passes()) {
        long used = 0;
        for (List<List<Integer>> foldAlike : pass) {
          assertThat(foldAlike).hasSizeBetween(1, FoldClass.MOST_WARM_UPS);
          used += Budget.ofFold(survey);
          for (List<Integer> warmUpAlike : foldAlike) {
            used += Budget.ofWarmUp(survey) + warmUpAlike.size() * member;
            assertThat(
                    warmUpAlike.stream()
                        .map(
                            i ->
                                configurations
                                    .get(i)
                                    .withWeighting(configurations.get(i).weighting()))
                        .distinct())
                .hasSize(1);
            indices.addAll(warmUpAlike);
          }
          assertThat(
                  foldAlike.stream().map(i -> FoldClass.Key.of(configurations.get(i.getFirst()))))
              .containsOnly(FoldClass.Key.of(configurations.get(foldAlike.getFirst().getFirst())));
        }
        assertThat(used).isLessThanOrEqualTo(bytes);
      }
      Collections.sort(indices);
      assertThat(indices).isEqualTo(IntStream.range(0, 300).boxed().toList());
    }
  }

  @Test
  void configurationsThatFoldAlikeAreFoldedTogether() throws JournalException {
    Survey survey = survey(run(10), 1 << 20);
    Configuration raw = Configuration.DEFAULT.withFold(FoldRule.RAW);
    List<Configuration> configurations =
        List.of(
            Configuration.DEFAULT,
            raw.withWarmUp(5),
            Configuration.DEFAULT.withWeighting(Configuration.DEFAULT.weighting().withThreshold(2)),
            Configuration.DEFAULT.withWarmUp(5),
            raw,
            Configuration.DEFAULT.withShadow(true));

    Schedule schedule = Schedule.of(configurations, survey, 1 << 30, false);

    assertThat(schedule.passes())
        .containsExactly(
            List.of(
                List.of(List.of(0, 2, 5)), List.of(List.of(1), List.of(4)), List.of(List.of(3))));
  }
}
