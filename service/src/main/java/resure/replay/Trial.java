package resure.replay;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import resure.compute.Compute;
import resure.compute.Sweep;
import resure.compute.Swept;
import resure.journal.JournalException;
import resure.run.Export;
import resure.run.Scored;
import resure.weighting.Configuration;

/**
 * Tries the configurations of a plan on recorded batches: each result says what a run of that
 * configuration would have answered to the same batches in the same order (weights before
 * normalization).
 *
 * <p>One pass surveys the batches. Then, pass by pass, a bounded number of configurations is tried:
 * the batches are read window by window, folded once for all configurations that fold alike, and
 * weighed for each. The size of windows and passes follows from the heap; it moves the sums by
 * rounding only, and decides whether labelled results are exact (when all fits in one window). Used
 * once, by one thread.
 */
public final class Trial {

  /** Work of folding a loss and of comparing it with its statistics, in weighings. */
  private static final int FOLDING_WORK = 8;

  private final ReplayPlan plan;
  private final Passes passes;
  private final Supplier<? extends Compute> computes;
  private final List<? extends Sweep> sweeps;
  private final Executor executor;
  private final int threads;
  private final Budget budget;
  private final Labels labels;

  /** How many sets of columns are filled at a time, and how many members are ranked at a time. */
  private final int columnSets;

  private final int rankings;

  /**
   * A trial that has not begun.
   *
   * @param passes opens the recorded batches
   * @param computes makes a backend for each fold; closed by this
   * @param sweeps backends that weigh, each used by one thread at a time; at least one, closed by
   *     the caller
   * @param executor runs the work; not the thread that calls {@link #run}
   * @param threads most tasks that fold at a time; as many weigh as there are {@code sweeps}
   */
  public Trial(
      ReplayPlan plan,
      Passes passes,
      Supplier<? extends Compute> computes,
      List<? extends Sweep> sweeps,
      Executor executor,
      int threads) {
    this(plan, passes, computes, sweeps, executor, threads, Budget.ofHeap());
  }

  Trial(
      ReplayPlan plan,
      Passes passes,
      Supplier<? extends Compute> computes,
      List<? extends Sweep> sweeps,
      Executor executor,
      int threads,
      Budget budget) {
    this.plan = plan;
    this.passes = passes;
    this.computes = computes;
    this.sweeps = List.copyOf(sweeps);
    this.executor = executor;
    this.threads = threads;
    this.budget = budget;
    labels = new Labels(plan.labelled() ? plan.bad() : List.of());
    columnSets =
        Math.min(threads, plan.configurations().size())
            * Schedule.columnsOfAFold(plan.configurations());
    rankings = plan.labelled() ? sweeps.size() : 0;
  }

  /**
   * Does it; blocking. Whatever ends it, no task of it is left running.
   *
   * @return a result for each configuration, in the order of the plan
   * @throws java.util.concurrent.CancellationException when {@code progress} threw it, or the
   *     thread was interrupted
   * @throws ChangedRecordsException when a later pass found other batches than the first
   */
  public List<ReplayResult> run(Progress progress) throws JournalException {
    if (plan.configurations().isEmpty()) {
      return List.of();
    }
    Crew crew = new Crew(executor, progress);
    crew.report();
    Export recorded = passes.open();
    Survey survey = survey(recorded, crew);
    Schedule schedule =
        Schedule.of(plan.configurations(), survey, budget.passBytes(), survey.everything() == null);
    crew.expect(work(schedule, survey));
    List<Columns> columns = new ArrayList<>();
    for (int i = 0; i < columnSets; i++) {
      columns.add(new Columns());
    }
    @Nullable ReplayResult[] results = new ReplayResult[plan.configurations().size()];
    for (List<List<List<Integer>>> pass : schedule.passes()) {
      try (Classes classes = new Classes()) {
        for (List<List<Integer>> foldAlike : pass) {
          classes.all.add(foldClass(foldAlike, recorded, survey));
        }
        weigh(classes.all, survey, columns, crew);
        correlate(classes.all, crew);
        classes.addResults(results, survey.sources());
      }
    }
    progress.at(1);
    return Arrays.stream(results).map(Objects::requireNonNull).toList();
  }

  private Survey survey(Export recorded, Crew crew) throws JournalException {
    try (var refolding = recorded.refolding(plan.configurations().getFirst(), computes.get())) {
      return new Survey(recorded, refolding, budget.windowBytes(), columnSets, rankings, crew);
    }
  }

  private static double work(Schedule schedule, Survey survey) {
    double units = 0;
    for (List<List<List<Integer>>> pass : schedule.passes()) {
      for (List<List<Integer>> foldAlike : pass) {
        for (List<Integer> warmUpAlike : foldAlike) {
          units += FOLDING_WORK + warmUpAlike.size();
        }
      }
    }
    return units * survey.losses();
  }

  private FoldClass foldClass(List<List<Integer>> foldAlike, Export recorded, Survey survey) {
    List<Configuration> configurations = plan.configurations();
    Configuration first = configurations.get(foldAlike.getFirst().getFirst());
    FoldClass foldClass = new FoldClass(recorded.refolding(first, computes.get()));
    for (List<Integer> warmUpAlike : foldAlike) {
      WarmUpClass warmUp = new WarmUpClass(configurations.get(warmUpAlike.getFirst()), survey);
      for (int index : warmUpAlike) {
        Configuration configuration = configurations.get(index);
        Separating separating = null;
        if (plan.labelled()) {
          separating =
              survey.everything() != null
                  ? new Separating.Exact()
                  : new Separating.Binned(configuration.weighting().floor());
        }
        warmUp.members().add(new Member(index, configuration, warmUp.counts().length, separating));
      }
      foldClass.warmUps().add(warmUp);
    }
    return foldClass;
  }

