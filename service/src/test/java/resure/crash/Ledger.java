package resure.crash;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;
import resure.contract.Answer;

/**
 * Calls replicas, and notes each call, outside of whatever is killed. Answers are held to the
 * contract as they come. Safe for concurrent use.
 */
final class Ledger implements AutoCloseable {

  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final Queue<Call> calls = new ConcurrentLinkedQueue<>();
  private final Queue<String> breaches = new ConcurrentLinkedQueue<>();

  /** Calls a replica that listens on {@code port}, and waits no longer than {@code patience}. */
  CompletableFuture<Call> call(Intent intent, int replica, int port, Duration patience) {
    byte[] body = intent.body().getBytes(UTF_8);
    HttpRequest.Builder builder =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + intent.path()))
            .timeout(patience)
            .method(
                intent.method(),
                body.length == 0 ? BodyPublishers.noBody() : BodyPublishers.ofByteArray(body));
    if (body.length > 0) {
      builder.header("Content-Type", "application/json");
    }
    if (intent.key() != null) {
      builder.header("Idempotency-Key", intent.key());
    }
    HttpRequest request = builder.build();
    long begun = System.nanoTime();
    return client
        .sendAsync(request, BodyHandlers.ofByteArray())
        .handle(
            (HttpResponse<byte[]> response, Throwable failure) -> {
              long ended = System.nanoTime();
              Answer answer =
                  response == null
                      ? null
                      : new Answer(response.statusCode(), response.headers(), response.body());
              boolean lingering = failure != null && gaveUp(failure);
              Call call = new Call(intent, replica, begun, ended, answer, lingering);
              calls.add(call);
              if (answer != null) {
                check(request, body, answer);
              }
              return call;
            });
  }

  /** Whether the request was sent and its answer not waited for. */
  private static boolean gaveUp(Throwable failure) {
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    return cause instanceof HttpTimeoutException;
  }

  private void check(HttpRequest request, byte[] body, Answer answer) {
    try {
      ServiceProcess.CONTRACT.check(request, body, answer);
    } catch (AssertionError e) {
      breaches.add(e.getMessage());
    }
  }

  /** Answers that the contract does not know. */
  List<String> breaches() {
    return List.copyOf(breaches);
  }

  /** The calls so far, of each run in the order of their ends. */
  Map<String, List<Call>> byRun() {
    return calls.stream()
        .collect(
            Collectors.groupingBy(call -> call.intent().run(), TreeMap::new, Collectors.toList()));
  }

  /** How often each kind of intent came to which outcome. */
  Map<String, Map<String, Long>> outcomes() {
    return calls.stream()
        .collect(
            Collectors.groupingBy(
                call -> call.intent().getClass().getSimpleName(),
                TreeMap::new,
                Collectors.groupingBy(Call::outcome, TreeMap::new, Collectors.counting())));
  }

  /** How many calls came to an outcome. */
  long count(String outcome) {
    return calls.stream().filter(call -> call.outcome().equals(outcome)).count();
  }

  @Override
  public void close() {
    client.shutdownNow();
    client.close();
  }
}
