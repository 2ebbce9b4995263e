package resure.client;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * What a training run asks of the service, about its one run: single attempts, without repetition,
 * since the outbox decides what is sent again and when. Each future ends by the deadline with the
 * answer or a {@link ResureException}; cancelling it ends the exchange.
 */
interface RunCalls {

  CompletableFuture<Run> create(Settings settings, Duration deadline);

  CompletableFuture<Run> rewind(long nextStep, @Nullable String attempt, Duration deadline);

  CompletableFuture<Statistics> statistics(Duration deadline);

  CompletableFuture<Scores> post(
      String key, Batch batch, boolean withStatistics, Duration deadline);

  /** Through a client. */
  static RunCalls of(Caller caller, String run) {
    return new RunCalls() {
      @Override
      public CompletableFuture<Run> create(Settings settings, Duration deadline) {
        return caller.once(Calls.create(run, settings), deadline);
      }

      @Override
      public CompletableFuture<Run> rewind(
          long nextStep, @Nullable String attempt, Duration deadline) {
        return caller.once(Calls.rewind(run, nextStep, attempt), deadline);
      }

      @Override
      public CompletableFuture<Statistics> statistics(Duration deadline) {
        return caller.once(Calls.statistics(run), deadline);
      }

      @Override
      public CompletableFuture<Scores> post(
          String key, Batch batch, boolean withStatistics, Duration deadline) {
        return caller.once(Calls.score(run, key, batch, withStatistics), deadline);
      }
    };
  }
}
