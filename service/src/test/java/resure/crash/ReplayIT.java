package resure.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import resure.contract.Answer;
import tools.jackson.databind.JsonNode;

/** Kill -9 of the packaged service in the middle of a replay. */
@Timeout(value = 10 * 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ReplayIT {

  private static final long SEED = Long.getLong("resure.crash.seed", System.nanoTime());
  private static final Duration WITHIN = Duration.ofMinutes(5);
  private static final String RUN = "/v1/runs/sft-42";

  /** As many folds as points: seconds of work. */
  private static final String REQUEST =
      "{\"grid\":{\"halfLife\":{\"from\":100,\"to\":9000,\"points\":1500}},"
          + "\"labels\":{\"bad\":[{\"dialogue\":\"d-1\"},{\"dialogue\":\"d-2\",\"turn\":1}]}}";

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  private Path temporary;

  private final Random random = new Random(SEED);

  @Test
  void aReplayThatWasCutIsTakenUpAndEndsAsIfNothingHadBeen() throws Exception {
    System.out.println("resure.crash.seed " + SEED);
    Path state = temporary.resolve("state");
    String at;
    String cancelled;
    try (ServiceProcess service = ServiceProcess.start(state, Map.of())) {
      service.send("PUT", RUN, "{\"warmUp\":4}");
      for (int step = 0; step < 100; step++) {
        assertThat(service.send("POST", RUN + "/observations", batch(step)).status())
            .isEqualTo(200);
      }
      at = begin(service);
      String waiting = begin(service);
      cancelled = begin(service);
      service.await("progress", WITHIN, () -> progress(service, at) > 0);
      assertThat(service.send("DELETE", cancelled, "").status()).isEqualTo(204);
      assertThat(service.send("DELETE", waiting, "").status()).isEqualTo(204);
      assertThat(service.send("DELETE", waiting, "").status()).isEqualTo(204);
      service.kill();
    }
    try (ServiceProcess service = ServiceProcess.start(state, Map.of())) {
      service.await("progress", WITHIN, () -> progress(service, at) > 0);
      // What comes now is not in it.
      service.send("POST", RUN + "/observations", batch(100));
      service.kill();
    }
    try (ServiceProcess service = ServiceProcess.start(state, Map.of())) {
      assertThat(service.get(cancelled).json().get("state").asString()).isEqualTo("cancelled");
      assertThat(service.get(RUN + "/replays").json().get("replays").size()).isEqualTo(2);
      JsonNode taken = ended(service, at);
      assertThat(taken.get("state").asString()).as(taken.toString()).isEqualTo("done");
      assertThat(taken.get("sequence").asInt()).isEqualTo(101);
      service.send("POST", RUN + "/rewind", "{\"nextStep\":100}");
      JsonNode again = ended(service, begin(service));
      assertThat(taken.get("results").size()).isEqualTo(1500);
      assertThat(taken.get("results").toString()).isEqualTo(again.get("results").toString());
    }
  }

  private String batch(int step) {
    StringBuilder body = new StringBuilder("{\"step\":" + step + ",\"dialogues\":[");
    for (int d = 0; d < 32; d++) {
      body.append(d == 0 ? "" : ",").append("{\"id\":\"d-").append((step * 7 + d) % 500);
      body.append("\",\"losses\":[");
      for (int turn = 0; turn < 4; turn++) {
        body.append(turn == 0 ? "" : ",").append(2 + random.nextGaussian());
      }
      body.append("]}");
    }
    return body.append("]}").toString();
  }

  private static String begin(ServiceProcess service) {
    Answer started = service.send("POST", RUN + "/replays", REQUEST);
    assertThat(started).isNotNull();
    assertThat(started.status()).as(started.toString()).isEqualTo(202);
    return started.header("Location");
  }

  private static double progress(ServiceProcess service, String at) {
    JsonNode replay = service.get(at + "?limit=1").json();
    assertThat(replay.get("state").asString()).as(replay.toString()).isEqualTo("running");
    return replay.get("progress").asDouble();
  }

  private static JsonNode ended(ServiceProcess service, String at) {
    service.await(
        "the end of " + at,
        WITHIN,
        () -> !service.get(at + "?limit=1").json().get("state").asString().equals("running"));
    return service.get(at).json();
  }
}
