package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.cbor.CBORMapper;

/** Everything that can be said in JSON can be said in CBOR, and is the same then. */
class CborContractTest {

  private static final String JSON = "application/json";
  private static final String KEY = "Idempotency-Key";

  private static final String BATCH =
      """
      {"step": 1, "rank": 2, "attempt": "job-1", "dialogues": [
        {"id": "d-1", "source": "é", "losses": [2.5, NaN, null, -0.1], "tokens": [1, 2, null, 4]},
        {"id": "d-2", "firstTurn": 3, "losses": [7, Infinity], "weights": [0.5, 0]}]}
      """;

  private static LiveService live;

  @BeforeAll
  static void start() {
    live = LiveService.start();
  }

  @AfterAll
  static void stop() {
    live.close();
  }

  @BeforeEach
  void speakCbor() {
    live.speak(LiveService.Speech.CBOR);
  }

  private static Answer asJson(String path) {
    return live.get(path, "Accept", JSON);
  }

  private static byte[] hex(String hex) {
    return HexFormat.of().parseHex(hex);
  }

  private static Answer post(String path, byte[] cbor, String... headers) {
    return live.send(
        live.request("POST", path, headers).header("Content-Type", LiveService.CBOR), cbor, "POST");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "application/cbor | application/cbor",
        "application/cbor, application/json | application/json",
        "application/cbor, */* | application/json",
        "application/cbor, application/json;q=0.9 | application/cbor",
        "application/json;q=0.5, application/*;q=0.6 | application/cbor",
        "*/*;q=0.1, application/cbor;q=0.2 | application/cbor",
        "application/cbor;q=0, */* | application/json",
        "application/json;q=0, */*;q=0.1 | application/cbor",
        "*/* | application/json",
        "application/* | application/json",
      })
  void theTypeOfHigherQualityIsAnsweredAndJsonOnATie(String accept, String answered) {
    String run = live.newRun("{}");
    assertThat(live.get(run, "Accept", accept).header("Content-Type")).isEqualTo(answered);
    assertThat(live.post(run + "/observations", BATCH, "Accept", accept).header("Content-Type"))
        .isEqualTo(answered);
  }

  @Test
  void eachSideHasARepresentationOfItsOwn() {
    String run = live.newRun("{}");
    Answer json = live.post(run + "/observations", BATCH, "Accept", JSON);
    assertThat(json.text()).startsWith("{\"sequence\":2,");
    live.speak(LiveService.Speech.JSON);
    Answer cbor = live.post(run + "/observations", BATCH, "Accept", LiveService.CBOR);
    assertThat(cbor.json().get("weights")).isEqualTo(json.json().get("weights"));
    assertThat(cbor.json().get("sequence").asInt()).isEqualTo(3);
    assertThat(live.get(run).header("Content-Type")).isEqualTo(JSON);
  }

  @Test
  void aBatchRepeatedInTheOtherRepresentationIsTheSameBatch() {
    String run = live.newRun("{}");
    Answer cbor = live.score(run, BATCH, KEY, "k");
    live.speak(LiveService.Speech.JSON);
    Answer json = live.score(run, BATCH, KEY, "k");
    assertThat(json.header("Idempotency-Replayed")).isEqualTo("true");
    ContractValidator.assertSame(json.json(), cbor.json());
    assertThat(live.score(run, BATCH, KEY, "k").body()).isEqualTo(json.body());
    live.speak(LiveService.Speech.CBOR);
    assertThat(live.score(run, BATCH, KEY, "k").body()).isEqualTo(cbor.body());
    assertThat(live.post(run + "/observations", BATCH.replace("2.5", "2"), KEY, "k").outcome())
        .isEqualTo("422 key-reused");
    assertThat(asJson(run).json().get("sequence").asInt()).isEqualTo(2);
  }

  @Test
  void everyAnswerSaysTheSameInBoth() {
    String path =
        live.newRun(
            """
            {"warmUp": 2, "weighting": {"threshold": 1, "function": "cauchy"}, "halfLife": 100,
             "labels": {"experiment": "é"}, "shadow": false}
            """);
    live.score(path, BATCH);
    live.score(path, BATCH.replace("\"step\": 1", "\"step\": 2"));
    Answer started = live.post(path + "/replays", "{\"configurations\": [{}, {\"lag\": 1}]}");
    assertThat(started.status()).isEqualTo(202);
    String replay = started.header("Location");
    Awaitility.await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> !live.get(replay).json().get("state").asString().equals("running"));
    assertThat(live.get(replay).json().get("results")).hasSize(2);
    for (String address :
        List.of(
            path,
            path + "/statistics",
            path + "/replays",
            replay,
            replay + "?limit=1",
            "/v1/runs?limit=1000",
            "/v1/compute")) {
      Answer cbor = live.get(address);
      assertThat(cbor.header("Content-Type")).isEqualTo(LiveService.CBOR);
      ContractValidator.assertSame(cbor.json(), asJson(address).json());
    }
    assertThat(live.post(path + "/rewind", "{\"nextStep\": 2}").json().get("step").asInt())
        .isEqualTo(1);
    assertThat(live.post(path + "/finish", "").json().get("state").asString())
        .isEqualTo("finished");
    assertThat(live.put(path, "{\"labels\": {\"experiment\": \"e\"}}").outcome())
        .isEqualTo("409 run-conflict /labels/experiment");
  }

  @Test
  void whatIsADoubleIsWrittenAsOneAlsoWhereItIsWhole() {
    String run = live.newRun("{\"warmUp\": 2}");
    live.score(
        run, "{\"dialogues\":[{\"id\":\"d\",\"losses\":[2]},{\"id\":\"d\",\"losses\":[2]}]}");
    JsonNode turn = live.get(run + "/statistics").json().at("/turns/0");
    for (String real : List.of("count", "mean", "standardDeviation", "m2", "meanWeight")) {
      assertThat(turn.get(real).isDouble()).as(real).isTrue();
    }
    assertThat(turn.get("seen").isIntegralNumber()).isTrue();
  }

  @Test
  void theExportIsOneArrayThatABreakEnds() {
    String run = live.newRun("{}");
    assertThat(live.get(run + "/observations").body()).isEqualTo(hex("9fff"));
    String losses = "0.5,".repeat(4000) + "0.25";
    for (int step = 0; step < 3; step++) {
      live.score(
          run,
          "{\"step\":" + step + ",\"dialogues\":[{\"id\":\"d\",\"losses\":[" + losses + "]}]}");
    }
    live.score(run, BATCH.replace("\"step\": 1", "\"step\": 3"));
    Answer export = live.get(run + "/observations");
    assertThat(export.header("Content-Type")).isEqualTo(LiveService.CBOR);
    assertThat(export.body()[0]).isEqualTo((byte) 0x9F);
    List<JsonNode> lines = live.get(run + "/observations", "Accept", "*/*").lines();
    assertThat(lines).hasSize(3 * 4001 + 5);
    List<JsonNode> elements = export.lines();
    assertThat(elements).hasSameSizeAs(lines);
    for (int i = 0; i < lines.size(); i++) {
      ContractValidator.assertSame(elements.get(i), lines.get(i));
    }
    assertThat(live.get(run + "/observations?fromStep=3").lines()).hasSize(5);
  }

  @Test
  void aTagIsOfARepresentation() {
    String run = live.newRun("{}");
    String cbor = live.get(run + "/statistics").header("ETag");
    String json = asJson(run + "/statistics").header("ETag");
    assertThat(cbor).isNotEqualTo(json);
    assertThat(live.get(run + "/statistics", "If-None-Match", cbor).status()).isEqualTo(304);
    assertThat(live.get(run + "/statistics", "If-None-Match", json).status()).isEqualTo(200);
    assertThat(live.get(run + "/statistics", "If-None-Match", json, "Accept", JSON).status())
        .isEqualTo(304);
  }

  @Test
  void statisticsComeWithABatchInItsRepresentation() {
    String run = live.newRun("{}");
    Answer answer = live.post(run + "/observations?include=statistics", BATCH);
    assertThat(answer.json().at("/statistics/turns"))
        .isEqualTo(live.get(run + "/statistics").json().get("turns"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        // {"dialogues": [{"id": "d", "losses": [..]}]} with one element, whatever that is
        "c1f93c00 | 422 invalid-field /dialogues/0/losses/0",
        "4101 | 422 invalid-field /dialogues/0/losses/0",
        "f7 | 422 invalid-field /dialogues/0/losses/0",
        "f4 | 422 invalid-field /dialogues/0/losses/0",
        "e0 | 422 invalid-field /dialogues/0/losses/0",
        "c24101 | 422 invalid-field /dialogues/0/losses/0",
        "6131 | 422 invalid-field /dialogues/0/losses/0",
        "f818 | 400 malformed-body",
        "1c | 400 malformed-body",
        "ff | 400 malformed-body",
        "f93c00 | 200",
        "fa3f800000 | 200",
        "fb3ff0000000000000 | 200",
        "1bffffffffffffffff | 200",
        "38ff | 200",
        "f97e00 | 200",
      })
  void anElementOfLossesIsANumberOrNull(String element, String outcome) {
    String run = live.newRun("{}");
    byte[] body = hex("a1696469616c6f6775657381a26269646164666c6f7373657381" + element);
    assertThat(post(run + "/observations", body).outcome()).isEqualTo(outcome);
    // Where bytes are missing or too many, nothing of it is a batch.
    assertThat(post(run + "/observations", Arrays.copyOf(body, body.length - 1)).outcome())
        .isEqualTo("400 malformed-body");
    assertThat(post(run + "/observations", Arrays.copyOf(body, body.length + 1)).outcome())
        .isEqualTo("400 malformed-body");
  }

  @Test
  void namesAreTextAndGivenOnce() {
    String run = live.newRun("{}");
    assertThat(post(run + "/observations", hex("a10180")).outcome())
        .isEqualTo("422 invalid-field ");
    assertThat(post(run + "/observations", hex("a26473746570016473746570f6")).outcome())
        .isEqualTo("422 invalid-field /step");
    assertThat(post(run + "/rewind", hex("a10100")).outcome()).isEqualTo("422 invalid-field ");
    assertThat(post(run + "/rewind", hex("a2686e6578745374657000686e6578745374657001")).outcome())
        .isEqualTo("422 invalid-field /nextStep");
    assertThat(live.get(run).json().get("sequence").asInt()).isEqualTo(1);
  }

  @Test
  void smallBodiesAreReadAsStrictly() {
    String run = live.newRun("{}");
    String rewind = run + "/rewind";
    String nextStep = "a1686e65787453746570";
    assertThat(post(rewind, hex(nextStep + "f90000")).outcome())
        .isEqualTo("422 invalid-field /nextStep");
    assertThat(post(rewind, hex(nextStep + "c100")).outcome())
        .isEqualTo("422 invalid-field /nextStep");
    assertThat(post(rewind, hex(nextStep + "1b0020000000000000")).outcome())
        .isEqualTo("422 invalid-field /nextStep");
    assertThat(post(rewind, hex(nextStep)).outcome()).isEqualTo("400 malformed-body");
    assertThat(post(rewind, hex(nextStep + "0000")).outcome()).isEqualTo("400 malformed-body");
    assertThat(post(rewind, hex("bf7f646e6578746453746570ff1800ff")).status()).isEqualTo(200);
    ByteArrayOutputStream deep = new ByteArrayOutputStream();
    deep.writeBytes(hex(nextStep));
    deep.writeBytes(hex("81".repeat(100_000) + "00"));
    assertThat(post(rewind, deep.toByteArray()).outcome()).isEqualTo("400 malformed-body");
    assertThat(post(run + "/observations", deep.toByteArray()).outcome())
        .isEqualTo("400 malformed-body");
  }

  @Test
  void limitsAreTheSame() {
    String run = live.newRun("{}");
    byte[] many =
        ContractValidator.cbor(
            "{\"dialogues\":[{\"id\":\"d\",\"losses\":[" + "1,".repeat(65_536) + "1]}]}");
    Answer refused = post(run + "/observations", many);
    assertThat(refused.outcome()).isEqualTo("422 limit-exceeded");
    assertThat(refused.text()).contains("resure.limits.losses");
    assertThat(post(run + "/observations", new byte[(8 << 20) + 1]).outcome())
        .isEqualTo("413 body-too-large");
  }

  @Test
  void longTextsAreRefusedHoweverTheyAreWritten() {
    String run = live.newRun("{}");
    String name = "é".repeat(257);
    byte[] whole = name.getBytes(StandardCharsets.UTF_8);
    ByteArrayOutputStream chunked = new ByteArrayOutputStream();
    chunked.writeBytes(hex("a1666c6162656c73a1616b7f"));
    for (int i = 0; i < 257; i++) {
      chunked.write(0x62);
      chunked.write(whole, 2 * i, 2);
    }
    chunked.write(0xFF);
    for (byte[] body :
        List.of(
            chunked.toByteArray(),
            CBORMapper.shared()
                .writeValueAsBytes(CBORMapper.shared().readTree(chunked.toByteArray())))) {
      Answer answer =
          live.send(live.request("PUT", run, "Content-Type", LiveService.CBOR), body, "PUT");
      assertThat(answer.outcome()).isEqualTo("422 invalid-field /labels/k");
    }
  }
}
