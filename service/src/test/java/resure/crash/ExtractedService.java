package resure.crash;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.springframework.util.FileSystemUtils;

/**
 * The packaged service as the image has it: extracted, and with an AOT cache of one start. Tests
 * start it very often, and so it is there within a third of the time.
 */
final class ExtractedService {

  private static final Path JAR = Path.of("target", "resure-service.jar").toAbsolutePath();
  private static final Path DIRECTORY = Path.of("target", "extracted").toAbsolutePath();

  private static final List<String> COMMAND = extract();

  private ExtractedService() {}

  /**
   * Starts the service, with {@code options} of the JVM; arguments may follow. Without its cache
   * where the options make it useless.
   */
  static List<String> command(List<String> options) {
    List<String> command = new ArrayList<>(COMMAND);
    command.addAll(1, options);
    return command;
  }

  private static List<String> extract() {
    if (!Files.exists(JAR)) {
      throw new AssertionError(JAR + " is missing: this test runs in mvn verify, after packaging");
    }
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    Path cache = DIRECTORY.resolve("service.aot");
    String jar = DIRECTORY.resolve(JAR.getFileName()).toString();
    try {
      FileSystemUtils.deleteRecursively(DIRECTORY);
      run(java, "-Djarmode=tools", "-jar", JAR.toString(), "extract", "--destination", DIRECTORY);
      run(
          java,
          "-XX:AOTCacheOutput=" + cache,
          "-XX:TieredStopAtLevel=1",
          "-Xmx256m",
          "-Dspring.context.exit=onRefresh",
          "-jar",
          jar,
          "--server.port=0",
          "--management.server.port=0",
          "--resure.state.directory=" + DIRECTORY.resolve("state"));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return List.of(java.toString(), "-XX:AOTCache=" + cache, "-jar", jar);
  }

  private static void run(Object... command) throws IOException {
    List<String> words = new ArrayList<>();
    for (Object word : command) {
      words.add(word.toString());
    }
    Path log = Files.createTempFile("extracted-", ".log");
    try {
      Process process =
          new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(log.toFile()).start();
      if (!process.waitFor(2, TimeUnit.MINUTES)) {
        process.destroyForcibly();
        throw new AssertionError(words + " took too long\n" + Files.readString(log));
      }
      if (process.exitValue() != 0) {
        throw new AssertionError(words + " failed\n" + Files.readString(log));
      }
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    } finally {
      Files.delete(log);
    }
  }
}
