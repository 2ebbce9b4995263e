package resure.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What {@code bench soak} does in 20 minutes, in a fraction of one. */
class SoakTest {

  private static final Path JAR = Path.of("..", "service", "target", "resure-service.jar");

  @TempDir private Path directory;

  @Test
  @Timeout(value = 5, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void whatIsAnsweredIsThereOnceWhateverElseIsGoingOn() throws Exception {
    Assumptions.assumeTrue(Files.isRegularFile(JAR), "the service is not packaged yet");
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    boolean right =
        new Soak(
                Options.parse(
                    List.of(
                        "--seconds=20",
                        "--samples=2",
                        "--rate=100",
                        "--jvm=-Xmx512m --enable-native-access=ALL-UNNAMED",
                        "--service-jar=" + JAR,
                        "--directory=" + directory),
                    Soak.DEFAULTS),
                new PrintStream(said, true, StandardCharsets.UTF_8))
            .run();
    String report = said.toString(StandardCharsets.UTF_8);
    assertThat(right).as(report).isTrue();
    // None of it is left out in silence.
    assertThat(report)
        .contains(
            "batches answered 200",
            "repeated by key",
            "said half",
            "too large answered 413",
            "events read",
            "scrapes",
            "replays answered 202",
            "killed; ready again",
            "all that were answered, once")
        .doesNotContain("FAILED");
  }
}
