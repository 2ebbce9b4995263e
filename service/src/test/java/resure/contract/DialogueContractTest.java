package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** The dialogues of a run, least reliable first. */
class DialogueContractTest {

  private static LiveService live;

  @BeforeAll
  static void start() {
    live = LiveService.start();
  }

  @AfterAll
  static void stop() {
    live.close();
  }

  /** A run whose first step gives turn 0 mean 2 and sd 1, turn 1 mean 5 and sd 2. */
  private static String warmRun() {
    String run = live.newRun("{\"warmUp\":3,\"fold\":\"raw\"}");
    live.score(
        run,
        "{\"step\":0,\"dialogues\":[{\"id\":\"w1\",\"losses\":[1,3]},{\"id\":\"w2\",\"losses\":[2,5]},"
            + "{\"id\":\"w3\",\"losses\":[3,7]}]}");
    return run;
  }

  private static List<String> ids(JsonNode page) {
    List<String> ids = new ArrayList<>();
    page.get("dialogues").forEach(dialogue -> ids.add(dialogue.get("dialogue").asString()));
    return ids;
  }

  private static JsonNode dialogue(JsonNode page, String id) {
    for (JsonNode dialogue : page.get("dialogues")) {
      if (dialogue.get("dialogue").asString().equals(id)) {
        return dialogue;
      }
    }
    throw new AssertionError(id + " is not in " + page);
  }

  @Test
  void aDialogueIsWhatItsVisitsSay() {
    String run = warmRun();
    live.score(
        run,
        "{\"step\":1,\"dialogues\":[{\"id\":\"d\",\"source\":\"a\",\"losses\":[4.5,null]},"
            + "{\"id\":\"d\",\"source\":\"b\",\"losses\":[1,10,NaN]}]}");
    JsonNode page = live.get(run + "/dialogues").json();

    assertThat(page.get("run").asString()).isEqualTo(run.substring("/v1/runs/".length()));
    assertThat(page.get("sequence").asLong()).isEqualTo(3);
    assertThat(page.get("progress").asDouble()).isEqualTo(1);
    assertThat(page.get("next").isNull()).isTrue();
    assertThat(ids(page)).containsExactly("d", "w1", "w2", "w3");
    JsonNode found = page.get("dialogues").get(0);
    assertThat(found.get("source").asString()).isEqualTo("b");
    assertThat(found.get("visits").asLong()).isEqualTo(2);
    assertThat(found.get("observations").asLong()).isEqualTo(4);
    assertThat(found.get("unusable").asLong()).isEqualTo(1);
    assertThat(found.get("lastStep").asLong()).isEqualTo(1);
    // z is 2.5, -1 and 2.5.
    assertThat(found.get("excess").asDouble()).isCloseTo(4 / 3.0, within(1e-4));
    assertThat(found.get("unreliability").asDouble())
        .isCloseTo((4 + 3 * 3.0) / 3 * 2 / 5, within(5e-4));
    assertThat(found.get("turns")).hasSize(3);
    assertThat(found.at("/turns/0/meanLoss").asDouble()).isEqualTo(2.75);
    assertThat(found.at("/turns/1/meanLoss").asDouble()).isEqualTo(10);
    assertThat(found.at("/turns/1/excess").asDouble()).isEqualTo(2.5);
    assertThat(found.at("/turns/2/meanLoss").isNull()).isTrue();
    assertThat(found.at("/turns/2/unusable").asLong()).isEqualTo(1);
    JsonNode warm = page.get("dialogues").get(1);
    assertThat(warm.get("source").isNull()).isTrue();
    assertThat(warm.get("excess").isNull()).isTrue();
    assertThat(warm.get("meanWeight").asDouble()).isEqualTo(1);
    assertThat(warm.get("unreliability").asDouble()).isZero();
  }

