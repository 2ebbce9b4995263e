package resure.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import resure.compute.jvm.JvmCompute;
import resure.journal.Durability;
import resure.journal.rocksdb.RocksDbJournal;
import resure.observation.ObservationBatch;
import resure.observation.RunId;
import resure.projection.DialoguePage;
import resure.projection.DialogueQuery;
import resure.projection.DialogueRanking;
import resure.projection.DialogueReliability;
import resure.projection.Dialogues;
import resure.projection.Looked;
import resure.projection.ReadModels;
import resure.run.Outcome;
import resure.run.RunDescription;
import resure.run.RunFollower;
import resure.run.RunLimits;
import resure.run.RunListener;
import resure.run.RunSettings;
import resure.run.Runs;
import resure.run.Scored;
import resure.run.WantedSettings;

/**
 * What the read models cost of a batch: CPU of this process, everything that is done behind it
 * included, with them and without, in turns. Without HTTP, so that only the difference says
 * something: compare it with the CPU of a request of the command {@code http}.
 */
final class ReadModelCost {

  static final Map<String, String> DEFAULTS =
      Map.of(
          "bodies", "S,L",
          "dialogues", "20000",
          "batches", "20000",
          "rounds", "5",
          "runs", "20",
          "directory", "bench/target/measured");

  private static final int IN_FLIGHT = 64;

  private final Options options;
  private final PrintStream out;

  ReadModelCost(Options options, PrintStream out) {
    this.options = options;
    this.out = out;
  }

  void run() throws IOException {
    out.println(Environment.machine());
    out.println(options);
    for (String body : options.list("bodies")) {
      measure(Shape.valueOf(body));
    }
  }

  /** A service in this process. */
  private record Measured(Runs runs, @Nullable ReadModels models) {}

  private void measure(Shape shape) throws IOException {
    Path directory = Path.of(options.text("directory"));
    Path without = directory.resolve("state-plain");
    Path with = directory.resolve("state-models");
    Disk.delete(without);
    Disk.delete(with);
    RocksDbJournal journal = RocksDbJournal.open(with, Durability.OS);
    ReadModels models = new ReadModels(journal.rows(), false, List.of(new Dialogues()));
    try (Runs plain = runs(RocksDbJournal.open(without, Durability.OS), RunFollower.NONE);
        Runs modelled = runs(journal, models)) {
      List<Measured> all = List.of(new Measured(plain, null), new Measured(modelled, models));
      for (Measured each : all) {
        for (int i = 0; i < options.number("runs"); i++) {
          done(each.runs.create(id(i), new Defaults()));
        }
      }
      int batches = options.number("batches");
      int step = 0;
      // Warm up, and let the dialogues become as many as they will be.
      for (int round = 0; round < 2; round++, step++) {
        for (Measured each : all) {
          double _ = cpuMicros(each, shape, step, batches);
        }
      }
      List<Double> differences = new ArrayList<>();
      List<Double> costs = new ArrayList<>();
      for (int round = 0; round < options.number("rounds"); round++, step++) {
        boolean plainFirst = round % 2 == 0;
        double first = cpuMicros(all.get(plainFirst ? 0 : 1), shape, step, batches);
        double second = cpuMicros(all.get(plainFirst ? 1 : 0), shape, step, batches);
        costs.add(plainFirst ? first : second);
        differences.add(plainFirst ? second - first : first - second);
      }
      long start = System.nanoTime();
      int found = page(modelled, models, 0, 20).size();
      out.printf(
          "%s: %.1f us CPU a batch without, %.1f us (%.1f to %.1f) more with; %d dialogues of a run"
              + " found in %.0f ms%n",
          shape,
          Figures.median(costs.stream().mapToDouble(Double::doubleValue).toArray()),
          Figures.median(differences.stream().mapToDouble(Double::doubleValue).toArray()),
          differences.stream().mapToDouble(Double::doubleValue).min().orElse(Double.NaN),
          differences.stream().mapToDouble(Double::doubleValue).max().orElse(Double.NaN),
          found,
          (System.nanoTime() - start) / 1e6);
    } finally {
      Disk.delete(without);
      Disk.delete(with);
    }
  }

