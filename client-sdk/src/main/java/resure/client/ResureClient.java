package resure.client;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The service's contract, call by call. Built once, shared by all threads, closed at the end.
 *
 * <p>Every call ends by the client's deadline, with its result or a {@link ResureException}, all
 * repetitions included. Repeated are calls that are safe to repeat, which is every one but {@code
 * startReplay}: after a connection that failed or broke, 429, 500, 502, 503 and 504, with growing
 * random waits, and never before {@code Retry-After}. A failed call may still have been carried
 * out, a batch's too: the same key finds out.
 *
 * <p>A blocking call and its {@code Async} twin are the same; a future that is cancelled ends its
 * call. What depends on a future runs on the client's threads and may block them.
 */
@SuppressWarnings("FutureReturnValueIgnored") // of whenComplete: what it watches is the result
public final class ResureClient implements AutoCloseable {

  private static final Pattern RUN = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._~-]{0,127}");
  private static final Pattern TOKEN = Pattern.compile("[\\x21-\\x7E]+");
  private static final Pattern KEY = Pattern.compile("[\\x21-\\x7E]{1,255}");

  /** Of an answer about one run: its labels are the largest part. */
  private static final int MOST_OF_A_RUN = 1 << 20;

  /** Of statistics: 1,024 turns twice, and as many sources with names of 1 kB. */
  private static final int MOST_OF_STATISTICS = 4 << 20;

  private final Addresses addresses;
  private final @Nullable Supplier<String> token;
  private final Duration deadline;
  private final ExecutorService executor;
  private final ScheduledThreadPoolExecutor scheduler;
  private final Timer timer;
  private final HttpClient http;
  private final Transport transport;
  private final Retries retries = new Retries(() -> ThreadLocalRandom.current().nextDouble());
  private final Set<CompletableFuture<?>> inFlight = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  private ResureClient(Builder builder) {
    addresses = new Addresses(builder.addresses);
    token = builder.token;
    deadline = builder.deadline;
    executor = Executors.newCachedThreadPool(threads("resure-client-"));
    scheduler = new ScheduledThreadPoolExecutor(1, threads("resure-client-timer-"));
    scheduler.setRemoveOnCancelPolicy(true);
    timer = Timer.of(scheduler, executor);
    http =
        builder
            .http
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            // One that swallows connections leaves time for the others.
            .connectTimeout(deadline.dividedBy(addresses.size()))
            .executor(executor)
            .build();
    transport = new Transport(http, timer);
  }

  private static ThreadFactory threads(String prefix) {
    AtomicInteger count = new AtomicInteger();
    return task -> {
      Thread thread = new Thread(task, prefix + count.incrementAndGet());
      thread.setDaemon(true);
      return thread;
    };
  }

  /** A builder of a client for {@code http://127.0.0.1:8080}. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Creates the run, or confirms that the one that is there agrees with what is set.
   *
   * @throws ProblemException of type {@link ProblemType#RUN_CONFLICT} where it does not
   */
  public Run create(String run, Settings settings) {
    return await(createAsync(run, settings));
  }

  /** The same without waiting. */
  public CompletableFuture<Run> createAsync(String run, Settings settings) {
    return repeated(runCall("PUT", path(run), RequestWriter.settings(settings)));
  }

  /** The run as it is. */
  public Run describe(String run) {
    return await(describeAsync(run));
  }

  /** The same without waiting. */
  public CompletableFuture<Run> describeAsync(String run) {
    return repeated(runCall("GET", path(run), null));
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
    return repeated(
        runCall("POST", path(run) + "/rewind", RequestWriter.rewind(nextStep, attempt)));
  }

  /** Statistics per turn and per source. */
  public Statistics statistics(String run) {
    return await(statisticsAsync(run));
  }

  /** The same without waiting. */
  public CompletableFuture<Statistics> statisticsAsync(String run) {
    return repeated(statisticsCall(run));
  }

  /**
   * A training run that is to be opened: batches are weighed by a deadline whatever becomes of the
   * service. Close it before this client.
   */
  public TrainingRun.Builder training(String run) {
    return new TrainingRun.Builder(RunCalls.of(this, run), run);
  }

  private static Call<Statistics> statisticsCall(String run) {
    return new Call<>(
        "GET",
        path(run) + "/statistics",
        null,
        null,
        Reply.CBOR,
        MOST_OF_STATISTICS,
        reply -> Call.cbor(reply, StatisticsReader::read));
  }

  private Call<Run> runCall(String method, String path, byte @Nullable [] body) {
    return new Call<>(
        method,
        path,
        body,
        null,
        Reply.CBOR,
        MOST_OF_A_RUN,
        reply -> Call.cbor(reply, RunReader::read));
  }

  private static Call<Scores> scoreCall(
      String run, String key, Batch batch, boolean withStatistics) {
    if (!KEY.matcher(key).matches()) {
      throw new IllegalArgumentException("a key has 1 to 255 visible ASCII characters");
    }
    return new Call<>(
        "POST",
        path(run) + "/observations" + (withStatistics ? "?include=statistics" : ""),
        BatchWriter.write(batch),
        key,
        Reply.CBOR,
        MOST_OF_STATISTICS + 16 * batch.size() + 16 * batch.dialogues(),
        reply -> {
          boolean replayed = reply.headers().firstValue("Idempotency-Replayed").isPresent();
          return Call.cbor(reply, in -> ScoresReader.read(in, batch, replayed));
        });
  }

  private static String path(String run) {
    if (!RUN.matcher(run).matches()) {
      throw new IllegalArgumentException(
          "a run is named by 1 to 128 of A-Z a-z 0-9 . _ ~ -, the first a letter or a digit");
    }
    return "/v1/runs/" + run;
  }

  /**
   * Posts a batch once, without repetition. The future ends by the deadline with the answer or a
   * {@link ResureException}; cancelling it ends the exchange.
   */
  CompletableFuture<Scores> post(
      String run, String key, Batch batch, boolean withStatistics, Duration deadline) {
    return once(scoreCall(run, key, batch, withStatistics), deadline);
  }

  /** One attempt at {@link #create}. */
  CompletableFuture<Run> createOnce(String run, Settings settings, Duration deadline) {
    return once(runCall("PUT", path(run), RequestWriter.settings(settings)), deadline);
  }

  /** One attempt at {@link #rewind}. */
  CompletableFuture<Run> rewindOnce(
      String run, long nextStep, @Nullable String attempt, Duration deadline) {
    return once(
        runCall("POST", path(run) + "/rewind", RequestWriter.rewind(nextStep, attempt)), deadline);
  }

  /** One attempt at {@link #statistics}. */
  CompletableFuture<Statistics> statisticsOnce(String run, Duration deadline) {
    return once(statisticsCall(run), deadline);
  }

  private <T> CompletableFuture<T> once(Call<T> call, Duration within) {
    URI address = addresses.current();
    CompletableFuture<T> result =
        tracked(() -> attempt(call, address, timer.nanoTime() + within.toNanos()));
    result.whenComplete(
        (value, failure) -> {
          if (failure instanceof ResureException known && RetryingCall.elsewhere(known)) {
            addresses.failed(address);
          }
        });
    return result;
  }

  private <T> CompletableFuture<T> repeated(Call<T> call) {
    return tracked(
        () ->
            new RetryingCall<T>(
                    retries,
                    timer,
                    addresses,
                    timer.nanoTime() + deadline.toNanos(),
                    (address, until) -> attempt(call, address, until))
                .start());
  }

  @SuppressWarnings("UndefinedEquals") // a future is in the set as itself
  private <T> CompletableFuture<T> tracked(Supplier<CompletableFuture<T>> begin) {
    if (closed) {
      throw new IllegalStateException("the client is closed");
    }
    CompletableFuture<T> result = begin.get();
    inFlight.add(result);
    result.whenComplete((value, failure) -> inFlight.remove(result));
    return result;
  }

  private <T> CompletableFuture<T> attempt(Call<T> call, URI address, long until) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(address + call.path()))
            .header("Accept", call.accept() + ", " + Reply.PROBLEM);
    byte[] body = call.body();
    if (body != null) {
      request.header("Content-Type", Reply.CBOR);
    }
    request.method(
        call.method(), body == null ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(body));
    if (call.key() != null) {
      request.header("Idempotency-Key", call.key());
    }
    if (token != null) {
      request.header("Authorization", "Bearer " + checked(token.get()));
    }
    return transport.send(call, address, request.build(), until);
  }

  /** A token that a header can carry; what refuses another must not quote it. */
  private static String checked(String token) {
    if (!TOKEN.matcher(token).matches()) {
      throw new IllegalStateException(
          "the token is empty or has characters that a header cannot carry, a line's end perhaps");
    }
    return token;
  }

  private static <T> T await(CompletableFuture<T> result) {
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

  /**
   * Waits for calls in flight, which end by their deadlines, then ends all threads and connections.
   * Calls made after it are refused; again, it does nothing.
   */
  @Override
  public void close() {
    closed = true;
    CompletableFuture.allOf(inFlight.toArray(CompletableFuture<?>[]::new))
        .exceptionally(failure -> null)
        .join();
    if (http instanceof AutoCloseable closeable) { // since Java 21; before, it ends unreferenced
      try {
        closeable.close();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
    scheduler.shutdownNow();
    executor.shutdown();
  }

  /** The addresses. */
  @Override
  public String toString() {
    return "ResureClient" + addresses;
  }

  /** Gathers what a client needs; for one thread. */
  public static final class Builder {

    private List<URI> addresses = List.of(URI.create("http://127.0.0.1:8080"));
    private @Nullable Supplier<String> token;
    private Duration deadline = Duration.ofSeconds(5);
    private HttpClient.Builder http = HttpClient.newBuilder();

    private Builder() {}

    /**
     * Where the service is: http or https, a path before {@code /v1} included. With several, one
     * is used until it cannot be reached or answers 502, 503 or 504; then the next.
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
          throw new IllegalArgumentException("an address is like http://host:8080 or https://host/path");
        }
        checked.add(URI.create(value.toString().replaceFirst("/+$", "")));
      }
      addresses = List.copyOf(checked);
      return this;
    }

    /** The bearer token of every request. */
    public Builder token(String value) {
      checked(value);
      return token(() -> value);
    }

    /** Asked for the bearer token before every request, on whatever thread makes that. */
    public Builder token(Supplier<String> value) {
      token = value;
      return this;
    }

    /** How long a call takes at most, all repetitions included: above 0; 5 seconds when left out. */
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
