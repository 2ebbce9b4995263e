package resure.contract;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** {@code examples/curl.sh}, run against a service as it stands. */
class CurlExampleTest {

  /** A command as the script prints it, its answer, and the status. */
  private static final Pattern CALL =
      Pattern.compile("^curl (.*)$(?s:.*?)^=> (\\d{3})$", Pattern.MULTILINE);

  private record Run(int exit, String output) {}

  @Test
  void callsEveryOperationOfTheContractAndLeavesNothing() throws Exception {
    try (LiveService live = LiveService.start()) {
      Run run = run("http://127.0.0.1:" + live.port());
      assertThat(run.exit).as(run.output).isZero();
      Set<String> called = new TreeSet<>();
      for (MatchResult call : CALL.matcher(run.output).results().toList()) {
        String operation = operation(live.contract(), call.group(1));
        if (call.group(2).startsWith("2")) {
          called.add(operation);
        }
      }
      Set<String> operations = new TreeSet<>();
      live.contract()
          .documented()
          .forEach(each -> operations.add(each.substring(0, each.indexOf(' '))));
      assertThat(called).as(run.output).isEqualTo(operations);
      assertThat(live.get("/v1/runs").json().get("runs")).isEmpty();
    }
  }

  @Test
  void anAnswerThatWasNotExpectedEndsItWithAnError() throws Exception {
    try (LiveService live = LiveService.start()) {
      Run run = run("http://127.0.0.1:" + live.port() + "/elsewhere");
      assertThat(run.exit).as(run.output).isEqualTo(1);
      assertThat(run.output).contains("=> 404").contains("expected 200");
    }
  }

  private static String operation(ContractValidator contract, String arguments) {
    String method =
        arguments.contains("-X ")
            ? arguments.replaceFirst("(?s).*-X (\\w+) .*", "$1")
            : Pattern.compile(" (-d|--data-binary) ").matcher(arguments).find() ? "POST" : "GET";
    String address =
        Stream.of(arguments.split(" ", -1))
            .filter(word -> word.startsWith("http://"))
            .findFirst()
            .orElseThrow();
    return contract.operation(method, URI.create(address.replace("\\", "")));
  }

  private static Run run(String address) throws Exception {
    List<String> path = List.of(System.getenv("PATH").split(File.pathSeparator));
    assumeTrue(
        Stream.of("curl", "bash")
            .allMatch(c -> path.stream().anyMatch(p -> Files.isExecutable(Path.of(p, c)))),
        "SKIPPED: no curl or no bash to run examples/curl.sh with");
    Path repository = Path.of("").toAbsolutePath();
    while (!Files.exists(repository.resolve("openapi/resure.yaml"))) {
      repository = Objects.requireNonNull(repository.getParent(), "run within the repository");
    }
    Process script =
        new ProcessBuilder("bash", "examples/curl.sh", address)
            .directory(repository.toFile())
            .redirectErrorStream(true)
            .start();
    String output = new String(script.getInputStream().readAllBytes(), UTF_8);
    assertThat(script.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return new Run(script.exitValue(), output);
  }
}