  private static Runs runs(RocksDbJournal journal, RunFollower follower) {
    return new Runs(
        journal,
        JvmCompute::new,
        JvmCompute::new,
        Durability.OS,
        new RunLimits(4096, 1 << 20, 1000, Duration.ofHours(1), Duration.ofSeconds(1)),
        InstantSource.system(),
        RunListener.NONE,
        follower);
  }

  private static RunId id(int run) {
    return new RunId(RunId.DEFAULT_TENANT, "run-" + run);
  }

  /** Of one batch, when everything that was done behind is done. */
  private double cpuMicros(Measured service, Shape shape, int step, int batches) {
    com.sun.management.OperatingSystemMXBean system =
        ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class);
    long before = system.getProcessCpuTime();
    int runs = options.number("runs");
    ArrayDeque<CompletableFuture<Outcome<Scored>>> inFlight = new ArrayDeque<>();
    for (int i = 0; i < batches; i++) {
      int ofRun = i / runs + step * (batches / runs);
      inFlight.add(service.runs.score(id(i % runs), null, batch(shape, ofRun)));
      if (inFlight.size() > IN_FLIGHT) {
        Scored _ = done(inFlight.remove());
      }
    }
    inFlight.forEach(ReadModelCost::done);
    if (service.models != null) {
      for (int i = 0; i < runs; i++) {
        awaitWritten(service.runs, service.models, i);
      }
    }
    return (system.getProcessCpuTime() - before) / 1e3 / batches;
  }

  /** Until the rows hold everything; nothing is looked for in them. */
  private static void awaitWritten(Runs runs, ReadModels models, int ofRun) {
    RunDescription run = done(runs.describe(id(ofRun), 0));
    Looked<Boolean> looked;
    do {
      looked = done(models.ask(run.key(), run.sequence(), (rows, mark) -> true));
    } while (looked.progress() < 1);
  }

  private static List<DialogueReliability> page(
      Runs runs, ReadModels models, int ofRun, int limit) {
    RunDescription run = done(runs.describe(id(ofRun), 0));
    Looked<DialoguePage> looked;
    do {
      looked =
          done(
              models.ask(
                  run.key(),
                  run.sequence(),
                  new DialogueRanking(run.key(), new DialogueQuery(limit, null, null, null))));
    } while (looked.progress() < 1);
    return looked.found().dialogues();
  }

  private ObservationBatch batch(Shape shape, int step) {
    int[] offsets = new int[shape.dialogues() + 1];
    int[] idEnds = new int[shape.dialogues()];
    int[] sourceOf = new int[shape.dialogues()];
    ByteArrayOutputStream ids = new ByteArrayOutputStream();
    for (int d = 0; d < shape.dialogues(); d++) {
      ids.writeBytes(
          ("sgd-5_" + (step * shape.dialogues() + d) % options.number("dialogues"))
              .getBytes(UTF_8));
      idEnds[d] = ids.size();
      sourceOf[d] = d % 2;
      offsets[d + 1] = offsets[d] + shape.turns();
    }
    return new ObservationBatch(
        step,
        0,
        0,
        null,
        offsets,
        Losses.batch(shape, step),
        null,
        null,
        ids.toByteArray(),
        idEnds,
        List.of("sgd", "sharegpt"),
        sourceOf,
        null,
        null);
  }

  private static <T> T done(CompletableFuture<Outcome<T>> answer) {
    if (answer.join() instanceof Outcome.Done<T> done) {
      return done.value();
    }
    throw new IllegalStateException("refused");
  }

  private record Defaults() implements WantedSettings {
    @Override
    public RunSettings complete() {
      return RunSettings.DEFAULT;
    }

    @Override
    public @Nullable String conflict(RunSettings existing) {
      return null;
    }
  }
}
