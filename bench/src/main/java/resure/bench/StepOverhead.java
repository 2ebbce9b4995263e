package resure.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import resure.client.Batch;
import resure.client.BatchBuilder;
import resure.client.Mode;
import resure.client.ResureClient;
import resure.client.TrainingRun;
import resure.client.Weighed;

/**
 * What a trainer's step notices of weighing through the SDK: steps of a fixed amount of computing,
 * without weighing, with remote mode and with local mode in turns, on the machine of the service.
 */
final class StepOverhead {

  static final Map<String, String> DEFAULTS =
      Environment.defaults(
          Map.of(
              "rounds",
              "10",
              "steps",
              "30",
              "warmup",
              "300",
              "millis",
              "100",
              "losses",
              "128",
              "turns",
              "8",
              "durability",
              "fsync"));

  private static final double[] SINK = new double[1];

  private final Options options;
  private final Environment environment;
  private final PrintStream out;

  StepOverhead(Options options, PrintStream out) {
    this.options = options;
    this.environment = Environment.of(options);
    this.out = out;
  }

  void run() throws IOException, InterruptedException {
    out.println(Environment.machine());
    out.println(options);
    try (ServerProcess server =
        ServerProcess.ofService(
            environment.serviceJar(),
            environment.jvm(),
            environment.log("steps"),
            environment.freshState("steps"),
            options.text("durability"))) {
      server.awaitReady();
      URI address = URI.create("http://127.0.0.1:" + server.port());
      try (ResureClient client = ResureClient.builder().address(address).build();
          TrainingRun remote = client.training("remote").mode(Mode.REMOTE).open();
          TrainingRun local = client.training("local").mode(Mode.LOCAL).open()) {
        long work = calibrated(options.number("millis"));
        List<Side> sides =
            new ArrayList<>(
                List.of(
                    new Side("none", null), new Side("remote", remote), new Side("local", local)));
        for (Side side : sides) {
          side.steps(options.number("warmup"), work / 100);
          side.forget();
        }
        for (int round = 1; round <= options.number("rounds"); round++) {
          for (Side side : sides) {
            side.steps(options.number("steps"), work);
            side.endRound();
            out.printf("round %2d %-6s %s%n", round, side.name, side.lastRound());
          }
          sides.addLast(sides.removeFirst());
        }
        report(sides);
        out.println("remote " + remote.counts());
        out.println("local  " + local.counts());
      }
    }
  }

  private void report(List<Side> sides) {
    double[] none = medians(sides, "none");
    out.printf(
        "%na step of %d ms with %d losses, median (lowest to highest) of the rounds%n",
        options.number("millis"), options.number("losses"));
    for (Side side : sides) {
      if (side.training != null) {
        out.printf(
            "  %-6s step / step without %s%n",
            side.name, Figures.spread(Figures.ratios(medians(sides, side.name), none)));
        long[] all = side.allWeighings();
        out.printf(
            "  %-6s weighing itself: p50 %.3f  p99 %.3f  max %.3f ms of %d%n",
            side.name,
            Figures.percentile(all, 0.5) / 1e6,
            Figures.percentile(all, 0.99) / 1e6,
            Figures.percentile(all, 1) / 1e6,
            all.length);
      }
    }
  }

  private static double[] medians(List<Side> sides, String name) {
    return sides.stream()
        .filter(side -> side.name.equals(name))
        .flatMap(side -> side.rounds.stream())
        .mapToDouble(Double::doubleValue)
        .toArray();
  }

  /** Iterations of {@link #compute} that take so many milliseconds here, now. */
  private static long calibrated(int millis) {
    long iterations = 1_000_000;
    for (int i = 0; i < 10; i++) {
      long start = System.nanoTime();
      compute(iterations);
      double took = (System.nanoTime() - start) / 1e6;
      iterations = Math.max(1, (long) (iterations * millis / took));
    }
    return iterations;
  }

  /** Stands for forward and backward pass: arithmetic on one core, nothing else. */
  private static void compute(long iterations) {
    double x = SINK[0];
    for (long i = 0; i < iterations; i++) {
      x = x * 0.999999 + 1e-9;
    }
    SINK[0] = x;
  }

  /** One way to train, with what was measured of it. */
  private final class Side {
    final String name;
    final @Nullable TrainingRun training;
    final BatchBuilder builder = Batch.builder();
    final List<Double> rounds = new ArrayList<>();
    final List<long[]> weighings = new ArrayList<>();
    long[] steps = {};
    long[] weighing = {};
    long step;

    Side(String name, @Nullable TrainingRun training) {
      this.name = name;
      this.training = training;
    }

    void steps(int count, long work) {
      steps = new long[count];
      weighing = new long[count];
      for (int i = 0; i < count; i++) {
        double[] losses = Losses.batch(options.number("losses"), options.number("turns"), step);
        long start = System.nanoTime();
        compute(work);
        long computed = System.nanoTime();
        if (training != null) {
          Weighed weighed = training.weigh(batch(losses));
          SINK[0] += 1e-12 * weighed.weights().weight(0);
        }
        long end = System.nanoTime();
        steps[i] = end - start;
        weighing[i] = end - computed;
        step++;
      }
    }

    private Batch batch(double[] losses) {
      builder.step(step);
      int turns = options.number("turns");
      for (int i = 0; i < losses.length; i++) {
        if (i % turns == 0) {
          builder.dialogue("dialogue-" + step % 1000 + "-" + i / turns).source("bench");
        }
        builder.loss(losses[i]);
      }
      return builder.build();
    }

    void forget() {
      weighings.clear();
      rounds.clear();
    }

    void endRound() {
      Arrays.sort(steps);
      rounds.add(Figures.percentile(steps, 0.5) / 1e6);
      weighings.add(weighing.clone());
    }

    String lastRound() {
      long[] sorted = weighing.clone();
      Arrays.sort(sorted);
      return "step p50 %8.3f ms   weighing p50 %6.3f  p99 %6.3f ms"
          .formatted(
              Figures.percentile(steps, 0.5) / 1e6,
              Figures.percentile(sorted, 0.5) / 1e6,
              Figures.percentile(sorted, 0.99) / 1e6);
    }

    long[] allWeighings() {
      return weighings.stream().flatMapToLong(Arrays::stream).sorted().toArray();
    }
  }
}