  /** One pass: every window through every class. */
  private void weigh(List<FoldClass> classes, Survey survey, List<Columns> columns, Crew crew)
      throws JournalException {
    List<Scored> everything = survey.everything();
    Windows windows =
        new Windows(
            survey,
            labels,
            everything == null ? passes.open()::next : Windows.once(everything),
            everything == null ? budget.windowBytes() : Long.MAX_VALUE,
            columnSets,
            rankings);
    for (List<Recorded> window = windows.next(); !window.isEmpty(); window = windows.next()) {
      for (int from = 0; from < classes.size(); from += threads) {
        weigh(
            classes.subList(from, Math.min(from + threads, classes.size())), window, columns, crew);
      }
    }
  }

  /** As many classes as have columns of their own: all are folded, then all members weighed. */
  private void weigh(
      List<FoldClass> classes, List<Recorded> window, List<Columns> columns, Crew crew) {
    int losses = window.stream().mapToInt(r -> r.scored().batch().size()).sum();
    List<List<Columns>> columnsOf = new ArrayList<>();
    List<Share> shares = new ArrayList<>();
    for (int c = 0, next = 0; c < classes.size(); c++) {
      List<WarmUpClass> warmUps = classes.get(c).warmUps();
      columnsOf.add(columns.subList(next, next + warmUps.size()));
      next += warmUps.size();
      for (int w = 0; w < warmUps.size(); w++) {
        addShares(shares, warmUps.get(w), columnsOf.get(c).get(w), losses);
      }
    }
    crew.each(
        classes.size(),
        threads,
        (item, worker) -> {
          columnsOf.get(item).forEach(set -> set.clear(losses));
          classes.get(item).fold(window, columnsOf.get(item), crew);
          crew.did((long) FOLDING_WORK * losses * classes.get(item).warmUps().size());
        });
    crew.each(
        shares.size(),
        sweeps.size(),
        (item, worker) -> {
          Share share = shares.get(item);
          Swept swept = share.sweep(sweeps.get(worker), plan.labelled());
          for (int m = 0; m < share.members.size(); m++) {
            share.members.get(m).add(swept, m, share.columns);
          }
          crew.did((long) losses * share.members.size());
        });
  }

  /** Parts the members of a class so that a share of them is weighed by one call. */
  private void addShares(
      List<Share> shares, WarmUpClass warmUp, Columns columns, int observations) {
    List<Member> members = warmUp.members();
    int size = sweeps.getFirst().membersAtOnce(observations);
    for (int from = 0; from < members.size(); from += size) {
      shares.add(
          new Share(
              warmUp,
              members.subList(from, Math.min(members.size() - from, size) + from),
              columns));
    }
  }

  /** Members of one class that are weighed by one call. */
  private record Share(WarmUpClass warmUp, List<Member> members, Columns columns) {

    Swept sweep(Sweep sweep, boolean withWeights) {
      return sweep.weigh(
          warmUp.window(columns), members.stream().map(Member::weighed).toList(), withWeights);
    }
  }

  /** Follows the weights of the sampled dialogues from visit to visit. */
  private void correlate(List<FoldClass> classes, Crew crew) {
    List<WarmUpClass> warmUps =
        classes.stream().flatMap(foldClass -> foldClass.warmUps().stream()).toList();
    List<Visits> visits = new ArrayList<>();
    warmUps.forEach(warmUp -> visits.add(Visits.NONE));
    crew.each(
        warmUps.size(), threads, (item, worker) -> visits.set(item, warmUps.get(item).visits()));
    List<Share> shares = new ArrayList<>();
    List<Visits> visitsOf = new ArrayList<>();
    for (int c = 0; c < warmUps.size(); c++) {
      if (visits.get(c).pairs() >= 2) {
        addShares(shares, warmUps.get(c), warmUps.get(c).sample(), warmUps.get(c).sample().size());
      }
      visitsOf.addAll(Collections.nCopies(shares.size() - visitsOf.size(), visits.get(c)));
    }
    crew.each(
        shares.size(),
        sweeps.size(),
        (item, worker) -> {
          Share share = shares.get(item);
          double[] weights = share.sweep(sweeps.get(worker), true).weights();
          for (int m = 0; m < share.members.size(); m++) {
            share
                .members
                .get(m)
                .steadiness(visitsOf.get(item).correlation(weights, m * share.columns.size()));
          }
        });
  }

  /** The classes of one pass. */
  private static final class Classes implements AutoCloseable {
    final List<FoldClass> all = new ArrayList<>();

    void addResults(@Nullable ReplayResult[] results, SourceTable sources) {
      for (FoldClass foldClass : all) {
        for (WarmUpClass warmUp : foldClass.warmUps()) {
          for (Member member : warmUp.members()) {
            results[member.index()] = member.result(warmUp.counts(), sources);
          }
        }
      }
    }

    @Override
    public void close() {
      all.forEach(FoldClass::close);
    }
  }
}
