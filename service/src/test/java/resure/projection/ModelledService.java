package resure.projection;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import resure.compute.jvm.JvmCompute;
import resure.journal.Durability;
import resure.journal.Journal;
import resure.journal.RunKey;
import resure.observation.ObservationBatch;
import resure.observation.Retention;
import resure.observation.RunId;
import resure.run.Outcome;
import resure.run.RunDescription;
import resure.run.RunLimits;
import resure.run.RunListener;
import resure.run.RunSettings;
import resure.run.Runs;
import resure.run.WantedSettings;
import resure.weighting.Configuration;

/** Runs with their read models, on a journal that a test gives. */
final class ModelledService implements AutoCloseable {

  static final RunId ID = new RunId(RunId.DEFAULT_TENANT, "sft-42");

  private static final RunLimits LIMITS =
      new RunLimits(100, 100_000, 1000, Duration.ofMinutes(10), Duration.ofNanos(1));

  final ReadModels models;
  final Runs runs;

  ModelledService(Journal journal) {
    this(journal, ReadModels.MOST_WAITING_BYTES);
  }

  /**
   * With a bound of its own.
   *
   * @param mostWaitingBytes as of {@link ReadModels}
   */
  ModelledService(Journal journal, long mostWaitingBytes) {
    models =
        new ReadModels(
            journal.rows(), journal.shared(), List.of(new Dialogues()), mostWaitingBytes);
    runs =
        new Runs(
            journal,
            JvmCompute::new,
            JvmCompute::new,
            Durability.FSYNC,
            LIMITS,
            InstantSource.system(),
            RunListener.NONE,
            models);
  }

  static <T> T done(CompletableFuture<Outcome<T>> answer) {
    Outcome<T> outcome = answer.orTimeout(60, TimeUnit.SECONDS).join();
    assertThat(outcome).isInstanceOf(Outcome.Done.class);
    return Objects.requireNonNull(((Outcome.Done<T>) outcome).value());
  }

  void create(Configuration configuration, Retention retention) {
    create(ID, configuration, retention);
  }

  void create(RunId id, Configuration configuration, Retention retention) {
    done(
        runs.create(
            id,
            new WantedSettings() {
              @Override
              public RunSettings complete() {
                return new RunSettings(configuration, Map.of(), null, retention);
              }

              @Override
              public @Nullable String conflict(RunSettings existing) {
                return null;
              }
            },
            null,
            0));
  }

  void score(ObservationBatch batch) {
    done(runs.score(ID, null, batch));
  }

  RunKey key() {
    return key(ID);
  }

  RunKey key(RunId id) {
    return done(runs.describe(id, 0)).key();
  }

  /** All dialogues, when the rows hold all that is recorded. */
  DialoguePage dialogues() {
    while (true) {
      RunDescription run = done(runs.describe(ID, 0));
      Looked<DialoguePage> looked =
          done(
              models.ask(
                  run.key(),
                  run.sequence(),
                  new DialogueRanking(run.key(), new DialogueQuery(100_000, null, null, null))));
      if (looked.progress() == 1) {
        return looked.found();
      }
    }
  }

  /** Asks, and does not mind how much there is. */
  void ask() {
    RunDescription run = done(runs.describe(ID, 0));
    var _ =
        done(
            models.ask(
                run.key(),
                run.sequence(),
                new DialogueRanking(run.key(), new DialogueQuery(3, null, null, null))));
  }

  @Override
  public void close() {
    runs.close();
  }
}
