package resure.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.InstantSource;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import resure.compute.jvm.JvmCompute;
import resure.journal.Durability;
import resure.journal.InMemoryJournal;
import resure.journal.RunKey;
import resure.observation.Batches;
import resure.observation.RunId;
import resure.observation.StartFrom;

/** The front door with real threads, where only a store that fails can show what it does. */
class RunsTest {

  private static final RunId OTHER = ShardDriver.id("sft-41");
  private static final RunId NEW = ShardDriver.id("sft-42");

  private final InMemoryJournal journal = new InMemoryJournal();
  private final Runs runs =
      new Runs(
          journal,
          JvmCompute::new,
          JvmCompute::new,
          Durability.OS,
          ShardDriver.LIMITS,
          InstantSource.system(),
          RunListener.NONE,
          RunFollower.NONE);

  @AfterEach
  void close() {
    runs.close();
  }

  private static <T> Outcome<T> outcome(CompletableFuture<Outcome<T>> answer) {
    return answer.orTimeout(30, TimeUnit.SECONDS).join();
  }

  private static WantedSettings wanted(@Nullable StartFrom startFrom) {
    RunSettings settings = RunSettings.DEFAULT.withStartFrom(startFrom);
    return new WantedSettings() {
      @Override
      public RunSettings complete() {
        return settings;
      }

      @Override
      public @Nullable String conflict(RunSettings existing) {
        return settings.equals(existing) ? null : "/startFrom";
      }
    };
  }

  private void recordOther() {
    outcome(runs.create(OTHER, wanted(null), null, 0));
    for (long step = 0; step < 3; step++) {
      outcome(runs.score(OTHER, null, Batches.of(step, 0, new double[] {2, 3})));
    }
  }

  private static StartFrom other(@Nullable Long step) {
    return new StartFrom(OTHER.name(), step, Double.POSITIVE_INFINITY);
  }

  @Test
  void aDamagedRunIsNotStartedFromAndNothingIsCreated() throws Exception {
    recordOther();
    RunKey key = Objects.requireNonNull(journal.lookup(OTHER));
    journal.damage(key, 3);

    for (Long step : new Long[] {null, 0L, 2L}) {
      assertThat(outcome(runs.create(NEW, wanted(other(step)), null, 0)))
          .as("step %s", step)
          .isEqualTo(Outcome.refused(Refusal.START_DAMAGED));
    }
    assertThat(journal.lookup(NEW)).isNull();
    // Whoever has the run in memory goes on.
    assertThat(outcome(runs.describe(OTHER, 0))).isInstanceOf(Outcome.Done.class);
  }

  @Test
  void whileTheStoreIsAwayNothingIsStartedFrom() throws Exception {
    recordOther();
    journal.close();

    assertThat(outcome(runs.create(NEW, wanted(other(null)), null, 0)))
        .isEqualTo(Outcome.refused(Refusal.STORE_UNAVAILABLE));
    journal.reopen();
    assertThat(journal.lookup(NEW)).isNull();
    assertThat(outcome(runs.create(NEW, wanted(other(null)), null, 0)))
        .isInstanceOf(Outcome.Done.class);
  }

  @Test
  void aRunThatIsThereIsComparedThoughTheOtherIsGoneOrDamaged() throws Exception {
    recordOther();
    outcome(runs.create(NEW, wanted(other(1L)), null, 0));
    journal.damage(Objects.requireNonNull(journal.lookup(OTHER)), 2);

    assertThat(outcome(runs.create(NEW, wanted(other(1L)), null, 0)))
        .isInstanceOfSatisfying(
            Outcome.Done.class, done -> assertThat(((Created) done.value()).isNew()).isFalse());
    outcome(runs.delete(OTHER));
    assertThat(outcome(runs.create(NEW, wanted(other(1L)), null, 0)))
        .isInstanceOf(Outcome.Done.class);
    assertThat(outcome(runs.create(NEW, wanted(other(2L)), null, 0)))
        .isEqualTo(new Outcome.Refused<>(Refusal.RUN_CONFLICT, "/startFrom"));
  }
}
