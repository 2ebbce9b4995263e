package resure.journal.rocksdb;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;

/**
 * A library to preload that makes writes or syncs under a directory fail, or the process die at one
 * of them, while a trigger file exists; see {@code failing_disk.c}. Needs Linux and a C compiler.
 */
public final class FailingDisk {

  private final Path library;

  private FailingDisk(Path library) {
    this.library = library;
  }

  /** Compiles the library, or skips the test and says why. */
  public static FailingDisk compile(Path into) throws IOException, InterruptedException {
    return new FailingDisk(compile("failing_disk", into));
  }

  /** The same of any library to preload, by the name of its source. */
  public static Path compile(String name, Path into) throws IOException, InterruptedException {
    Path source = Path.of("src", "test", "c", name + ".c").toAbsolutePath();
    Path library = into.resolve(name + ".so");
    Path output = into.resolve("cc.txt");
    ProcessBuilder compiler =
        new ProcessBuilder(
                "cc",
                "-shared",
                "-fPIC",
                "-O1",
                "-o",
                library.toString(),
                source.toString(),
                "-ldl",
                "-lpthread")
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    Process process;
    try {
      process = compiler.start();
    } catch (IOException e) {
      Assumptions.abort("No C compiler (cc), so no disk can be made to fail: " + e.getMessage());
      throw e;
    }
    if (process.waitFor() != 0) {
      throw new IOException("cc failed:\n" + Files.readString(output));
    }
    return library;
  }

  /** What a process needs in its environment for its disk to fail under a directory that exists. */
  public Map<String, String> environment(Path directory, Path trigger) throws IOException {
    return Map.of(
        "LD_PRELOAD", library.toString(),
        "FAILING_DISK_DIRECTORY", directory.toRealPath().toString(),
        "FAILING_DISK_TRIGGER", trigger.toString());
  }

  /**
   * Runs a main class of the test class path in a process of its own.
   *
   * @return its exit status and all that it said
   */
  Outcome run(Path directory, Path trigger, Class<?> main, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("-cp");
    command.add(
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
    command.add(main.getName());
    command.addAll(List.of(arguments));
    ProcessBuilder child = new ProcessBuilder(command).redirectErrorStream(true);
    child.environment().putAll(environment(directory, trigger));
    Process process = child.start();
    String said = new String(process.getInputStream().readAllBytes(), UTF_8);
    return new Outcome(process.waitFor(), said);
  }

  /** How a process ended. */
  record Outcome(int status, String said) {}
}
