package resure.client;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Makes calls: owns the threads and connections that they need, and knows those in flight. */
@SuppressWarnings("FutureReturnValueIgnored") // of whenComplete: what it watches is the result
final class Caller implements AutoCloseable {

  private static final Pattern TOKEN = Pattern.compile("[\\x21-\\x7E]+");

  private final Addresses addresses;
  private final @Nullable Supplier<String> token;
  private final Duration deadline;
  private final ExecutorService executor = Executors.newCachedThreadPool(threads("resure-client-"));
  private final ScheduledThreadPoolExecutor scheduler =
      new ScheduledThreadPoolExecutor(1, threads("resure-client-timer-"));
  private final Timer timer = Timer.of(scheduler, executor);
  private final HttpClient http;
  private final Transport transport;
  private final Retries retries = new Retries(() -> ThreadLocalRandom.current().nextDouble());
  private final Set<CompletableFuture<Void>> inFlight = ConcurrentHashMap.newKeySet();
  private final Set<Export> exports = ConcurrentHashMap.newKeySet();
  private boolean closed;

  Caller(
      List<URI> addresses,
      @Nullable Supplier<String> token,
      Duration deadline,
      HttpClient.Builder builder) {
    this.addresses = new Addresses(addresses);
    this.token = token;
    this.deadline = deadline;
    scheduler.setRemoveOnCancelPolicy(true);
    http =
        builder
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

  /** Makes a call once, by a deadline of its own. */
  <T extends @Nullable Object> CompletableFuture<T> once(Call<T> call, Duration within) {
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

  /** Makes a call, again where that is safe and may help, by the client's deadline. */
  <T extends @Nullable Object> CompletableFuture<T> make(Call<T> call) {
    return tracked(
        () ->
            new RetryingCall<T>(
                    retries,
                    timer,
                    addresses,
                    timer.nanoTime() + deadline.toNanos(),
                    call.safe(),
                    (address, until) -> attempt(call, address, until))
                .start());
  }

  private <T extends @Nullable Object> CompletableFuture<T> tracked(
      Supplier<CompletableFuture<T>> begin) {
    CompletableFuture<Void> end = new CompletableFuture<>();
    synchronized (inFlight) { // with close(), so that it waits for this call or this is refused
      if (closed) {
        throw new IllegalStateException("the client is closed");
      }
      inFlight.add(end);
    }
    try {
      CompletableFuture<T> result = begin.get();
      result.whenComplete((value, failure) -> ended(end));
      return result;
    } catch (RuntimeException e) {
      ended(end);
      throw e;
    }
  }

  @SuppressWarnings("UndefinedEquals") // a future is in the set as itself
  private void ended(CompletableFuture<Void> end) {
    inFlight.remove(end);
    end.complete(null);
  }

  private <T extends @Nullable Object> CompletableFuture<T> attempt(
      Call<T> call, URI address, long until) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(address + call.path()))
            .header("Accept", call.accept() + ", " + Reply.PROBLEM);
    byte[] body = call.sent();
    if (body != null) {
      request.header("Content-Type", Reply.CBOR);
    }
    request.method(
        call.method(), body == null ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(body));
    for (int i = 0; i < call.headers().size(); i += 2) {
      request.header(call.headers().get(i), call.headers().get(i + 1));
    }
    if (token != null) {
      request.header("Authorization", "Bearer " + checked(token.get()));
    }
    return transport.send(call, address, request.build(), until);
  }

  /** A token that a header can carry; what refuses another must not quote it. */
  static String checked(String token) {
    if (!TOKEN.matcher(token).matches()) {
      throw new IllegalStateException(
          "the token is empty or has characters that a header cannot carry, a line's end perhaps");
    }
    return token;
  }

  /**
   * Waits for calls in flight, which end by their deadlines; breaks exports off; then ends threads
   * and connections.
   */
  @Override
  public void close() {
    CompletableFuture<?>[] ends;
    synchronized (inFlight) {
      closed = true;
      ends = inFlight.toArray(CompletableFuture<?>[]::new);
    }
    CompletableFuture.allOf(ends).join();
    List.copyOf(exports).forEach(Export::close);
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

  /** Exports that are not closed. */
  Set<Export> exports() {
    return exports;
  }

  Duration deadline() {
    return deadline;
  }

  @Override
  public String toString() {
    return addresses.toString();
  }
}
