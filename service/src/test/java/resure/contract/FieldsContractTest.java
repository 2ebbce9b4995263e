package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a batch may say, how large it may be, and how a refusal names what is wrong. */
class FieldsContractTest {

  private static final int MIB = 1 << 20;

  private static LiveService live;

  @BeforeAll
  static void start() {
    live = LiveService.start();
  }

  @AfterAll
  static void stop() {
    live.close();
  }

  private static String losses(int number) {
    return "{\"dialogues\":[{\"id\":\"d\",\"losses\":[" + "1,".repeat(number - 1) + "1]}]}";
  }

  private static String withId(String id) {
    return "{\"dialogues\":[{\"id\":\"" + id + "\",\"source\":\"" + id + "\",\"losses\":[1]}]}";
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{}                                                                       | /dialogues",
        "{'dialogues':{}}                                                         | /dialogues",
        "{'dialogues':null}                                                       | /dialogues",
        "{'dialogues':[1]}                                                        | /dialogues/0",
        "{'dialogues':[{'losses':[]}]}                                            |"
            + " /dialogues/0/id",
        "{'dialogues':[{'id':'d'}]}                                               |"
            + " /dialogues/0/losses",
        "{'dialogues':[{'id':7,'losses':[]}]}                                     |"
            + " /dialogues/0/id",
        "{'dialogues':[{'id':'','losses':[]}]}                                    |"
            + " /dialogues/0/id",
        "{'dialogues':[{'id':'d','losses':[1,'2']}]}                              |"
            + " /dialogues/0/losses/1",
        "{'dialogues':[{'id':'d','losses':[1,[2]]}]}                              |"
            + " /dialogues/0/losses/1",
        "{'dialogues':[{'id':'d','losses':[true]}]}                               |"
            + " /dialogues/0/losses/0",
        "{'dialogues':[{'id':'d','losses':7}]}                                    |"
            + " /dialogues/0/losses",
        "{'dialogues':[{'id':'d','losses':[1],'source':''}]}                      |"
            + " /dialogues/0/source",
        "{'dialogues':[{'id':'d','losses':[1],'firstTurn':-1}]}                   |"
            + " /dialogues/0/firstTurn",
        "{'dialogues':[{'id':'d','losses':[1],'firstTurn':1.5}]}                  |"
            + " /dialogues/0/firstTurn",
        "{'dialogues':[{'id':'d','losses':[1,2],'tokens':[1]}]}                   |"
            + " /dialogues/0/tokens",
        "{'dialogues':[{'id':'d','losses':[1],'tokens':[-1]}]}                    |"
            + " /dialogues/0/tokens/0",
        "{'dialogues':[{'id':'d','losses':[1],'tokens':[1.5]}]}                   |"
            + " /dialogues/0/tokens/0",
        "{'dialogues':[{'id':'d','losses':[1,2],'weights':[1,1,1]}]}              |"
            + " /dialogues/0/weights",
        "{'dialogues':[{'id':'d','losses':[1,2],'weights':[1,null]}]}             |"
            + " /dialogues/0/weights/1",
        "{'dialogues':[{'id':'d','losses':[1,null],'weights':[1,1]}]}             |"
            + " /dialogues/0/weights/1",
        "{'dialogues':[{'id':'d','losses':[1],'weights':[-0.1]}]}                 |"
            + " /dialogues/0/weights/0",
        "{'dialogues':[{'id':'d','losses':[1],'weights':[1e999]}]}                |"
            + " /dialogues/0/weights/0",
        "{'dialogues':[{'weights':[1,null],'tokens':[1],'losses':[1],'id':'d'}]}  | /dialogues/0/",
        "{'dialogues':[{'id':'d','losses':[1],'loses':[]}]}                       |"
            + " /dialogues/0/loses",
        "{'dialogues':[{'id':'d','losses':[1],'losses':[1]}]}                     |"
            + " /dialogues/0/losses",
        "{'dialogues':[],'dialogues':[]}                                          | /dialogues",
        "{'step':1,'st\\u0065p':1,'dialogues':[]}                                 | /step",
        "{'step':-1,'dialogues':[]}                                               | /step",
        "{'step':'1','dialogues':[]}                                              | /step",
        "{'step':9007199254740992,'dialogues':[]}                                 | /step",
        "{'step':1e999,'dialogues':[]}                                            | /step",
        "{'rank':0.5,'dialogues':[]}                                              | /rank",
        "{'microBatch':-1,'dialogues':[]}                                         | /microBatch",
        "{'attempt':'','dialogues':[]}                                            | /attempt",
        "{'attempt':1,'dialogues':[]}                                             | /attempt",
        "{'dialogues':[],'a/b~c':1}                                               | /a~1b~0c",
        "{'dialogues':[],'':1}                                                    | /",
      })
  void aBadFieldIsPointedAt(String body, String pointer) {
    String run = live.newRun("{}");
    Answer answer = live.post(run + "/observations", body.strip().replace('\'', '"'));
    assertThat(answer.outcome()).startsWith("422 invalid-field " + pointer);
    if (!pointer.equals("/dialogues/0/")) {
      assertThat(answer.json().get("pointer").asString()).isEqualTo(pointer);
    }
    assertThat(live.get(run).json().get("sequence").asInt()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"[]", "1", "\"text\"", "null", "true"})
  void aBodyThatIsNoObjectIsInvalidAsAWhole(String body) {
    String run = live.newRun("{}");
    for (Answer answer :
        List.of(
            live.post(run + "/observations", body),
            live.post(run + "/rewind", body),
            live.put("/v1/runs/" + live.newName(), body))) {
      assertThat(answer.outcome()).isEqualTo("422 invalid-field ");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "{",
        "{'dialogues':[]",
        "{'dialogues':[],}",
        "{'dialogues':[]} x",
        "{'dialogues' []}",
        "{dialogues:[]}",
        "{'step':01,'dialogues':[]}",
        "{'step':+1,'dialogues':[]}",
        "{'dialogues':[{'id':'d','losses':[.5]}]}",
        "{'dialogues':[{'id':'d','losses':[nan]}]}",
        "{'dialogues':[{'id':'a\tb','losses':[]}]}",
        "{'dialogues':[{'id':'\\x','losses':[]}]}"
      })
  void whatIsNotJsonIsMalformed(String body) {
    String run = live.newRun("{}");
    assertThat(
            live.post(
                    run + "/observations",
                    body.replace('\'', '"'),
                    "Content-Type",
                    "application/json")
                .outcome())
        .isEqualTo("400 malformed-body");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}}",
        "{'dialogues':[NaN",
        "{'step':NaN,'dialogues':[]}",
        "{'rank':-Infinity,'dialogues':[]}",
        "{'dialogues':[{'id':'d','losses':[1],'weights':[NaN]}]}",
        "{'dialogues':[{'id':'d','losses':[1],'tokens':[Infinity]}]}"
      })
  void ofTwoFaultsOneIsAnsweredAndTheTokensAreForLossesOnly(String body) {
    String run = live.newRun("{}");
    assertThat(live.post(run + "/observations", body.replace('\'', '"')).outcome())
        .matches("400 malformed-body|422 invalid-field .*");
  }

  @Test
  void theLargestWholeNumberIsTaken() {
    String run = live.newRun("{}");
    Answer answer =
        live.score(
            run,
            "{\"step\":9007199254740991,\"rank\":9007199254740991,\"microBatch\":9007199254740991,\"dialogues\":[{\"id\":\"d\",\"losses\":[1],\"tokens\":[9007199254740991]}]}");
    assertThat(answer.json().get("step").asLong()).isEqualTo((1L << 53) - 1);
    assertThat(live.get(run + "/observations").lines().get(0).get("rank").asLong())
        .isEqualTo((1L << 53) - 1);
  }

  @Test
  void idsAreAnyUnicodeTextOf256CodePoints() {
    String run = live.newRun("{}");
    List<String> ids =
        List.of(
            "\uD83D\uDE00".repeat(256),
            "ü".repeat(256),
            "d\u0001\u001f\u007f\u2028\"\\/\n\t",
            "\uFFFF",
            "\uFEFFx");
    for (String id : ids) {
      String escaped =
          new String(
              new tools.jackson.databind.json.JsonMapper().writeValueAsBytes(id),
              StandardCharsets.UTF_8);
      live.score(run, withId(escaped.substring(1, escaped.length() - 1)));
    }
    live.score(run, withId("\\uD83D\\uDE00\\u00e9\\/"));
    List<String> exported = new ArrayList<>();
    live.get(run + "/observations")
        .lines()
        .forEach(line -> exported.add(line.get("dialogue").asString()));
    List<String> expected = new ArrayList<>(ids);
    expected.add("\uD83D\uDE00\u00e9/");
    assertThat(exported).isEqualTo(expected);
    List<String> sources = new ArrayList<>();
    live.get(run + "/statistics")
        .json()
        .get("sources")
        .forEach(source -> sources.add(source.get("source").asString()));
    assertThat(sources).containsExactlyInAnyOrderElementsOf(expected);
  }

  @Test
  void longerIdsNullCharactersAndLoneSurrogatesAreRefused() {
    String run = live.newRun("{}");
    for (String id :
        List.of(
            "d".repeat(257),
            "\uD83D\uDE00".repeat(257),
            "a\\u0000b",
            "\\ud800",
            "\\udc00",
            "\\ud83dx",
            "\\ude00\\ud83d")) {
      assertThat(live.post(run + "/observations", withId(id)).outcome())
          .isEqualTo("422 invalid-field /dialogues/0/id");
      assertThat(
              live.post(
                      run + "/observations",
                      withId("d").replace("\"source\":\"d\"", "\"source\":\"" + id + "\""))
                  .outcome())
          .isEqualTo("422 invalid-field /dialogues/0/source");
      assertThat(
              live.post(run + "/observations", "{\"attempt\":\"" + id + "\",\"dialogues\":[]}")
                  .outcome())
          .isEqualTo("422 invalid-field /attempt");
    }
  }

  @Test
  void aBatchHasAtMost65536Losses() {
    String run = live.newRun("{}");
    assertThat(live.score(run, losses(65536)).json().get("weights").get(0).size()).isEqualTo(65536);
    Answer refused = live.post(run + "/observations", losses(65537));
    assertThat(refused.outcome()).startsWith("422 limit-exceeded");
    assertThat(refused.json().get("limit").asString()).startsWith("resure.");
    assertThat(live.get(run).json().get("sequence").asInt()).isEqualTo(2);
  }

  @Test
  void aBodyHasAtMost8MiB() {
    String run = live.newRun("{}");
    String batch = "{\"dialogues\":[]}";
    byte[] largest =
        (batch + " ".repeat(8 * MIB - batch.length())).getBytes(StandardCharsets.US_ASCII);
    byte[] tooLarge =
        (batch + " ".repeat(8 * MIB + 1 - batch.length())).getBytes(StandardCharsets.US_ASCII);
    String path = run + "/observations";
    assertThat(live.send(json("POST", path), largest, "POST").status()).isEqualTo(200);
    Answer refused = live.send(json("POST", path), tooLarge, "POST");
    assertThat(refused.outcome()).isEqualTo("413 body-too-large");
    assertThat(refused.json().get("limit").asString()).startsWith("resure.");
    assertThat(live.sendInChunks(json("POST", path), largest, "POST").status()).isEqualTo(200);
    assertThat(live.sendInChunks(json("POST", path), tooLarge, "POST").outcome())
        .isEqualTo("413 body-too-large");
    assertThat(live.send(json("POST", run + "/rewind"), tooLarge, "POST").outcome())
        .isEqualTo("413 body-too-large");
    assertThat(live.send(json("PUT", run), tooLarge, "PUT").outcome())
        .isEqualTo("413 body-too-large");
    assertThat(live.get(run).json().get("sequence").asInt()).isEqualTo(3);
  }

  private static java.net.http.HttpRequest.Builder json(String method, String path) {
    return live.request(method, path, "Content-Type", "application/json");
  }

  @Test
  void aRunHasAtMost4096PendingBatchesButOneThatClosesStepsIsTaken() {
    String run = live.newRun("{}");
    List<CompletableFuture<Answer>> answers = new ArrayList<>();
    for (int rank = 0; rank < 4096; rank++) {
      answers.add(pending(run, 7, rank));
      if (rank % 64 == 63) {
        answers.forEach(answer -> assertThat(answer.join().status()).isEqualTo(200));
        answers.clear();
      }
    }
    Answer refused = pending(run, 7, 4096).join();
    assertThat(refused.outcome()).startsWith("422 limit-exceeded");
    assertThat(refused.json().get("limit").asString()).startsWith("resure.");
    assertThat(pending(run, 6, 4096).join().outcome()).startsWith("422 limit-exceeded");
    assertThat(pending(run, 8, 0).join().status()).isEqualTo(200);
    assertThat(pending(run, 7, 4096).join().status()).isEqualTo(200);
  }

  private static CompletableFuture<Answer> pending(String run, int step, int rank) {
    String body =
        "{\"step\":%d,\"rank\":%d,\"dialogues\":[{\"id\":\"d\",\"losses\":[1]}]}"
            .formatted(step, rank);
    return live.sendAsync(
        json("POST", run + "/observations"), body.getBytes(StandardCharsets.US_ASCII), "POST");
  }

  @Test
  void aBodySaysThatItIsJsonOrCbor() {
    String run = live.newRun("{}");
    byte[] body = "{\"dialogues\":[]}".getBytes(StandardCharsets.US_ASCII);
    String path = run + "/observations";
    for (String type :
        List.of(
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/xml",
            "application/jsonx",
            "application/json; charset=utf-16",
            "application/cbor-seq",
            "application/*",
            "nonsense")) {
      assertThat(
              live.send(live.request("POST", path, "Content-Type", type), body, "POST").outcome())
          .as(type)
          .isEqualTo("415 unsupported-media-type");
    }
    assertThat(live.send(live.request("POST", path), body, "POST").outcome())
        .isEqualTo("415 unsupported-media-type");
    assertThat(
            live.send(json("POST", path).header("Content-Encoding", "gzip"), body, "POST")
                .outcome())
        .isEqualTo("415 unsupported-media-type");
    assertThat(live.get(run).json().get("sequence").asInt()).isEqualTo(1);
    for (String type :
        List.of(
            "application/json",
            "application/json;charset=UTF-8",
            "Application/JSON; charset=\"utf-8\"")) {
      assertThat(live.send(live.request("POST", path, "Content-Type", type), body, "POST").status())
          .as(type)
          .isEqualTo(200);
    }
  }

  @Test
  void theAnswerIsWhatTheClientAcceptsOr406AndNothingDone() {
    String run = live.newRun("{}");
    for (String accept :
        List.of(
            "text/html",
            "application/json;q=0",
            "application/cbor;q=0",
            "application/x-ndjson",
            "nonsense")) {
      assertThat(live.post(run + "/observations", "{\"dialogues\":[]}", "Accept", accept).outcome())
          .as(accept)
          .isEqualTo("406 not-acceptable");
      assertThat(live.get(run + "/statistics", "Accept", accept).outcome())
          .isEqualTo("406 not-acceptable");
    }
    assertThat(live.get(run).json().get("sequence").asInt()).isEqualTo(1);
    for (String accept :
        List.of(
            "*/*",
            "application/*",
            "application/json",
            "text/html, application/json;q=0.5",
            "text/html, */*;q=0.1")) {
      assertThat(live.post(run + "/observations", "{\"dialogues\":[]}", "Accept", accept).status())
          .as(accept)
          .isEqualTo(200);
    }
    assertThat(live.get(run + "/observations", "Accept", "application/x-ndjson").status())
        .isEqualTo(200);
    assertThat(live.get(run + "/observations", "Accept", "application/xml").outcome())
        .isEqualTo("406 not-acceptable");
  }
}
