package resure.contract;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import resure.archive.Export;
import resure.archive.Progress;
import resure.contract.RecordedRelease.Exchange;
import resure.journal.Durability;
import resure.journal.Journal;
import resure.journal.rocksdb.RocksDbJournal;
import tools.jackson.databind.JsonNode;

/**
 * What clients sent to each earlier release is still taken, and answered so that those clients
 * understand; the state that it left is read, and says what it said then.
 *
 * <p>The release that is at hand is recorded, once, before it is published, by
 *
 * <pre>
 *   unshare --uts sh -c 'hostname resure; mvn -q test -pl service -am -Dtest=RecordedReleaseTest#write \
 *     -Dsurefire.failIfNoSpecifiedTests=false -Drecord=0.1.0'
 * </pre>
 *
 * <p>and its version noted in {@link RecordedRelease#VERSIONS}. RocksDB writes the name of the
 * machine into its tables; hence one of its own.
 */
@DisabledIfSystemProperty(
    named = "resure.compute.backend",
    matches = "djl",
    disabledReason = "once is enough: the state is the same on every backend")
@DisabledIfSystemProperty(
    named = "resure.journal.store",
    matches = "postgres",
    disabledReason = "what was recorded is a state directory; BetweenStoresTest imports its export")
class RecordedReleaseTest {

  private static final List<String> VERSIONS = RecordedRelease.VERSIONS;
  private static final Duration DEADLINE = Duration.ofSeconds(30);
  private static final String JSON = "application/json";
  private static final String RETAINED = "/v1/runs/retained";

  private static final String REPLAY = "{replay}";

  @TempDir private Path temporary;

  /** What a placeholder in a path stands for, by the run that it is of. */
  private final Map<String, String> replays = new TreeMap<>();

  @ParameterizedTest
  @FieldSource("VERSIONS")
  void whatItsClientsSentIsTakenAndAnsweredAsTheyUnderstand(String version) {
    RecordedRelease release = new RecordedRelease(version);
    ContractValidator contract = ContractValidator.ofClients(release.open("openapi.yaml"));
    try (LiveService live = LiveService.start("resure.durability=os")) {
      for (Exchange then : release.exchanges("exchanges.json")) {
        Exchange now = send(live, contract, then);
        String what = then.method() + " " + then.path() + " " + new String(now.answer(), UTF_8);
        assertThat(now.status()).as(what).isEqualTo(then.status());
        assertThat(now.type()).as(what).isEqualTo(then.type());
        if (isTree(then)) {
          try {
            RecordedRelease.requireSaid(now.tree(), then.tree(), "");
          } catch (AssertionError e) {
            throw new AssertionError(what, e);
          }
        }
      }
    }
    Set<String> unseen = new TreeSet<>(contract.documentedTypes());
    unseen.removeAll(contract.seenTypes());
    // A stream has no end, and is tested by itself.
    unseen.remove("streamEvents answers text/event-stream");
    assertThat(unseen).as("what was not recorded of the contract").isEmpty();
  }

  @ParameterizedTest
  @FieldSource("VERSIONS")
  void theStateThatItLeftSaysWhatItSaidThen(String version) throws IOException {
    RecordedRelease release = new RecordedRelease(version);
    Path state = release.unpack(temporary.resolve("state"));
    try (LiveService live = LiveService.open(state)) {
      List<Exchange> questions = release.exchanges("questions.json");
      assertThat(questions).hasSizeGreaterThan(50);
      for (Exchange then : questions) {
        assertSame(ask(live, then), then);
      }
      // Of the release at hand from now on, with all that was.
      live.reopen();
      for (Exchange then : questions) {
        assertSame(ask(live, then), then);
      }
    }
  }

