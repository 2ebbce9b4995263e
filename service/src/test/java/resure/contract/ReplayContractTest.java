package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class ReplayContractTest {
  private static LiveService live;

  @BeforeAll
  static void start() {
    live = LiveService.start();
  }

  @AfterAll
  static void stop() {
    live.close();
  }

  @Test
  void example() {
    String run = live.newRun("{\"warmUp\": 2}");
    live.score(run, "{\"step\": 0, \"dialogues\": [{\"id\": \"d-1\", \"losses\": [2.1, 1.8]}, {\"id\": \"d-2\", \"losses\": [2.3, 2.0]}, {\"id\": \"d-3\", \"losses\": [2.2, 1.9]}]}");
    live.score(run, "{\"step\": 1, \"dialogues\": [{\"id\": \"d-4\", \"losses\": [2.2, 1.9]}, {\"id\": \"d-5\", \"source\":\"sharegpt\", \"losses\": [2.35, 4.5]}]}");
    Answer a = live.post(run + "/replays", "{\"configurations\":[{},{\"weighting\":{\"function\":\"cauchy\",\"threshold\":0.5}}],\"labels\":{\"bad\":[{\"dialogue\":\"d-5\",\"turn\":1}]}}");
    System.out.println(a + " " + a.headers().map());
    String at = a.header("Location");
    await().atMost(Duration.ofSeconds(20)).until(() -> !live.get(at).json().get("state").asString().equals("running"));
    System.out.println(live.get(at));
    System.out.println(live.get(run + "/replays"));
    System.out.println(live.get(at + "?limit=1"));
    System.out.println(live.delete(at));
    System.out.println(live.delete(at));
    System.out.println(live.scrape().lines().filter(l -> l.contains("replay")).toList());
  }
}
