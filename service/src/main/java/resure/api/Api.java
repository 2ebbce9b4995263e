package resure.api;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.core.Ordered;
import org.springframework.http.HttpMethod;
import org.springframework.http.MediaType;
import org.springframework.web.reactive.HandlerMapping;
import org.springframework.web.reactive.handler.SimpleUrlHandlerMapping;
import org.springframework.web.server.WebExceptionHandler;
import org.springframework.web.server.WebFilter;
import resure.compute.ComputeStatus;
import resure.observation.Retention;
import resure.replay.Replays;
import resure.run.Runs;

/**
 * The HTTP interface of {@link Runs} and {@link Replays}, as {@code openapi/resure.yaml} describes
 * it.
 */
public final class Api {

  private Api() {}

  /**
   * Every address with its operations.
   *
   * @param compute what computes now
   * @param retention of runs that are created without saying theirs
   * @param maxLosses most losses of a batch
   * @param maxBody most bytes of a body
   * @param answered is told the nanoseconds from the arrival of a batch's head to its answer
   */
  public static HandlerMapping addresses(
      Runs runs,
      Replays replays,
      Supplier<ComputeStatus> compute,
      Retention retention,
      int maxLosses,
      int maxBody,
      LongConsumer answered) {
    ReplayHandler replay = new ReplayHandler(replays);
    RunHandler run = new RunHandler(runs, retention);
    ObservationsHandler observations = new ObservationsHandler(runs, maxLosses, answered);
    byte[] contract = contract();
    Map<String, Resource> resources =
        Map.of(
            "/v1/runs",
            new Resource(Map.of(HttpMethod.GET, run::list), maxBody),
            "/v1/runs/{run}",
            new Resource(
                Map.of(
                    HttpMethod.PUT,
                    run::create,
                    HttpMethod.GET,
                    run::describe,
                    HttpMethod.DELETE,
                    run::delete),
                maxBody),
            "/v1/runs/{run}/observations",
            new Resource(
                Map.of(HttpMethod.POST, observations::score, HttpMethod.GET, observations::export),
                maxBody),
            "/v1/runs/{run}/statistics",
            new Resource(Map.of(HttpMethod.GET, run::statistics), maxBody),
            "/v1/runs/{run}/rewind",
            new Resource(Map.of(HttpMethod.POST, run::rewind), maxBody),
            "/v1/runs/{run}/finish",
            new Resource(Map.of(HttpMethod.POST, run::finish), maxBody),
            "/v1/runs/{run}/replays",
            new Resource(
                Map.of(HttpMethod.POST, replay::start, HttpMethod.GET, replay::list), maxBody),
            "/v1/runs/{run}/replays/{replay}",
            new Resource(
                Map.of(HttpMethod.GET, replay::find, HttpMethod.DELETE, replay::remove), maxBody),
            "/v1/compute",
            new Resource(
                Map.of(
                    HttpMethod.GET,
                    exchange -> {
                      exchange.allowQuery();
                      exchange.offer();
                      return exchange.answer(200, RunJson.compute(compute.get()));
                    }),
                maxBody),
            "/openapi.yaml",
            Resource.forEverybody(
                exchange -> {
                  exchange.allowQuery();
                  exchange.offer(MediaType.APPLICATION_YAML);
                  return exchange.answer(
                      200, MediaType.APPLICATION_YAML, contract, contract.length);
                }));
    // Asked before Spring's own mappings, which know none of these addresses.
    return new SimpleUrlHandlerMapping(resources, Ordered.HIGHEST_PRECEDENCE);
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

  /**
   * Answers every failure with a problem.
   *
   * @param answered is told the type of each, without its prefix
   */
  public static WebExceptionHandler problems(Consumer<String> answered) {
    return new ProblemHandler(answered);
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
