package resure.bench;

import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * How fast the runs of a store are exported and imported, and whether the memory for it grows with
 * them: the packaged jar's own commands, in a small heap, one after the other.
 */
final class Moving {

  private static final int RANKS = 64;
  private static final Duration LONGEST = Duration.ofMinutes(30);
  private static final Pattern PEAK = Pattern.compile("VmHWM:\\s+(\\d+) kB");
  private static final Pattern LAST =
      Pattern.compile("(\\d+) runs, (\\d+) batches, .* a second in ([0-9.]+) s");

  static final Map<String, String> DEFAULTS =
      Environment.defaults(
          Map.of(
              "batches", "1000000",
              "runs", "10",
              "body", "XS",
              "moving-jvm", "-XX:+UseG1GC -Xmx256m",
              "postgres", "true",
              "gzip", "false"));

  private final Options options;
  private final Environment environment;
  private final PrintStream out;

  Moving(Options options, PrintStream out) {
    this.options = options;
    this.environment = Environment.of(options);
    this.out = out;
  }

  void run() throws IOException, InterruptedException, SQLException {
    out.println(Environment.machine());
    out.println(options);
    Path state = environment.freshState("moving");
    build(state);
    out.printf("%.1f MB of state on disk%n", Disk.occupied(state) / 1e6);
    Path directory = environment.directory().resolve("moving");
    Disk.delete(directory);
    Path file = environment.directory().resolve("moving.resure");
    Files.deleteIfExists(file);
    move("rocksdb to file", "export", file, inDirectory(state));
    out.printf("%.1f MB in the file%n", Files.size(file) / 1e6);
    if (options.on("gzip")) {
      compress(file);
    }
    move("rocksdb to directory", "export", directory, inDirectory(state));
    move("again, nothing new", "export", directory, inDirectory(state));
    Path copy = environment.freshState("moved");
    move("file to rocksdb", "import", file, inDirectory(copy));
    move("again, nothing new", "import", file, inDirectory(copy));
    move("directory to rocksdb", "import", directory, inDirectory(environment.freshState("moved")));
    if (options.on("postgres")) {
      throughPostgres(file);
    }
    Disk.delete(directory);
    Files.delete(file);
  }

  private void throughPostgres(Path file) throws IOException, InterruptedException, SQLException {
    Path again = environment.directory().resolve("moving-again.resure");
    Files.deleteIfExists(again);
    try (Postgres postgres = new Postgres(environment.directory().resolve("postgres"))) {
      postgres.create("moved");
      move("file to postgres", "import", file, postgres.properties("moved"));
      move("postgres to file", "export", again, postgres.properties("moved"));
    }
    Files.delete(again);
  }

  private static List<String> inDirectory(Path state) {
    return List.of("--resure.state.directory=" + state);
  }

  /** Runs of batches as trainers send them, with keys, through a service. */
  private void build(Path state) throws IOException, InterruptedException {
    int batches = options.number("batches");
    int runs = options.number("runs");
    Shape shape = Shape.valueOf(options.text("body"));
    BatchRequests requests = new BatchRequests(shape, runs, RANKS, true);
    try (ServerProcess service =
        ServerProcess.ofService(
            environment.serviceJar(), environment.jvm(), environment.log("moving"), state, "os")) {
      service.awaitReady();
      HttpComparison.createRuns(service, runs);
      try (LoadClient client = new LoadClient(service.port(), RANKS)) {
        Load load = client.drive(requests, batches);
        out.printf("%d batches posted, %.0f a second%n", batches, load.perSecond());
      }
      service.stop();
    }
  }

  private void move(String what, String command, Path path, List<String> store)
      throws IOException, InterruptedException {
    List<String> words = new ArrayList<>();
    words.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    words.addAll(List.of(options.text("moving-jvm").split(" +", -1)));
    words.addAll(List.of("-jar", environment.serviceJar().toString(), command, path.toString()));
    words.addAll(store);
    Path log = environment.log("moving-" + command);
    Instant before = Instant.now();
    Process process =
        new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    long peak = 0;
    long early = 0;
    try {
      Instant end = before.plus(LONGEST);
      while (!process.waitFor(50, TimeUnit.MILLISECONDS)) {
        if (Instant.now().isAfter(end)) {
          throw new IOException(what + " did not end, see " + log);
        }
        peak = Math.max(peak, peakBytes(process));
        if (Duration.between(before, Instant.now()).toSeconds() < 4) {
          early = peak;
        }
      }
    } finally {
      process.destroyForcibly();
    }
    Duration took = Duration.between(before, Instant.now());
    String said = Files.readString(log);
    Matcher last = last(said);
    if (process.exitValue() != 0 || last == null) {
      throw new IOException(what + " failed:\n" + said);
    }
    double seconds = Double.parseDouble(last.group(3));
    double batches = Double.parseDouble(last.group(2));
    out.printf(
        "%-22s %8.0f batches, %7.0f a second (%.1f s, %.1f s with the start of the JVM),"
            + " peak resident %4.0f MB, after 4 s %4.0f MB%n",
        what, batches, batches / seconds, seconds, took.toMillis() / 1e3, peak / 1e6, early / 1e6);
  }

  private static @Nullable Matcher last(String said) {
    Matcher matcher = LAST.matcher(said);
    return matcher.find() ? matcher : null;
  }

  private static long peakBytes(Process process) {
    try {
      Matcher peak =
          PEAK.matcher(Files.readString(Path.of("/proc", Long.toString(process.pid()), "status")));
      return peak.find() ? 1024 * Long.parseLong(peak.group(1)) : 0;
    } catch (IOException e) {
      // It has ended meanwhile.
      return 0;
    }
  }

  private void compress(Path file) throws IOException, InterruptedException {
    for (String level : List.of("-1", "-6")) {
      Instant before = Instant.now();
      Path compressed = Path.of(file + level + ".gz");
      Process gzip =
          new ProcessBuilder("gzip", level, "-c", file.toString())
              .redirectOutput(compressed.toFile())
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      if (gzip.waitFor() != 0) {
        throw new IOException("gzip failed");
      }
      out.printf(
          "gzip %s: %.1f MB, %.1f s%n",
          level,
          Files.size(compressed) / 1e6,
          Duration.between(before, Instant.now()).toMillis() / 1e3);
      Files.delete(compressed);
    }
  }
}
