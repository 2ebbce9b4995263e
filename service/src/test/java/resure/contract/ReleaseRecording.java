package resure.contract;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import resure.archive.Export;
import resure.archive.Progress;
import resure.contract.RecordedRelease.Exchange;
import resure.journal.Durability;
import resure.journal.Journal;
import resure.journal.rocksdb.RocksDbJournal;

/**
 * Records the release that is at hand for {@link RecordedReleaseTest}: once, before it is
 * published, by
 *
 * <pre>
 *   unshare --uts sh -c 'hostname resure; mvn -q test -pl service -am -Dtest=ReleaseRecording \
 *     -Dsurefire.failIfNoSpecifiedTests=false -Drecord=0.1.0'
 * </pre>
 *
 * <p>and its version noted in {@link RecordedRelease#VERSIONS}. RocksDB writes the name of the
 * machine into its tables; hence one of its own. No other run of the tests has this class.
 */
class ReleaseRecording {

  private static final Duration DEADLINE = Duration.ofSeconds(30);
  private static final String RETAINED = "/v1/runs/retained";

  @TempDir private Path temporary;

  private final ReleaseClient client = new ReleaseClient();

  @Test
  @DisabledIfSystemProperty(named = "resure.compute.backend", matches = "djl")
  @DisabledIfSystemProperty(named = "resure.journal.store", matches = "postgres")
  void write() throws IOException {
    RecordedRelease release =
        new RecordedRelease(
            Objects.requireNonNull(System.getProperty("record"), "-Drecord=VERSION"));
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
        exchanges.add(client.send(live, live.contract(), request));
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
      for (Exchange question : ReleaseSession.questions(client.replays())) {
        questions.add(client.send(idle, idle.contract(), question));
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