  /** All that was said, and the same; more may be said. */
  private static void assertSame(Exchange now, Exchange then) {
    String what = then.path();
    assertThat(now.status()).as(what).isEqualTo(then.status());
    if (isTree(then)) {
      assertSaid(now.tree(), then.tree(), what);
    } else {
      assertThat(new String(now.answer(), UTF_8))
          .as(what)
          .isEqualTo(new String(then.answer(), UTF_8));
    }
  }

  private static void assertSaid(JsonNode now, JsonNode then, String what) {
    if (then.isObject()) {
      then.properties()
          .forEach(
              entry -> {
                assertThat(now.has(entry.getKey())).as(what + " " + entry.getKey()).isTrue();
                assertSaid(now.get(entry.getKey()), entry.getValue(), what + " " + entry.getKey());
              });
    } else if (then.isArray()) {
      assertThat(now.size()).as(what).isEqualTo(then.size());
      for (int i = 0; i < then.size(); i++) {
        assertSaid(now.get(i), then.get(i), what + " " + i);
      }
    } else {
      assertThat(ContractValidator.same(now, then)).as("%s: %s, was %s", what, now, then).isTrue();
    }
  }

  private static boolean isTree(Exchange exchange) {
    return exchange.type().equals(JSON)
        || exchange.type().equals(LiveService.CBOR)
        || exchange.type().equals("application/problem+json");
  }

  /** Sends a recorded request; a replay that runs, and what is not yet built, is waited for. */
  private Exchange send(LiveService live, ContractValidator contract, Exchange request) {
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

  private Exchange ask(LiveService live, Exchange question) {
    return send(live, live.contract(), question);
  }

  @Test
  @EnabledIfSystemProperty(named = "record", matches = ".+")
  void write() throws IOException {
    RecordedRelease release = new RecordedRelease(System.getProperty("record"));
    try (InputStream contract =
        RecordedRelease.class.getResourceAsStream("/resure/openapi/resure.yaml")) {
      Files.write(
          release.sources().resolve("openapi.yaml"),
          Objects.requireNonNull(contract).readAllBytes());
    }
    Path state = temporary.resolve("state");
    try (LiveService live = LiveService.open(state)) {
      List<Exchange> exchanges = new ArrayList<>();
      for (Exchange request : ReleaseSession.requests()) {
        exchanges.add(send(live, live.contract(), request));
      }
      release.write("exchanges.json", exchanges);
      retain(live, 0, 20);
      live.reopen();
      retain(live, 20, 40);
      live.stop();
      // A run that nobody asks for leaves memory, and is trimmed as it goes.
      LiveService idle = LiveService.open(state, "resure.runs.idle-after=1s");
      retain(idle, 40, 150);
      await()
          .atMost(DEADLINE)
          .pollInterval(Duration.ofSeconds(4))
          .until(() -> !idle.get(RETAINED).json().get("wholeFrom").isNull());
      List<Exchange> questions = new ArrayList<>();
      for (Exchange question : ReleaseSession.questions(replays)) {
        questions.add(ask(idle, question));
      }
      release.write("questions.json", questions);
      idle.stop();
      release.pack(state);
      try (Journal journal = RocksDbJournal.open(state, Durability.FSYNC)) {
        Files.deleteIfExists(release.sources().resolve("export.resure"));
        Progress progress = new Progress("export", line -> {}, System::nanoTime);
        new Export(journal, progress).to(release.sources().resolve("export.resure"));
      }
    }
  }

  /** Batches of a run that keeps few of its steps, from one to another. */
  private static void retain(LiveService live, int from, int to) {
    live.put(RETAINED, "{\"warmUp\":2,\"retention\":{\"observations\":{\"steps\":20}}}");
    for (int step = from; step < to; step++) {
      live.score(
          RETAINED,
          "{\"step\":%d,\"dialogues\":[{\"id\":\"d-%d\",\"losses\":[%s,1.5]}]}"
              .formatted(step, step % 10, 2 + step % 7 / 8.0),
          "Idempotency-Key",
          "k" + step);
    }
  }
}
