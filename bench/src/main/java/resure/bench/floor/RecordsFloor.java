package resure.bench.floor;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.http.server.reactive.ReactorHttpHandlerAdapter;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.reactive.config.EnableWebFlux;
import org.springframework.web.server.adapter.WebHttpHandlerBuilder;
import reactor.netty.http.server.HttpServer;
import resure.bench.Shape;

/**
 * Floor (b): a WebFlux controller that takes the batch as Jackson databind records and answers a
 * constant record of a real answer's shape: what most services are, before they do anything. No
 * Boot around it, hence no metrics, observation or filters: only what WebFlux itself does.
 */
public final class RecordsFloor {

  private RecordsFloor() {}

  /** Serves until killed: port, shape. */
  public static void main(String[] arguments) {
    try (AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext()) {
      Answer answer = Answer.typical(Shape.valueOf(arguments[1]));
      context.registerBean(Observations.class, () -> new Observations(answer));
      context.register(WebFlux.class);
      context.refresh();
      HttpServer.create()
          .host("127.0.0.1")
          .port(Integer.parseInt(arguments[0]))
          .handle(
              new ReactorHttpHandlerAdapter(
                  WebHttpHandlerBuilder.applicationContext(context).build()))
          .bindUntilJavaShutdown(Duration.ofSeconds(5), null);
    }
  }

  @EnableWebFlux
  static class WebFlux {}

  record Batch(
      @Nullable Long step,
      @Nullable Integer rank,
      @Nullable Integer microBatch,
      @Nullable String attempt,
      List<Dialogue> dialogues) {}

  record Dialogue(String id, @Nullable String source, List<@Nullable Double> losses) {}

  @RestController
  static final class Observations {

    private final Answer answer;

    Observations(Answer answer) {
      this.answer = answer;
    }

    @GetMapping("/")
    String ready() {
      return "ready";
    }

    @PostMapping("/v1/runs/{run}/observations")
    Answer score(@PathVariable String run, @RequestBody Batch batch) {
      if (batch.dialogues().isEmpty() || run.isEmpty()) {
        throw new IllegalArgumentException("not what the bench sends");
      }
      return answer;
    }
  }
}
