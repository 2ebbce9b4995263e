package resure.bench;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import resure.compute.BackendUnavailableException;
import resure.compute.Sweep;
import resure.compute.djl.DjlBackend;
import resure.compute.jvm.JvmCompute;
import resure.compute.jvm.JvmSweep;
import resure.journal.Durability;
import resure.journal.rocksdb.RocksDbJournal;
import resure.observation.ObservationBatch;
import resure.observation.RunId;
import resure.replay.Bad;
import resure.replay.ReplayPlan;
import resure.replay.ReplayResult;
import resure.replay.Tally;
import resure.replay.Trial;
import resure.run.Export;
import resure.run.Outcome;
import resure.run.RunFollower;
import resure.run.RunLimits;
import resure.run.RunListener;
import resure.run.RunSettings;
import resure.run.Runs;
import resure.run.WantedSettings;
import resure.weighting.Configuration;
import resure.weighting.WeightFunction;
import resure.weighting.Weighting;

/**
 * Configurations times losses a second of a replay: reading the journal, folding and weighing
 * included. Nothing else runs in this process meanwhile. With several backends ({@code
 * --backends=jvm,cpu,gpu:0}, the latter two tensors on that device) the results of all must agree
 * with those of the first.
 */
final class ReplaySpeed {

  private static final Shape SHAPE = Shape.L;

  /** Dialogues of a data set that is visited again and again. */
  private static final int DIALOGUES = 5000;

  private static final int ROUNDS = 3;

  /** Whatever takes longer is measured once. */
  private static final double LONG_SECONDS = 5;

  static final Map<String, String> DEFAULTS =
      Map.of(
          "losses", "1000000",
          "configurations", "1,10,100,1000,10000",
          "classes", "10",
          "threads", "2",
          "backends", "jvm",
          "directory", "bench/target/measured");

  private final Options options;
  private final PrintStream out;

  ReplaySpeed(Options options, PrintStream out) {
    this.options = options;
    this.out = out;
  }

  void run() throws IOException {
    out.println(Environment.machine());
    out.printf("%s, heap %.1f GB%n", options, Runtime.getRuntime().maxMemory() / 1e9);
    Path state = Path.of(options.text("directory")).resolve("state-replays");
    Disk.delete(state);
    int threads = options.number("threads");
    ExecutorService executor = Executors.newFixedThreadPool(threads);
    try (Runs runs =
        new Runs(
            RocksDbJournal.open(state, Durability.OS),
            JvmCompute::new,
            JvmCompute::new,
            Durability.OS,
            new RunLimits(4096, 1 << 20, 16, Duration.ofHours(1), Duration.ofSeconds(1)),
            InstantSource.system(),
            RunListener.NONE,
            RunFollower.NONE)) {
      Export once = record(runs, "once", Integer.MAX_VALUE);
      Export again = record(runs, "again", DIALOGUES);
      List<Bad> bad =
          IntStream.range(0, DIALOGUES / 20).mapToObj(d -> new Bad("sgd-" + d, null)).toList();
      List<List<ReplayResult>> first = null;
      for (String backend : options.list("backends")) {
        List<Sweep> sweeps = sweeps(backend, threads);
        if (sweeps.isEmpty()) {
          out.println(backend + ": not measured, there is none");
          continue;
        }
        Runner runner = new Runner(sweeps, executor, threads);
        List<List<ReplayResult>> results =
            List.of(runner.run(once, plan(100, List.of())), runner.run(again, plan(100, bad)));
        if (first == null) {
          first = results;
        }
        out.printf(
            "%s: largest difference of a mean weight or ratio from the first backend's %.2g%n",
            backend, difference(first, results));
        out.println("million weighings a second (seconds)");
        out.printf(
            "%14s %22s %22s %22s%n", "configurations", "sums", "and steadiness", "and labels");
        for (String size : options.list("configurations")) {
          int configurations = Integer.parseInt(size);
          out.printf(
              "%14d %22s %22s %22s%n",
              configurations,
              measure(runner, once, plan(configurations, List.of())),
              measure(runner, again, plan(configurations, List.of())),
              measure(runner, again, plan(configurations, bad)));
        }
        sweeps.forEach(Sweep::close);
      }
    } finally {
      executor.shutdown();
      Disk.delete(state);
    }
  }

  /** One for each thread; none when the device is not there. */
  private static List<Sweep> sweeps(String backend, int threads) {
    if (backend.equals("jvm")) {
      return Stream.generate(() -> (Sweep) new JvmSweep()).limit(threads).toList();
    }
    try {
      DjlBackend djl = DjlBackend.open(backend, null);
      return Stream.generate(djl::sweep).limit(threads).toList();
    } catch (BackendUnavailableException e) {
      return List.of();
    }
  }