  @Test
  void oneVisitDoesNotOutrankTen() {
    String run = live.newRun("{\"warmUp\":3}");
    String ordinary =
        IntStream.range(0, 40)
            .mapToObj(
                i -> "{\"id\":\"o%d\",\"losses\":[%s]}".formatted(i, i % 2 == 0 ? "1,3" : "3,7"))
            .collect(Collectors.joining(","));
    for (int step = 0; step <= 10; step++) {
      String ten = step == 0 ? "" : ",{\"id\":\"ten\",\"losses\":[4.5,10]}";
      String once =
          step == 5
              ? ",{\"id\":\"once\",\"losses\":[90,90]},{\"id\":\"as bad\",\"losses\":[4.5,10]}"
              : "";
      live.score(run, "{\"step\":%d,\"dialogues\":[%s%s%s]}".formatted(step, ordinary, ten, once));
    }

    JsonNode page = live.get(run + "/dialogues?limit=3").json();
    assertThat(ids(page)).containsExactly("ten", "once", "as bad");
    assertThat(dialogue(page, "once").get("excess").asDouble()).isEqualTo(3);
    assertThat(dialogue(page, "once").get("unreliability").asDouble()).isEqualTo(9 / 4.0);
  }

  @Test
  void byTurnItIsThatTurnThatCounts() {
    String run = warmRun();
    live.score(
        run,
        "{\"step\":1,\"dialogues\":[{\"id\":\"first\",\"losses\":[6,5]},{\"id\":\"second\",\"losses\":[2,9]},"
            + "{\"id\":\"only0\",\"losses\":[2]},{\"id\":\"late\",\"firstTurn\":70,\"losses\":[2]}]}");

    assertThat(ids(live.get(run + "/dialogues").json()).subList(0, 2))
        .containsExactly("first", "second");
    JsonNode byFirst = live.get(run + "/dialogues?turn=1").json();
    assertThat(ids(byFirst)).containsExactly("second", "first", "w1", "w2", "w3");
    assertThat(dialogue(byFirst, "second").get("unreliability").asDouble())
        .isCloseTo((2 + 3) / 4.0, within(5e-4));
    assertThat(ids(live.get(run + "/dialogues?turn=63").json())).containsExactly("late");
    assertThat(ids(live.get(run + "/dialogues?turn=9000").json())).containsExactly("late");
    assertThat(ids(live.get(run + "/dialogues?turn=5").json())).isEmpty();
  }

  @Test
  void pagesFollowEachOtherAndSourcesAreApart() {
    String run = warmRun();
    String batch =
        IntStream.range(0, 25)
            .mapToObj(
                i ->
                    "{\"id\":\"d%d\",\"source\":\"%s\",\"losses\":[%d]}"
                        .formatted(i, i % 2 == 0 ? "even & +" : "odd", 2 + i % 5))
            .collect(Collectors.joining(",", "{\"step\":1,\"dialogues\":[", "]}"));
    live.score(run, batch);
    List<String> all = ids(live.get(run + "/dialogues?limit=1000").json());
    assertThat(all).hasSize(28).doesNotHaveDuplicates();

    List<String> paged = new ArrayList<>();
    String cursor = "";
    do {
      JsonNode page = live.get(run + "/dialogues?limit=3" + cursor).json();
      paged.addAll(ids(page));
      JsonNode next = page.get("next");
      cursor = next.isNull() ? "" : "&cursor=" + next.asString();
    } while (!cursor.isEmpty());
    assertThat(paged).isEqualTo(all);

    String source = URLEncoder.encode("even & +", StandardCharsets.UTF_8);
    JsonNode even = live.get(run + "/dialogues?limit=100&source=" + source).json();
    assertThat(ids(even)).hasSize(13).allMatch(id -> Integer.parseInt(id.substring(1)) % 2 == 0);

    List<String> lines = new ArrayList<>();
    String address = run + "/dialogues?limit=5&source=" + source;
    while (!address.isEmpty()) {
      Answer table = live.get(address, "Accept", "text/csv");
      assertThat(table.header("Resure-Progress")).isEqualTo("1.0");
      String[] found = table.text().split("\r\n", -1);
      assertThat(found[0]).startsWith("dialogue,source,visits");
      lines.addAll(List.of(found).subList(1, found.length - 1));
      String link = table.headers().firstValue("Link").orElse("");
      address = link.isEmpty() ? "" : link.substring(1, link.indexOf('>'));
    }
    assertThat(lines.stream().map(line -> line.split("\"", -1)[1]).toList()).isEqualTo(ids(even));
  }

