package resure.client;

import java.net.URI;
import java.net.http.HttpClient;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The service's contract, call by call. Built once, shared by all threads, closed at the end.
 *
 * <p>Every call ends by the client's deadline, with its result or a {@link ResureException}, all
 * repetitions included. It is made again, with growing random waits and never before {@code
 * Retry-After}, after a connection that failed or broke, 429, 500, 502, 503 and 504; calls that
 * would do more when made twice ({@link #startReplay}, {@link #removeReplay}, {@link #rewind}
 * without an attempt) only where they have certainly not been carried out. A call that failed for
 * another reason than a 4xx may have been carried out, a batch's too: its key finds out.
 *
 * <p>A blocking call and its {@code Async} twin are the same; a future that is cancelled ends its
 * call. What depends on a future runs on the client's threads and may block them. Arguments that
 * the service could not take are an {@link IllegalArgumentException} at once, calls of a closed
 * client an {@link IllegalStateException}.
 */
public final class ResureClient implements AutoCloseable {

  private final Caller caller;

  private ResureClient(Builder builder) {
    caller = new Caller(builder.addresses, builder.token, builder.deadline, builder.http);
  }

  /** A builder of a client for {@code http://127.0.0.1:8080}. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Creates the run, or confirms that the one that is there agrees with all that is set.
   *
   * @throws ProblemException of type {@link ProblemType#RUN_CONFLICT} where it does not
   */
  public Run create(String run, Settings settings) {
    return await(createAsync(run, settings));
  }

  /** The same without waiting. */
  public CompletableFuture<Run> createAsync(String run, Settings settings) {
    return caller.make(Calls.create(run, settings));
  }

  /** The run as it is. */
  public Run describe(String run) {
    return await(describeAsync(run));
  }

  /** The same without waiting. */
  public CompletableFuture<Run> describeAsync(String run) {
    return caller.make(Calls.describe(run));
  }

  /** A page of the runs that there are. */
  public RunPage runs(RunQuery query) {
    return await(runsAsync(query));
  }

  /** The same without waiting. */
  public CompletableFuture<RunPage> runsAsync(RunQuery query) {
    return caller.make(Calls.runs(query));
  }

  /**
   * Deletes the run with everything recorded of it; the name is free. Where the answer to the first
   * attempt was lost, the next may find no such run.
   */
  public void delete(String run) {
    await(deleteAsync(run));
  }

  /** The same without waiting. */
  public CompletableFuture<@Nullable Void> deleteAsync(String run) {
    return caller.make(Calls.delete(run));
  }

  /**
   * Forgets every batch of a step and later: for a trainer that resumes from that step's
   * checkpoint.
   *
   * @param attempt the start of the trainer that resumes, which becomes the current one; null to
   *     leave that as it is
   */
  public Run rewind(String run, long nextStep, @Nullable String attempt) {
    return await(rewindAsync(run, nextStep, attempt));
  }

  /** The same without waiting. */
  public CompletableFuture<Run> rewindAsync(String run, long nextStep, @Nullable String attempt) {
    return caller.make(Calls.rewind(run, nextStep, attempt));
  }

  /** The training is over: metrics end, statistics stay readable. */
  public Run finish(String run) {
    return await(finishAsync(run));
  }

  /** The same without waiting. */
  public CompletableFuture<Run> finishAsync(String run) {
    return caller.make(Calls.finish(run));
  }

  /** Posts a batch under a key of its own, and answers its weights. */
  public Scores score(String run, Batch batch) {
    return await(scoreAsync(run, batch));
  }

  /** The same without waiting. */
  public CompletableFuture<Scores> scoreAsync(String run, Batch batch) {
    return scoreAsync(run, batch, UUID.randomUUID().toString());
  }

  /**
   * The same under the caller's key: posted again under it, also by another process, a batch is
   * recorded once and answered as before.
   *
   * @param key 1 to 255 visible ASCII characters, unique in the run
   */
  public Scores score(String run, Batch batch, String key) {
    return await(scoreAsync(run, batch, key));
  }

  /** The same without waiting. */
  public CompletableFuture<Scores> scoreAsync(String run, Batch batch, String key) {
    return caller.make(Calls.score(run, key, batch, false));
  }

  /** The same with the statistics of turns right after the batch: {@link Scores#statistics}. */
  public Scores scoreWithStatistics(String run, Batch batch, String key) {
    return await(scoreWithStatisticsAsync(run, batch, key));
  }

  /** The same without waiting. */
  public CompletableFuture<Scores> scoreWithStatisticsAsync(String run, Batch batch, String key) {
    return caller.make(Calls.score(run, key, batch, true));
  }

  /** Statistics per turn and per source. */
  public Statistics statistics(String run) {
    return await(statisticsAsync(run));
  }

  /** The same without waiting. */
  public CompletableFuture<Statistics> statisticsAsync(String run) {
    return caller.make(Calls.statistics(run));
  }

  /** A page of the run's dialogues, least reliable first. */
  public DialoguePage dialogues(String run, DialogueQuery query) {
    return await(dialoguesAsync(run, query));
  }

  /** The same without waiting. */
  public CompletableFuture<DialoguePage> dialoguesAsync(String run, DialogueQuery query) {
    return caller.make(Calls.dialogues(run, query));
  }

  /**
   * A training run that is to be opened: batches are weighed by a deadline whatever becomes of the
   * service. Close it before this client.
   */
  public TrainingRun.Builder training(String run) {
    return new TrainingRun.Builder(RunCalls.of(caller, run), run);
  }

  /**
   * Statistics that are not those known; empty where nothing has changed.
   *
   * @param etag of the statistics known
   */
  public Optional<Statistics> statisticsUnless(String run, String etag) {
    return await(statisticsUnlessAsync(run, etag));
  }

  /** The same without waiting. */
  public CompletableFuture<Optional<Statistics>> statisticsUnlessAsync(String run, String etag) {
    return caller.make(Calls.statisticsUnless(run, etag));
  }

  /**
   * What was recorded, in order of sequence. The deadline is that of the first byte, and then of
   * each wait for more: reading fails with a {@link ResureException} where the answer stops or is
   * cut. Close the stream: until its end a connection is in use. One that is open when the client
   * is closed breaks.
   *
   * @param fromStep first step; null for the first there is
   * @param toStep last step, inclusive; null for the newest
   */
  public Stream<ExportedObservation> export(
      String run, @Nullable Long fromStep, @Nullable Long toStep) {
    return await(exportAsync(run, fromStep, toStep));
  }

  /** The same without waiting. */
  public CompletableFuture<Stream<ExportedObservation>> exportAsync(
      String run, @Nullable Long fromStep, @Nullable Long toStep) {
    return caller.make(Calls.export(run, fromStep, toStep, caller.deadline(), caller.exports()));
  }

  /**
   * Records what the model scored on a benchmark after so many steps; more is better. The same once
   * more is safe.
   */
  public Evaluation evaluate(String run, long step, String benchmark, double score) {
    return await(evaluateAsync(run, step, benchmark, score));
  }

  /** The same without waiting. */
  public CompletableFuture<Evaluation> evaluateAsync(
      String run, long step, String benchmark, double score) {
    return caller.make(Calls.evaluate(run, step, benchmark, score));
  }

  /** Evaluations of the run that no rewind has removed, in order of sequence. */
  public List<Evaluation> evaluations(String run) {
    return await(evaluationsAsync(run));
  }

  /** The same without waiting. */
  public CompletableFuture<List<Evaluation>> evaluationsAsync(String run) {
    return caller.make(Calls.evaluations(run));
  }

  /** Asks for other configurations to be tried on what is recorded, in the background. */
  public Replay startReplay(String run, ReplayRequest request) {
    return await(startReplayAsync(run, request));
  }

  /** The same without waiting. */
  public CompletableFuture<Replay> startReplayAsync(String run, ReplayRequest request) {
    return caller.make(Calls.startReplay(run, request));
  }

  /** A run's replays, newest first, without their results. */
  public List<Replay> replays(String run) {
    return await(replaysAsync(run));
  }

  /** The same without waiting. */
  public CompletableFuture<List<Replay>> replaysAsync(String run) {
    return caller.make(Calls.replays(run));
  }

  /**
   * A replay, with results when it is done.
   *
   * @param limit of results, the best ones: 1 to 10000
   */
  public Replay replay(String run, String replay, int limit) {
    return await(replayAsync(run, replay, limit));
  }

  /** The same without waiting. */
  public CompletableFuture<Replay> replayAsync(String run, String replay, int limit) {
    return caller.make(Calls.replay(run, replay, limit));
  }

  /** Cancels a replay that is running; removes one that has ended. */
  public void removeReplay(String run, String replay) {
    await(removeReplayAsync(run, replay));
  }

  /** The same without waiting. */
  public CompletableFuture<@Nullable Void> removeReplayAsync(String run, String replay) {
    return caller.make(Calls.removeReplay(run, replay));
  }

  /** What weighs and folds in the service that answers. */
  public ComputeStatus compute() {
    return await(computeAsync());
  }

  /** The same without waiting. */
  public CompletableFuture<ComputeStatus> computeAsync() {
    return caller.make(Calls.compute());
  }

  /** The contract of the service that answers: OpenAPI, as YAML. */
  public String contract() {
    return await(contractAsync());
  }

  /** The same without waiting. */
  public CompletableFuture<String> contractAsync() {
    return caller.make(Calls.contract());
  }

  /**
   * Posts a batch once, without repetition. The future ends by the deadline with the answer or a
   * {@link ResureException}; cancelling it ends the exchange.
   */
  CompletableFuture<Scores> post(
      String run, String key, Batch batch, boolean withStatistics, Duration deadline) {
    return caller.once(Calls.score(run, key, batch, withStatistics), deadline);
  }

  /**
   * Waits for calls in flight, which end by their deadlines, then ends all threads and connections;
   * before Java 21, {@code HttpClient}'s own thread and idle connections end when it is garbage.
   * Again, it does nothing.
   */
  @Override
  public void close() {
    caller.close();
  }

  /** The addresses. */
  @Override
  public String toString() {
    return "ResureClient" + caller;
  }

  private static <T extends @Nullable Object> T await(CompletableFuture<T> result) {
    try {
      return result.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException failure) {
        // Nobody else has it, and where it was called from says more than whose thread failed.
        failure.fillInStackTrace();
        throw failure;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      result.cancel(true);
      Thread.currentThread().interrupt();
      throw new UnavailableException("interrupted while waiting for the answer", e);
    }
  }

  /** Gathers what a client needs; for one thread. */
  public static final class Builder {

    private List<URI> addresses = List.of(URI.create("http://127.0.0.1:8080"));
    private @Nullable Supplier<String> token;
    private Duration deadline = Duration.ofSeconds(5);
    private HttpClient.Builder http = HttpClient.newBuilder();

    private Builder() {}

    /**
     * Where the service is: http or https, a path before {@code /v1} included. With several, one is
     * used until it cannot be reached or answers 502, 503 or 504; then the next.
     */
    public Builder address(URI... values) {
      if (values.length == 0) {
        throw new IllegalArgumentException("at least one address");
      }
      List<URI> checked = new ArrayList<>();
      for (URI value : values) {
        String scheme = value.getScheme();
        if (value.getHost() == null
            || !("http".equalsIgnoreCase(scheme) || "https".equalsIgnoreCase(scheme))
            || value.getRawUserInfo() != null
            || value.getRawQuery() != null
            || value.getRawFragment() != null) {
          // Not quoted: it may hold a password.
          throw new IllegalArgumentException(
              "an address is like http://host:8080 or https://host/path");
        }
        checked.add(URI.create(value.toString().replaceFirst("/+$", "")));
      }
      addresses = List.copyOf(checked);
      return this;
    }

    /** The bearer token of every request. */
    public Builder token(String value) {
      Caller.checked(value);
      return token(() -> value);
    }

    /** Asked for the bearer token before every request, on whatever thread makes that. */
    public Builder token(Supplier<String> value) {
      token = value;
      return this;
    }

    /**
     * How long a call takes at most, all repetitions included: above 0; 5 seconds when left out.
     */
    public Builder deadline(Duration value) {
      if (value.isNegative() || value.isZero() || value.compareTo(Duration.ofDays(1)) > 0) {
        throw new IllegalArgumentException("a deadline is above 0 and at most a day");
      }
      deadline = value;
      return this;
    }

    /**
     * For TLS, proxies and the like. The client sets the version, the executor and the connect
     * timeout itself, and follows no redirect.
     */
    public Builder httpClient(HttpClient.Builder value) {
      http = value;
      return this;
    }

    /** The client. */
    public ResureClient build() {
      return new ResureClient(this);
    }
  }
}
