package resure.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The Python examples' own tests, against the packaged service. Those that need PyTorch say that
 * they were skipped where it is missing.
 */
@Timeout(value = 15 * 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PythonExamplesIT {

  private static final Path JAR = Path.of("target", "resure-service.jar").toAbsolutePath();

  @TempDir private Path temporary;

  @ParameterizedTest
  @ValueSource(strings = {"pytorch", "evidence"})
  void theExamplesOwnTestsPass(String example) throws Exception {
    String python = python();
    assumeTrue(python != null, "SKIPPED: no python3 here, so none of its examples can be run");
    Path tests = repository().resolve("examples").resolve(example).resolve("tests");
    Path said = temporary.resolve("said.txt");
    ProcessBuilder command =
        new ProcessBuilder(python, "-B", "-m", "unittest", "discover", "-v", "-s", tests.toString())
            .directory(temporary.toFile())
            .redirectErrorStream(true)
            .redirectOutput(said.toFile());
    command.environment().put("RESURE_JAR", JAR.toString());
    command
        .environment()
        .put("RESURE_JAVA", Path.of(System.getProperty("java.home"), "bin", "java").toString());

    Process process = command.start();
    boolean ended;
    try {
      ended = process.waitFor(10, TimeUnit.MINUTES);
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }

    String output = Files.readString(said, StandardCharsets.UTF_8);
    output.lines().filter(line -> line.contains("skipped")).forEach(System.out::println);
    assertThat(ended).as("ended in time\n%s", output).isTrue();
    assertThat(process.waitFor()).as(output).isZero();
    assertThat(output).doesNotContain("Ran 0 tests");
  }

  /** A Python with PyTorch where there is one; null where there is no Python. */
  private static String python() throws IOException, InterruptedException {
    List<String> found = new ArrayList<>();
    for (String candidate : List.of("python3", "/usr/bin/python3")) {
      if (succeeds(candidate, "-c", "import torch")) {
        return candidate;
      }
      if (succeeds(candidate, "--version")) {
        found.add(candidate);
      }
    }
    return found.isEmpty() ? null : found.getFirst();
  }

  private static boolean succeeds(String... command) throws InterruptedException {
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      return process.waitFor() == 0;
    } catch (IOException e) {
      return false;
    }
  }

  private static Path repository() {
    Path directory = Path.of("").toAbsolutePath();
    while (directory != null && !Files.exists(directory.resolve("openapi/resure.yaml"))) {
      directory = directory.getParent();
    }
    return Objects.requireNonNull(directory, "run within the repository");
  }
}
