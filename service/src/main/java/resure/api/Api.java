package resure.api;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.web.reactive.HandlerMapping;
import org.springframework.web.server.WebExceptionHandler;
import org.springframework.web.server.WebFilter;
import reactor.netty.http.server.HttpServer;
import resure.access.Quotas;
import resure.compute.ComputeStatus;
import resure.observation.Retention;
import resure.projection.ReadModels;
import resure.replay.Replays;
import resure.run.Runs;

/**
 * The HTTP interface of {@link Runs} and {@link Replays}, as {@code openapi/resure.yaml} describes
 * it.
 */
public final class Api {

  private static final String OBSERVATIONS = "/v1/runs/{run}/observations";

  private Api() {}

  /**
   * Every address with its operations.
   *
   * @param quotas what each tenant may use
   * @param compute what computes now
   * @param retention of runs that are created without saying theirs
   * @param maxLosses most losses of a batch
   * @param maxBody most bytes of a body
   * @param answered is told the nanoseconds from the arrival of a batch's head to its answer
   */
  public static HandlerMapping addresses(
      Runs runs,
      Replays replays,
      ReadModels models,
      EventStreams streams,
      Quotas quotas,
      Supplier<ComputeStatus> compute,
      Retention retention,
      int maxLosses,
      int maxBody,
      LongConsumer answered) {
    ReplayHandler replay = new ReplayHandler(replays);
    DialogueHandler dialogues = new DialogueHandler(runs, models);
    HistoryHandler history = new HistoryHandler(runs, models);
    RunHandler run = new RunHandler(runs, quotas, retention);
    ObservationsHandler observations = new ObservationsHandler(runs, quotas, maxLosses, answered);
    EvaluationHandler evaluations = new EvaluationHandler(runs);
    Map<String, Map<HttpMethod, Operation>> addresses =
        Map.ofEntries(
            Map.entry("/v1/runs", Map.of(HttpMethod.GET, run::list)),
            Map.entry(
                "/v1/runs/{run}",
                Map.of(
                    HttpMethod.PUT,
                    run::create,
                    HttpMethod.GET,
                    run::describe,
                    HttpMethod.DELETE,
                    run::delete)),
            Map.entry("/v1/runs/{run}/statistics", Map.of(HttpMethod.GET, run::statistics)),
            Map.entry("/v1/runs/{run}/sources", Map.of(HttpMethod.GET, run::sources)),
            Map.entry("/v1/runs/{run}/history", Map.of(HttpMethod.GET, history::find)),
            Map.entry("/v1/runs/{run}/events", Map.of(HttpMethod.GET, streams::open)),
            Map.entry("/v1/runs/{run}/dialogues", Map.of(HttpMethod.GET, dialogues::list)),
            Map.entry("/v1/runs/{run}/rewind", Map.of(HttpMethod.POST, run::rewind)),
            Map.entry("/v1/runs/{run}/finish", Map.of(HttpMethod.POST, run::finish)),
            Map.entry(
                "/v1/runs/{run}/evaluations",
                Map.of(HttpMethod.POST, evaluations::add, HttpMethod.GET, evaluations::list)),
            Map.entry("/v1/evaluations", Map.of(HttpMethod.GET, evaluations::compare)),
            Map.entry(
                "/v1/runs/{run}/replays",
                Map.of(HttpMethod.POST, replay::start, HttpMethod.GET, replay::list)),
            Map.entry(
                "/v1/runs/{run}/replays/{replay}",
                Map.of(HttpMethod.GET, replay::find, HttpMethod.DELETE, replay::remove)),
            Map.entry(
                "/v1/compute",
                Map.of(
                    HttpMethod.GET,
                    exchange -> {
                      exchange.allowQuery();
                      exchange.offer();
                      return exchange.answer(200, RunJson.compute(compute.get()));
                    })));
    Map<String, Resource> resources = new LinkedHashMap<>();
    // Trainers wait for this one.
    resources.put(
        OBSERVATIONS,
        new Resource(
            Map.of(HttpMethod.POST, observations::score, HttpMethod.GET, observations::export),
            maxBody));
    addresses.forEach(
        (address, operations) -> resources.put(address, new Resource(operations, maxBody)));
    byte[] contract = contract();
    resources.put(
        "/openapi.yaml",
        Resource.forEverybody(
            exchange -> {
              exchange.allowQuery();
              exchange.offer(MediaType.APPLICATION_YAML);
              return exchange.answer(200, MediaType.APPLICATION_YAML, contract, contract.length);
            }));
    return new Addresses(resources);
  }

  /** The console: static pages at {@code /} that use the operations above. */
  public static HandlerMapping console() {
    return ConsoleFile.addresses();
  }

  /**
   * Lets nobody in but whom the credentials say; without any, nobody but this machine, or whoever
   * can reach the service where it listens to others.
   *
   * @param credentials null for none
   * @param loopback whether only this machine can call
   */
  public static WebFilter access(@Nullable Credentials credentials, boolean loopback) {
    return new AccessFilter(credentials, loopback);
  }

  /** Names every request, and writes a line for each where that is wanted. */
  public static WebFilter requestLog() {
    return new RequestLog();
  }

  /**
   * Answers every failure with a problem.
   *
   * @param answered is told the type of each, without its prefix
   */
  public static WebExceptionHandler problems(Consumer<String> answered) {
    return new ProblemHandler(answered);
  }

  /** All types of problems, without their prefix. */
  public static List<String> problemTypes() {
    return Arrays.stream(ProblemType.values()).map(ProblemType::shortName).toList();
  }

  /**
   * Bounds what clients can hold of a server that speaks HTTP/1.1.
   *
   * @param maxBody most bytes of a body
   * @param connections most of them at a time
   */
  public static UnaryOperator<HttpServer> bounds(int maxBody, int connections) {
    ConnectionBounds.Held held =
        new ConnectionBounds.Held(
            new ConnectionBounds.Bounds(
                connections,
                // A refused body is read to its end as far as a client that means well goes.
                2L * maxBody,
                Math.max(4L * maxBody, Runtime.getRuntime().maxMemory() / 8),
                Duration.ofSeconds(60)));
    return server ->
        server.doOnChannelInit(
            (observer, channel, remote) -> ConnectionBounds.install(channel.pipeline(), held));
  }

  private static byte[] contract() {
    try (InputStream yaml = Api.class.getResourceAsStream("/resure/openapi/resure.yaml")) {
      if (yaml == null) {
        throw new IllegalStateException("the contract is missing from the class path");
      }
      return yaml.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
