package resure.contract;

import static org.awaitility.Awaitility.await;

import java.net.http.HttpRequest;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import resure.contract.RecordedRelease.Exchange;
import tools.jackson.databind.JsonNode;

/** Sends what a client of some release sent, in its order. */
final class ReleaseClient {

  private static final Duration DEADLINE = Duration.ofSeconds(30);
  private static final String REPLAY = "{replay}";

  /** What the placeholder in a path stands for, by the run that it is of. */
  private final Map<String, String> replays = new TreeMap<>();

  /** The replays that were started, by the path of their run. */
  Map<String, String> replays() {
    return replays;
  }

  /** Whether an answer is a tree, and not text. */
  static boolean isTree(Exchange exchange) {
    return exchange.type().equals("application/json")
        || exchange.type().equals(LiveService.CBOR)
        || exchange.type().equals("application/problem+json");
  }

  /** Sends a recorded request; a replay that runs, and what is not yet built, is waited for. */
  Exchange send(LiveService live, ContractValidator contract, Exchange request) {
    String run = request.path().replaceFirst("^(/v1/runs/[^/?]*).*", "$1");
    String path = request.path().replace(REPLAY, replays.getOrDefault(run, REPLAY));
    CompletableFuture<Exchange> answered = new CompletableFuture<>();
    await()
        .atMost(DEADLINE)
        .pollDelay(Duration.ZERO)
        .until(
            () -> {
              HttpRequest.Builder builder = live.request(request.method(), path);
              request.headers().forEach(builder::header);
              Answer answer = live.sendAsync(builder, request.body(), request.method()).join();
              contract.check(builder.build(), request.body(), answer);
              Exchange now =
                  new Exchange(
                      request.method(),
                      request.path(),
                      request.headers(),
                      request.body(),
                      answer.status(),
                      answer.header("Content-Type"),
                      path.equals("/openapi.yaml") ? new byte[0] : answer.body());
              if (answer.status() == 202) {
                replays.put(run, now.tree().get("replay").asString());
              } else if (request.method().equals("GET") && isTree(now) && isUnderWay(now.tree())) {
                return false;
              }
              return answered.complete(now);
            });
    return answered.join();
  }

  private static boolean isUnderWay(JsonNode answer) {
    return answer.path("state").asString("").equals("running")
        || answer.path("progress").asDouble(1) < 1;
  }
}
