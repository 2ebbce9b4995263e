package resure.contract;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The README's commands, run as they stand there but for the port. */
class ReadmeCommandsTest {

  private static LiveService service;
  private static String readme;

  @BeforeAll
  static void start() throws IOException {
    readme = Files.readString(repository().resolve("README.md"));
    service = LiveService.start();
  }

  @AfterAll
  static void stop() {
    service.close();
  }

  @Test
  void theFirstWeightsAreThoseThatTheReadmeShows() throws Exception {
    requireCommand("curl");
    String answers = run(block("## First weights", "sh"));
    assertThat(answers.strip()).endsWith(block("## First weights", "json").strip());
  }

  @Test
  void theReplayGivesTheResultThatTheReadmeShows() throws Exception {
    requireCommand("curl");
    run(block("## First weights", "sh").replace("sft-42", "sft-43"));
    String answer = run(block("## Which weighting?", "sh").replace("sft-42", "sft-43"));
    RecordedRelease.requireSaid(
        ContractValidator.parse(answer.strip().getBytes(UTF_8)),
        ContractValidator.parse(block("## Which weighting?", "json").getBytes(UTF_8)),
        "");
  }

  @Test
  void theRecordedTraceIsReplayedAndSummedUp() throws Exception {
    requireCommand("python3");
    String output = run("python3 examples/replay_trace.py --address http://127.0.0.1:8080");
    for (String line :
        readme.lines().filter(l -> l.matches("(mean weight|AUROC) of .*")).toList()) {
      assertThat(output).contains(line);
    }
  }

  private static String block(String heading, String language) {
    String section = readme.substring(readme.indexOf(heading));
    Matcher block =
        Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL).matcher(section);
    assertThat(block.find()).isTrue();
    return block.group(1);
  }

  private static String run(String commands) throws Exception {
    String here = commands.replace("127.0.0.1:8080", "127.0.0.1:" + service.port());
    Process shell =
        new ProcessBuilder("sh", "-ec", here)
            .directory(repository().toFile())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    String output = new String(shell.getInputStream().readAllBytes(), UTF_8);
    assertThat(shell.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(shell.exitValue()).as(output).isZero();
    return output;
  }

  private static void requireCommand(String command) {
    List<String> path = List.of(System.getenv("PATH").split(File.pathSeparator));
    assumeTrue(
        Stream.of(command, "sh")
            .allMatch(c -> path.stream().anyMatch(p -> Files.isExecutable(Path.of(p, c)))),
        "SKIPPED: no " + command + " to run the README's commands with");
  }

  private static Path repository() {
    Path directory = Path.of("").toAbsolutePath();
    while (directory != null && !Files.exists(directory.resolve("openapi/resure.yaml"))) {
      directory = directory.getParent();
    }
    return Objects.requireNonNull(directory, "run within the repository");
  }
}
