package resure.contract;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import resure.contract.RecordedRelease.Exchange;
import tools.jackson.databind.JsonNode;

/**
 * What clients sent to each earlier release is still taken, and answered so that those clients
 * understand; the state that it left is read, and says what it said then. {@link ReleaseRecording}
 * records a release.
 */
class RecordedReleaseTest {

  private static final List<String> VERSIONS = RecordedRelease.VERSIONS;

  @TempDir private Path temporary;

  private final ReleaseClient client = new ReleaseClient();

  @ParameterizedTest
  @FieldSource("VERSIONS")
  void whatItsClientsSentIsTakenAndAnsweredAsTheyUnderstand(String version) {
    RecordedRelease release = new RecordedRelease(version);
    ContractValidator contract = ContractValidator.ofClients(release.open("openapi.yaml"));
    try (LiveService live = LiveService.start("resure.durability=os")) {
      for (Exchange then : release.exchanges("exchanges.json")) {
        Exchange now = client.send(live, contract, then);
        String what = then.method() + " " + then.path() + " " + new String(now.answer(), UTF_8);
        assertThat(now.status()).as(what).isEqualTo(then.status());
        assertThat(now.type()).as(what).isEqualTo(then.type());
        if (ReleaseClient.isTree(then)) {
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
  @DisabledIfSystemProperty(
      named = "resure.journal.store",
      matches = "postgres",
      disabledReason = "it is a state directory; BetweenStoresTest imports its export")
  void theStateThatItLeftSaysWhatItSaidThen(String version) throws IOException {
    RecordedRelease release = new RecordedRelease(version);
    Path state = release.unpack(temporary.resolve("state"));
    try (LiveService live = LiveService.open(state)) {
      List<Exchange> questions = release.exchanges("questions.json");
      assertThat(questions).hasSizeGreaterThan(50);
      for (Exchange then : questions) {
        assertSame(client.send(live, live.contract(), then), then);
      }
      // Of the release at hand from now on, with all that was.
      live.reopen();
      for (Exchange then :
          questions.stream().filter(each -> each.path().endsWith("/statistics")).toList()) {
        assertSame(client.send(live, live.contract(), then), then);
      }
    }
  }

  /** All that was said, and the same; more may be said. */
  private static void assertSame(Exchange now, Exchange then) {
    String what = then.path();
    assertThat(now.status()).as(what).isEqualTo(then.status());
    if (ReleaseClient.isTree(then)) {
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
}
