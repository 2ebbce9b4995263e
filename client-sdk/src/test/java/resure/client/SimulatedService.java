package resure.client;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import resure.weighting.Configuration;
import resure.weighting.WeightFunction;
import resure.weighting.Weighting;

/**
 * One run of a service on a simulated clock: keeps what it records by key, as the real one does,
 * weighs every usable loss as 0.5, and suffers what it is told to.
 */
final class SimulatedService implements RunCalls {

  static final double WEIGHT = 0.5;

  /** What becomes of a call: carried out or not, and answered or failed after a while. */
  record Fate(Duration after, boolean carriedOut, @Nullable Supplier<RuntimeException> failure) {

    /** What only a batch can be refused for. */
    boolean ofBatches() {
      return failure != null
          && failure.get() instanceof ProblemException problem
          && problem.type() == ProblemType.LIMIT_EXCEEDED;
    }

    static Fate answer(long millis) {
      return new Fate(Duration.ofMillis(millis), true, null);
    }

    /** Nobody listens. */
    static Fate away() {
      return new Fate(Duration.ofMillis(1), false, () -> new UnavailableException("away", null));
    }

    /** The connection breaks after the call was carried out. */
    static Fate answerLost(long millis) {
      return new Fate(
          Duration.ofMillis(millis), true, () -> new UnavailableException("broken", null));
    }

    /** Connected, and never an answer. */
    static Fate silence() {
      return new Fate(Duration.ofDays(1), false, () -> new UnavailableException("silence", null));
    }

    /** Something else answers. */
    static Fate garbage() {
      return new Fate(
          Duration.ofMillis(2), false, () -> new UnexpectedAnswerException("<html>", null));
    }

    static Fate problem(int status, ProblemType type, @Nullable Duration retryAfter) {
      return new Fate(
          Duration.ofMillis(3),
          false,
          () -> new ProblemException(status, type, type.name(), null, retryAfter));
    }
  }

  final SimulatedTime time;

  /** Weights that are easy to say by hand. */
  static final Configuration EXPONENTIAL =
      Configuration.DEFAULT.withWeighting(
          new Weighting(new WeightFunction.Exponential(), 1, 2, 0.05));

  Configuration configuration = EXPONENTIAL;
  List<Statistics.Turn> turns = List.of();
  @Nullable Long step;
  double runMeanWeight = 1;

  /** What becomes of calls that {@link #next} says nothing of. */
  Fate usual = Fate.answer(10);

  private final Deque<Fate> next = new ArrayDeque<>();

  /**
   * Every call made, in order: {@code create}, {@code rewind 5}, {@code statistics}, {@code post
   * 3}.
   */
  final List<String> calls = new ArrayList<>();

  /** Elapsed time at each of them. */
  final List<Duration> callTimes = new ArrayList<>();

  /** What is recorded, by key, in order. */
  final Map<String, Batch> recorded = new LinkedHashMap<>();

  /** What was recorded, and then removed by a rewind. */
  final List<Batch> takenBack = new ArrayList<>();

  SimulatedService(SimulatedTime time) {
    this.time = time;
  }

  void next(Fate... fates) {
    next.addAll(Arrays.asList(fates));
  }

  private <T> CompletableFuture<T> call(
      String name, boolean refusable, Duration deadline, Supplier<T> effect) {
    calls.add(name);
    callTimes.add(time.elapsed());
    Fate fate = next.isEmpty() ? usual : next.remove();
    if (fate.ofBatches() && !refusable) {
      fate = Fate.answer(10);
    }
    CompletableFuture<T> answer = new CompletableFuture<>();
    Fate drawn = fate;
    boolean late = fate.after().compareTo(deadline) > 0;
    time.after(
        drawn.after(),
        () -> {
          RuntimeException failure = drawn.failure() == null ? null : drawn.failure().get();
          T value = null;
          if (drawn.carriedOut()) {
            try {
              value = effect.get();
            } catch (ProblemException e) {
              failure = failure == null ? e : failure;
            }
          }
          if (failure == null) {
            answer.complete(value);
          } else {
            answer.completeExceptionally(failure);
          }
        });
    if (late) {
      time.after(
          deadline, () -> answer.completeExceptionally(new UnavailableException("late", null)));
    }
    return answer;
  }

  private Run run() {
    return new Run(
        "run",
        Run.State.ACTIVE,
        null,
        step,
        1 + recorded.size(),
        0,
        Instant.EPOCH,
        null,
        null,
        configuration,
        Map.of(),
        null,
        Retention.ALL,
        null);
  }

  @Override
  public CompletableFuture<Run> create(Settings settings, Duration deadline) {
    return call("create", false, deadline, this::run);
  }

  @Override
  public CompletableFuture<Run> rewind(long nextStep, @Nullable String attempt, Duration deadline) {
    return call(
        "rewind " + nextStep,
        false,
        deadline,
        () -> {
          Predicate<Batch> removed = batch -> batch.step != null && batch.step >= nextStep;
          recorded.values().stream().filter(removed).forEach(takenBack::add);
          recorded.values().removeIf(removed);
          return run();
        });
  }

  @Override
  public CompletableFuture<Statistics> statistics(Duration deadline) {
    return call(
        "statistics",
        false,
        deadline,
        () ->
            new Statistics(
                "run",
                step,
                1 + recorded.size(),
                0,
                0,
                1,
                1,
                turns,
                List.of(),
                new Statistics.Reference(step, runMeanWeight, List.of()),
                "\"1\""));
  }

  @Override
  public CompletableFuture<Scores> post(
      String key, Batch batch, boolean withStatistics, Duration deadline) {
    return call(
        "post " + batch.step + (withStatistics ? " with statistics" : ""),
        // The key is looked at before all that a batch can be refused for.
        !recorded.containsKey(key),
        deadline,
        () -> {
          Batch before = recorded.putIfAbsent(key, batch);
          if (before != null && !java.util.Objects.equals(before.applied, batch.applied)) {
            throw new ProblemException(422, ProblemType.KEY_REUSED, "key-reused", null, null);
          }
          return scores(batch, withStatistics);
        });
  }

  private Scores scores(Batch batch, boolean withStatistics) {
    double[] weights = new double[batch.size()];
    long observations = 0;
    for (int i = 0; i < weights.length; i++) {
      weights[i] = batch.supervised[i] ? WEIGHT : Double.NaN;
      observations += batch.supervised[i] ? 1 : 0;
    }
    return new Scores(
        1 + recorded.size(),
        batch.step,
        batch.applied != null ? batch.applied : new Weights(batch.offsets, weights),
        new Summary(observations, 0.5, observations, runMeanWeight, observations, 0, false, false),
        false,
        withStatistics ? new Scores.TurnStatistics(1 + recorded.size(), turns) : null);
  }

  /** Calls of the kind, in order. */
  List<String> posts() {
    return calls.stream().filter(call -> call.startsWith("post")).toList();
  }
}
