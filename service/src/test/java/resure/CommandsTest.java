package resure;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import resure.access.Caller;
import resure.access.Scope;
import resure.access.TokenSet;
import resure.contract.RecordedRelease;
import resure.journal.Append;
import resure.journal.Durability;
import resure.journal.Head;
import resure.journal.Incarnation;
import resure.journal.Journal;
import resure.journal.JournalEntry;
import resure.journal.JournalException;
import resure.journal.RunKey;
import resure.journal.rocksdb.RocksDbJournal;
import resure.observation.Retention;
import resure.observation.RunId;
import resure.weighting.Configuration;

/** The words of the jar other than to serve: what they print and how they end. */
class CommandsTest {

  /** Whatever store these tests are run on. */
  private static final String ROCKSDB = "--resure.journal.store=rocksdb";

  @TempDir private Path directory;

  private final List<String> results = new ArrayList<>();
  private final List<String> lines = new ArrayList<>();

  private int run(String... arguments) {
    results.clear();
    lines.clear();
    return new Commands(results::add, lines::add).run(arguments);
  }

  @Test
  void toServeNeedsNoWordAndHasOne() {
    assertThat(Commands.isOne(new String[] {})).isFalse();
    assertThat(Commands.isOne(new String[] {"--server.port=0"})).isFalse();
    assertThat(Commands.isOne(new String[] {"serve", "--server.port=0"})).isFalse();
    assertThat(Commands.isOne(new String[] {"export", "all"})).isTrue();
  }

  @Test
  void whatIsNotUnderstoodEndsWithTwoAndTheUsage() {
    assertThat(run("exprot")).isEqualTo(Commands.NOT_UNDERSTOOD);
    assertThat(String.join("\n", lines))
        .contains("exprot", "export", "import", "verify", "check-config", "token", "version");
    assertThat(run("token")).isEqualTo(Commands.NOT_UNDERSTOOD);
  }

  @Test
  void theVersionIsTheOnlyResult() {
    assertThat(run("version")).isEqualTo(Commands.DONE);
    assertThat(results).hasSize(1);
    assertThat(lines).isEmpty();
  }

  @Test
  void aConfigurationIsCheckedWholeWithoutStartingAnything() throws IOException {
    String loopback = "--server.address=127.0.0.1";
    assertThat(run("check-config", ROCKSDB, loopback)).isEqualTo(Commands.DONE);
    assertThat(run("check-config", ROCKSDB, loopback, "--resure.durability=often"))
        .isEqualTo(Commands.NOT_UNDERSTOOD);
    assertThat(lines).singleElement().asString().contains("resure.durability is 'often'");
    Path tokens = Files.writeString(directory.resolve("tokens"), "broken");
    assertThat(run("check-config", ROCKSDB, loopback, "--resure.access.tokens=" + tokens))
        .isEqualTo(Commands.NOT_UNDERSTOOD);
    assertThat(lines).singleElement().asString().contains("resure.access.tokens", "line 1");
  }

  @Test
  void aTokenIsShownOnceAndItsLineMakesItValid() throws IOException {
    Path file = directory.resolve("tokens");
    Files.writeString(file, "# no line end");
    assertThat(run("token", "create", "--tenant=a", "--scopes=read,write", "--file=" + file))
        .isEqualTo(Commands.DONE);
    assertThat(results).hasSize(1);
    assertThat(lines).isEmpty();
    String text = Files.readString(file);
    assertThat(text).doesNotContain(results.getFirst().substring(16));
    assertThat(TokenSet.parse(text).find(results.getFirst()))
        .isNotNull()
        .extracting(Caller::scopes)
        .isEqualTo(java.util.Set.of(Scope.READ, Scope.WRITE));

    assertThat(run("token", "create", "--scopes=admin")).isEqualTo(Commands.DONE);
    assertThat(TokenSet.parse(lines.getLast()).find(results.getFirst())).isNotNull();
    assertThat(run("token", "create", "--scopes=all")).isEqualTo(Commands.NOT_UNDERSTOOD);
    assertThat(run("token", "create", "--scopes=read", "--tenant=-"))
        .isEqualTo(Commands.NOT_UNDERSTOOD);
  }

  @Test
  void aStoreIsVerifiedAndOneThatIsNotThereIsNotMade() throws JournalException {
    Path state = directory.resolve("state");
    assertThat(run("verify", state.toString(), ROCKSDB)).isEqualTo(Commands.FAILED);
    assertThat(state).doesNotExist();
    try (Journal journal = RocksDbJournal.open(state, Durability.OS)) {
      JournalEntry created =
          new JournalEntry.Created(
              Instant.EPOCH,
              Configuration.DEFAULT,
              Map.of(),
              null,
              Retention.ALL,
              "token 3f9c2a71");
      RunKey run = new RunKey(new RunId("team", "sft-42"), Incarnation.next(0));
      journal.append(
          List.of(
              new Append(
                  run,
                  Head.NONE,
                  List.of(
                      created,
                      new JournalEntry.Rewound(Instant.EPOCH, 7, null, "https://id.example lea"),
                      new JournalEntry.Finished(Instant.EPOCH)))));
    }
    assertThat(run("verify", state.toString(), ROCKSDB)).isEqualTo(Commands.DONE);
    assertThat(lines).last().asString().startsWith("verify: 1 runs, 3 entries, 0 snapshots");
    assertThat(results).isEmpty();
    assertThat(run("verify", "--changes", state.toString(), ROCKSDB)).isEqualTo(Commands.DONE);
    assertThat(results)
        .containsExactly(
            "1970-01-01T00:00:00Z team/sft-42 1: created, by token 3f9c2a71",
            "1970-01-01T00:00:00Z team/sft-42 2: rewound to step 7, by https://id.example lea",
            "1970-01-01T00:00:00Z team/sft-42 3: finished");
  }

  @ParameterizedTest
  @FieldSource("resure.contract.RecordedRelease#VERSIONS")
  void theStateOfEveryReleaseIsVerified(String version) throws IOException {
    Path state = new RecordedRelease(version).unpack(directory.resolve("state"));

    assertThat(run("verify", state.toString(), ROCKSDB))
        .as(lines::toString)
        .isEqualTo(Commands.DONE);
    assertThat(lines)
        .last()
        .asString()
        .matches("verify: 25 runs, \\d+ entries, \\d\\d snapshots.*");
  }
}
