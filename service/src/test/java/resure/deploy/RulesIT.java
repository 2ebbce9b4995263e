package resure.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The rules for Prometheus in promtool: cases in which each alert fires, and in which not. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RulesIT {

  @TempDir private Path directory;

  private Path promtool;

  @BeforeEach
  void copy() throws IOException {
    Optional<Path> installed = PrometheusProcess.installed("promtool");
    assumeTrue(installed.isPresent(), "SKIPPED: no promtool here to try the alerting rules");
    promtool = installed.get();
    Files.writeString(directory.resolve("rules.yml"), ComposeFile.text(RulesTest.RULES));
    Files.writeString(directory.resolve("rules-test.yml"), cases());
  }

  private static String cases() throws IOException {
    try (InputStream in = RulesIT.class.getResourceAsStream("rules-test.yml")) {
      return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private void succeeds(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(promtool.toString()));
    command.addAll(List.of(arguments));
    Path said = directory.resolve("said.txt");
    Process process =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(said.toFile())
            .start();
    assertThat(process.waitFor()).as(Files.readString(said)).isZero();
  }

  @Test
  void theRulesAreValid() throws Exception {
    succeeds("check", "rules", "rules.yml");
  }

  @Test
  void everyAlertFiresWhenItShouldAndNotWhenItShouldNot() throws Exception {
    succeeds("test", "rules", "rules-test.yml");
  }

  @Test
  void everyAlertHasACase() throws Exception {
    assertThat(all("alertname: (Resure\\w+)\n *exp_alerts:\n", cases()))
        .containsAll(all("- alert: (Resure\\w+)", ComposeFile.text(RulesTest.RULES)));
  }

  private static List<String> all(String pattern, String text) {
    return Pattern.compile(pattern)
        .matcher(text)
        .results()
        .map((MatchResult m) -> m.group(1))
        .toList();
  }
}