  @Test
  void aCursorIsOfItsRunAlone() {
    String run = warmRun();
    String next = live.get(run + "/dialogues?limit=1").json().get("next").asString();
    String other = warmRun();

    assertThat(live.get(other + "/dialogues?cursor=" + next).status()).isEqualTo(422);
    assertThat(live.get(run + "/dialogues?cursor=x").status()).isEqualTo(422);
    assertThat(live.get(run + "/dialogues?cursor=" + next).status()).isEqualTo(200);
    for (String wrong :
        List.of("limit=0", "limit=1001", "turn=-1", "turn=x", "source=", "sort=id")) {
      assertThat(live.get(run + "/dialogues?" + wrong).status()).as(wrong).isEqualTo(422);
    }
  }

  @Test
  void idsAreTextWhateverTheyAre() {
    String run = live.newRun("{}");
    String batch =
        ExportContractTest.HOSTILE.stream()
            .map(
                id ->
                    "{\"id\":%s,\"source\":%s,\"losses\":[1]}"
                        .formatted(ExportContractTest.json(id), ExportContractTest.json(id)))
            .collect(Collectors.joining(",", "{\"step\":1,\"dialogues\":[", "]}"));
    live.score(run, batch);
    JsonNode page = live.get(run + "/dialogues?limit=100").json();

    assertThat(ids(page)).containsExactlyInAnyOrderElementsOf(ExportContractTest.HOSTILE);
    for (JsonNode dialogue : page.get("dialogues")) {
      assertThat(dialogue.get("source")).isEqualTo(dialogue.get("dialogue"));
      String source = URLEncoder.encode(dialogue.get("source").asString(), StandardCharsets.UTF_8);
      assertThat(ids(live.get(run + "/dialogues?source=" + source).json()))
          .containsExactly(dialogue.get("dialogue").asString());
    }
    List<String> paged = new ArrayList<>();
    JsonNode one = live.get(run + "/dialogues?limit=1").json();
    while (true) {
      paged.addAll(ids(one));
      if (one.get("next").isNull()) {
        break;
      }
      one = live.get(run + "/dialogues?limit=1&cursor=" + one.get("next").asString()).json();
    }
    assertThat(paged).isEqualTo(ids(page));
    String table = live.get(run + "/dialogues?limit=100", "Accept", "text/csv").text();
    assertThat(table.lines().skip(1)).noneMatch(line -> line.matches("\"[=+@-].*"));
  }

  @Test
  void aRewindTakesBackWhatItRemoves() {
    String run = warmRun();
    JsonNode before = live.get(run + "/dialogues").json();
    live.score(run, "{\"step\":1,\"dialogues\":[{\"id\":\"gone\",\"losses\":[9]}]}");
    assertThat(ids(live.get(run + "/dialogues").json())).contains("gone");
    live.post(run + "/rewind", "{\"nextStep\":1}");
    JsonNode after = live.get(run + "/dialogues").json();

    assertThat(after.get("progress").asDouble()).isEqualTo(1);
    assertThat(after.get("dialogues")).isEqualTo(before.get("dialogues"));
  }

  @Test
  void aRestartTakesBackNothing() {
    String run = warmRun();
    live.score(run, "{\"step\":1,\"dialogues\":[{\"id\":\"d\",\"losses\":[9]}]}");
    JsonNode before = live.get(run + "/dialogues").json();
    live.reopen();

    assertThat(live.get(run + "/dialogues").json()).isEqualTo(before);
  }

  @Test
  void aRunWithoutStepsHasDialoguesWithoutThem() {
    String run = live.newRun("{}");
    assertThat(live.get(run + "/dialogues").json().get("dialogues")).isEmpty();
    live.score(run, "{\"dialogues\":[{\"id\":\"d\",\"losses\":[9]}]}");

    JsonNode found = live.get(run + "/dialogues").json().get("dialogues").get(0);
    assertThat(found.get("lastStep").isNull()).isTrue();
  }
}
