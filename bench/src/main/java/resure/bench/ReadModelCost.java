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
import resure.projection.History;
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
 * included, with them and without, in turns. Batches come no faster than what they tell is written,
 * since more than may wait is read from the journal again, which is another cost.
 *
 * <p>That is without HTTP. What a request costs is measured of the packaged service, which has
 * them: the report takes the difference from that for a request without.
 */
final class ReadModelCost {

  static final Map<String, String> DEFAULTS =
      Environment.defaults(
          Map.of(
              "bodies", "S,L",
              "dialogues", "20000",
              "losses", "4000000",
              "rounds", "5",
              "runs", "20",
              "http", "true",
              "warmup", "15",
              "seconds", "10"));

  /** Of a run, whose rows are asked for then: somewhat less than a run writes by itself at once. */
  private static final int AHEAD_LOSSES = 32_768;

  private static final int PREPARED_LOSSES = 64;
  private static final int CONNECTIONS = 8;
  private static final int HTTP_RUNS = 100;

  private static final int IN_FLIGHT = 64;

  private final Options options;
  private final PrintStream out;

  ReadModelCost(Options options, PrintStream out) {
    this.options = options;
    this.out = out;
  }

  void run() throws IOException, InterruptedException {
    out.println(Environment.machine());
    out.println(options);
    for (String body : options.list("bodies")) {
      Shape shape = Shape.valueOf(body);
      double difference = measure(shape);
      if (options.on("http")) {
        double request = requestMicros(shape);
        out.printf(
            "%s: a request costs %.1f us CPU with them, %.1f us of that for them: ratio %.2f%n",
            shape, request, difference, request / (request - difference));
      }
    }
  }

  /** A service in this process. */
  private record Measured(Runs runs, @Nullable ReadModels models) {}