  private record Runner(List<Sweep> sweeps, ExecutorService executor, int threads) {
    List<ReplayResult> run(Export recorded, ReplayPlan plan) throws IOException {
      return new Trial(plan, recorded::again, JvmCompute::new, sweeps, executor, threads)
          .run(fraction -> {});
    }
  }

  private static double difference(
      List<List<ReplayResult>> first, List<List<ReplayResult>> second) {
    double largest = 0;
    for (int plan = 0; plan < first.size(); plan++) {
      for (int i = 0; i < first.get(plan).size(); i++) {
        Tally a = first.get(plan).get(i).all();
        Tally b = second.get(plan).get(i).all();
        largest = Math.max(largest, Math.abs(a.meanWeight() - b.meanWeight()));
        largest = Math.max(largest, Math.abs(a.effectiveSampleRatio() - b.effectiveSampleRatio()));
        largest = Math.max(largest, Math.abs(a.downWeightedRatio() - b.downWeightedRatio()));
      }
    }
    return largest;
  }

  private static String measure(Runner runner, Export recorded, ReplayPlan plan)
      throws IOException {
    List<Double> seconds = new ArrayList<>();
    long weighed = 0;
    do {
      long start = System.nanoTime();
      List<ReplayResult> results = runner.run(recorded, plan);
      seconds.add((System.nanoTime() - start) / 1e9);
      weighed = results.stream().mapToLong(result -> result.all().observations()).sum();
    } while (seconds.size() < ROUNDS && seconds.getFirst() < LONG_SECONDS);
    double median = Figures.median(seconds.stream().mapToDouble(Double::doubleValue).toArray());
    return "%.1f (%.2f s)".formatted(weighed / median / 1e6, median);
  }

  /** A run of its own with as many losses as asked for; the visits of its dialogues repeat. */
  private Export record(Runs runs, String name, int dialogues) {
    RunId id = new RunId(RunId.DEFAULT_TENANT, name);
    done(runs.create(id, new Defaults(), null, 0).join());
    int batches = Math.ceilDiv(options.number("losses"), SHAPE.losses());
    for (int step = 0; step < batches; step++) {
      done(runs.score(id, null, batch(step, dialogues)).join());
    }
    return done(runs.export(id, null, null, 0).join());
  }

  private static <T> T done(Outcome<T> outcome) {
    if (outcome instanceof Outcome.Done<T> done) {
      return done.value();
    }
    throw new IllegalStateException(outcome.toString());
  }

  private static ObservationBatch batch(int step, int dialogues) {
    int[] offsets = new int[SHAPE.dialogues() + 1];
    int[] idEnds = new int[SHAPE.dialogues()];
    int[] sourceOf = new int[SHAPE.dialogues()];
    ByteArrayOutputStream ids = new ByteArrayOutputStream();
    for (int d = 0; d < SHAPE.dialogues(); d++) {
      int dialogue = (step * SHAPE.dialogues() + d) % dialogues;
      ids.writeBytes(("sgd-" + dialogue).getBytes(UTF_8));
      idEnds[d] = ids.size();
      sourceOf[d] = d % 2;
      offsets[d + 1] = offsets[d] + SHAPE.turns();
    }
    return new ObservationBatch(
        step,
        0,
        0,
        null,
        offsets,
        Losses.batch(SHAPE, step),
        null,
        null,
        ids.toByteArray(),
        idEnds,
        List.of("sgd", "sharegpt"),
        sourceOf,
        null,
        null);
  }

  /** A grid over function, threshold and sharpness, and over the half-life, which folds apart. */
  private ReplayPlan plan(int configurations, List<Bad> bad) {
    int classes = Math.min(options.number("classes"), configurations);
    List<Configuration> all = new ArrayList<>();
    for (int i = 0; i < configurations; i++) {
      int member = i / classes;
      WeightFunction function = WeightFunction.ALL.get(member % 5);
      double threshold = 0.5 + 0.25 * (member / 5 % 8);
      double sharpness = 0.5 + 0.05 * Math.floorDiv(member, 40);
      int fold = i % classes;
      all.add(
          Configuration.DEFAULT
              .withWeighting(new Weighting(function, threshold, sharpness, 0.05))
              .withHalfLife(fold == 0 ? Double.POSITIVE_INFINITY : 1000.0 + 100 * fold));
    }
    return new ReplayPlan(all, bad, !bad.isEmpty(), List.of());
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