  /** What they cost of a batch, in microseconds. */
  private double measure(Shape shape) throws IOException {
    Path directory = Path.of(options.text("directory"));
    Path without = directory.resolve("state-plain");
    Path with = directory.resolve("state-models");
    Disk.delete(without);
    Disk.delete(with);
    RocksDbJournal journal = RocksDbJournal.open(with, Durability.OS);
    ReadModels models =
        new ReadModels(journal.rows(), false, List.of(new Dialogues(), new History()));
    try (Runs plain = runs(RocksDbJournal.open(without, Durability.OS), RunFollower.NONE);
        Runs modelled = runs(journal, models)) {
      List<Measured> all = List.of(new Measured(plain, null), new Measured(modelled, models));
      int runs = options.number("runs");
      for (Measured each : all) {
        for (int i = 0; i < runs; i++) {
          done(each.runs.create(id(i), new Defaults(), null, 0));
        }
      }
      Prepared prepared = new Prepared(shape, options.number("dialogues"));
      int batches = Math.max(1, options.number("losses") / shape.losses() / runs) * runs;
      int step = 0;
      // Warm up, and let the dialogues become as many as they will be.
      for (int round = 0; round < 2; round++, step++) {
        for (Measured each : all) {
          double _ = cpuMicros(each, prepared, step, batches);
        }
      }
      int rounds = options.number("rounds");
      double[] costs = new double[rounds];
      double[] differences = new double[rounds];
      double[] ratios = new double[rounds];
      for (int round = 0; round < rounds; round++, step++) {
        boolean plainFirst = round % 2 == 0;
        double first = cpuMicros(all.get(plainFirst ? 0 : 1), prepared, step, batches);
        double second = cpuMicros(all.get(plainFirst ? 1 : 0), prepared, step, batches);
        costs[round] = plainFirst ? first : second;
        differences[round] = plainFirst ? second - first : first - second;
        ratios[round] = 1 + differences[round] / costs[round];
      }
      out.printf(
          "%s: CPU of a batch without HTTP %.1f us without them, %s us more with, ratio %s%n",
          shape, Figures.median(costs), Figures.spread(differences), Figures.spread(ratios));
      long start = System.nanoTime();
      int found = page(modelled, models, 0, 20).size();
      out.printf(
          "%s: %d of a run's dialogues ranked first found in %.0f ms%n",
          shape, found, (System.nanoTime() - start) / 1e6);
      return Figures.median(differences);
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
  private double cpuMicros(Measured service, Prepared prepared, int step, int batches) {
    com.sun.management.OperatingSystemMXBean system =
        ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class);
    long before = system.getProcessCpuTime();
    int runs = options.number("runs");
    int ahead = runs * Math.max(1, AHEAD_LOSSES / prepared.shape.losses());
    ArrayDeque<CompletableFuture<Outcome<Scored>>> inFlight = new ArrayDeque<>();
    for (int i = 0; i < batches; i++) {
      int ofRun = i / runs + step * (batches / runs);
      inFlight.add(service.runs.score(id(i % runs), null, prepared.batch(ofRun)));
      if (inFlight.size() > IN_FLIGHT) {
        Scored _ = done(inFlight.remove());
      }
      if ((i + 1) % ahead == 0) {
        finish(inFlight, service);
      }
    }
    finish(inFlight, service);
    return (system.getProcessCpuTime() - before) / 1e3 / batches;
  }

  /** Until everything is done, and what is done behind it, too. */
  private void finish(ArrayDeque<CompletableFuture<Outcome<Scored>>> inFlight, Measured service) {
    inFlight.forEach(ReadModelCost::done);
    inFlight.clear();
    if (service.models != null) {
      for (int i = 0; i < options.number("runs"); i++) {
        awaitWritten(service.runs, service.models, i);
      }
    }
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

  /** CPU of a request to the packaged service. */
  private double requestMicros(Shape shape) throws IOException, InterruptedException {
    Environment environment = Environment.of(options);
    try (ServerProcess server =
        ServerProcess.ofService(
            environment.serviceJar(),
            environment.jvm(),
            environment.log("models-" + shape),
            environment.freshState("models-" + shape),
            "os")) {
      server.awaitReady();
      HttpComparison.createRuns(server, HTTP_RUNS);
      BatchRequests requests = new BatchRequests(shape, HTTP_RUNS, 1, false);
      Round.warmUp(server, requests, options.number("warmup"), "service " + shape, out);
      Duration time = Duration.ofSeconds(options.number("seconds"));
      return Round.measure(server, requests, CONNECTIONS, time).cpuMicrosPerRequest();
    }
  }

  /** What batches are made of, so that making them costs next to nothing. */
  private static final class Prepared {
    final Shape shape;
    private final List<double[]> losses = new ArrayList<>();
    private final List<byte[]> ids = new ArrayList<>();
    private final List<int[]> idEnds = new ArrayList<>();
    private final int[] offsets;
    private final int[] sourceOf;

    Prepared(Shape shape, int dialogues) {
      this.shape = shape;
      offsets = new int[shape.dialogues() + 1];
      sourceOf = new int[shape.dialogues()];
      for (int d = 0; d < shape.dialogues(); d++) {
        sourceOf[d] = d % 2;
        offsets[d + 1] = offsets[d] + shape.turns();
      }
      for (int i = 0; i < PREPARED_LOSSES; i++) {
        losses.add(Losses.batch(shape, i));
      }
      // A step takes the next dialogues, and after the last the first again.
      for (int first = 0; first < dialogues; first += shape.dialogues()) {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        int[] ends = new int[shape.dialogues()];
        for (int d = 0; d < shape.dialogues(); d++) {
          text.writeBytes(("sgd-5_" + (first + d) % dialogues).getBytes(UTF_8));
          ends[d] = text.size();
        }
        ids.add(text.toByteArray());
        idEnds.add(ends);
      }
    }

    ObservationBatch batch(int step) {
      return new ObservationBatch(
          step,
          0,
          0,
          null,
          offsets,
          losses.get(step % losses.size()),
          null,
          null,
          ids.get(step % ids.size()),
          idEnds.get(step % ids.size()),
          List.of("sgd", "sharegpt"),
          sourceOf,
          null,
          null);
    }
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
