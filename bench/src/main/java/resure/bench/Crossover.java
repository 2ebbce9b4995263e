package resure.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import resure.compute.BackendUnavailableException;
import resure.compute.Compute;
import resure.compute.djl.DjlBackend;
import resure.compute.jvm.JvmCompute;
import resure.observation.ObservationBatch;

/**
 * From which size on a live group is faster as tensors than in plain Java. Prints a Markdown table
 * of the time of one group on each backend, and draws it. Backends take turns within each round,
 * and ratios are taken within rounds.
 */
final class Crossover {

  static final Map<String, String> DEFAULTS =
      Map.of(
          "observations", "1,10,100,1000,10000,100000,1000000",
          "runs", "1,10,100,1000",
          "functions", "default",
          "rounds", "5",
          "millis", "200",
          "warmup", "3000",
          "plot", "bench/target/crossover.svg");

  /** A backend, or why there is none: then its column says so. */
  private record Contender(String name, @Nullable Supplier<Compute> source) {}

  /**
   * Nanoseconds of one group, by contender and round; nothing for a contender that is not there.
   */
  record Cell(int observations, int runs, List<double[]> nanos) {

    boolean measured(int contender) {
      return nanos.get(contender).length > 0;
    }

    double micros(int contender) {
      return Figures.median(nanos.get(contender)) / 1e3;
    }

    double[] ratios(int contender) {
      return Figures.ratios(nanos.get(contender), nanos.getFirst());
    }
  }

  private final int[] observations;
  private final int[] runs;
  private final boolean mixed;
  private final int rounds;
  private final long roundNanos;
  private final long warmUpNanos;
  private final Path plot;
  private final Options options;
  private final PrintStream out;

  Crossover(Options options, PrintStream out) {
    this.options = options;
    this.out = out;
    observations = options.list("observations").stream().mapToInt(Integer::parseInt).toArray();
    runs = options.list("runs").stream().mapToInt(Integer::parseInt).toArray();
    mixed =
        switch (options.text("functions")) {
          case "default" -> false;
          case "mixed" -> true;
          default -> throw new IllegalArgumentException("--functions is default or mixed");
        };
    rounds = options.number("rounds");
    roundNanos = options.number("millis") * 1_000_000L;
    warmUpNanos = options.number("warmup") * 1_000_000L;
    plot = Path.of(options.text("plot"));
  }

  void run() throws IOException, BackendUnavailableException {
    out.println(Environment.machine());
    out.println(options);
    List<Contender> contenders = contenders();
    warmUp(contenders);
    out.println();
    out.println(header(contenders));
    List<Cell> cells = new ArrayList<>();
    for (int size : observations) {
      for (int spread : runs) {
        if (spread <= size) {
          Cell cell = measure(contenders, size, spread, roundNanos, rounds);
          out.println(row(cell));
          cells.add(cell);
        }
      }
    }
    out.println();
    for (int contender = 1; contender < contenders.size(); contender++) {
      out.println(crossing(contenders.get(contender).name(), contender, cells));
    }
    Files.createDirectories(plot.toAbsolutePath().getParent());
    Files.writeString(plot, drawing(contenders, cells).toString());
    out.println("plot: " + plot);
  }

  private List<Contender> contenders() throws BackendUnavailableException {
    List<Contender> contenders = new ArrayList<>();
    contenders.add(new Contender("jvm", JvmCompute::new));
    DjlBackend processor = DjlBackend.open("cpu", null);
    out.println("djl: " + processor.library());
    contenders.add(new Contender("djl cpu", processor::compute));
    Supplier<Compute> gpu = null;
    try {
      gpu = DjlBackend.open("gpu:0", null)::compute;
    } catch (BackendUnavailableException e) {
      out.println("djl gpu:0 is not measured: " + e.getMessage());
    }
    contenders.add(new Contender("djl gpu:0", gpu));
    return contenders;
  }

  /** Lets everything be compiled, for all contenders alike, at a size between the extremes. */
  private void warmUp(List<Contender> contenders) {
    int size = IntStream.of(observations).filter(n -> n <= 1000).max().orElse(observations[0]);
    int spread = IntStream.of(runs).filter(n -> n <= Math.min(size, 10)).max().orElse(1);
    measure(contenders, size, spread, warmUpNanos, 1);
  }

  private Cell measure(
      List<Contender> contenders, int size, int spread, long nanosEach, int times) {
    List<ObservationBatch> batches = LiveGroup.batches(size, spread);
    List<@Nullable LiveGroup> groups = new ArrayList<>();
    try {
      for (Contender contender : contenders) {
        groups.add(
            contender.source() == null
                ? null
                : new LiveGroup(contender.source().get(), batches, mixed));
      }
      requireSameBits(groups);
      List<double[]> nanos =
          groups.stream().map(group -> new double[group == null ? 0 : times]).toList();
      // Round -1 is each contender's own warm-up at this size.
      for (int round = -1; round < times; round++) {
        for (int turn = 0; turn < groups.size(); turn++) {
          int contender = (turn + round + 1) % groups.size();
          LiveGroup group = groups.get(contender);
          if (group != null) {
            double each = group.nanosPerGroup(nanosEach);
            if (round >= 0) {
              nanos.get(contender)[round] = each;
            }
          }
        }
      }
      return new Cell(size, spread, nanos);
    } finally {
      for (LiveGroup group : groups) {
        if (group != null) {
          group.close();
        }
      }
    }
  }

  /** Two steps: the second one's references come out of a fold. */
  private static void requireSameBits(List<@Nullable LiveGroup> groups) {
    for (int step = 0; step < 2; step++) {
      LiveGroup first = null;
      for (LiveGroup group : groups) {
        if (group == null) {
          continue;
        }
        group.step();
        if (first == null) {
          first = group;
        } else {
          first.requireSameAs(group);
        }
      }
    }
  }

  private static String header(List<Contender> contenders) {
    List<Contender> others = contenders.subList(1, contenders.size());
    String names =
        contenders.stream().map(c -> c.name() + " (us)").collect(Collectors.joining(" | "));
    String ratios =
        others.stream().map(c -> c.name() + " / jvm").collect(Collectors.joining(" | "));
    return "| observations | runs | %s | %s |%n|%s"
        .formatted(names, ratios, " ---: |".repeat(2 + contenders.size() + others.size()));
  }

  private static String row(Cell cell) {
    IntStream all = IntStream.range(0, cell.nanos().size());
    String times =
        all.mapToObj(i -> cell.measured(i) ? "%,.1f".formatted(cell.micros(i)) : "not measured")
            .collect(Collectors.joining(" | "));
    String ratios =
        IntStream.range(1, cell.nanos().size())
            .mapToObj(i -> cell.measured(i) ? spread(cell.ratios(i)) : "not measured")
            .collect(Collectors.joining(" | "));
    return "| %,d | %,d | %s | %s |".formatted(cell.observations(), cell.runs(), times, ratios);
  }

  private static String spread(double[] ratios) {
    return "%.2f (%.2f to %.2f)"
        .formatted(
            Figures.median(ratios),
            DoubleStream.of(ratios).min().orElse(Double.NaN),
            DoubleStream.of(ratios).max().orElse(Double.NaN));
  }

  /**
   * For each number of runs, the smallest group from which on a backend was faster than plain Java.
   */
  static String crossing(String name, int contender, List<Cell> cells) {
    if (cells.stream().noneMatch(cell -> cell.measured(contender))) {
      return name + ": not measured";
    }
    return cells.stream()
        .mapToInt(Cell::runs)
        .distinct()
        .sorted()
        .mapToObj(
            spread -> {
              List<Cell> ofThese = cells.stream().filter(cell -> cell.runs() == spread).toList();
              int from = ofThese.size();
              while (from > 0 && Figures.median(ofThese.get(from - 1).ratios(contender)) < 1) {
                from--;
              }
              return "%,d %s: ".formatted(spread, spread == 1 ? "run" : "runs")
                  + (from < ofThese.size()
                      ? "%,d observations".formatted(ofThese.get(from).observations())
                      : "at no size");
            })
        .collect(Collectors.joining("; ", name + " is faster than jvm from: ", ""));
  }

  private CrossoverPlot drawing(List<Contender> contenders, List<Cell> cells) {
    List<CrossoverPlot.Line> lines = new ArrayList<>();
    List<Integer> spreads =
        IntStream.of(runs[0], runs[runs.length - 1]).distinct().boxed().toList();
    for (int spread : spreads) {
      for (int i = 0; i < contenders.size(); i++) {
        int contender = i;
        List<CrossoverPlot.Point> points =
            cells.stream()
                .filter(cell -> cell.runs() == spread && cell.measured(contender))
                .map(cell -> new CrossoverPlot.Point(cell.observations(), cell.micros(contender)))
                .toList();
        if (!points.isEmpty()) {
          String label =
              "%s, %,d %s"
                  .formatted(contenders.get(i).name(), spread, spread == 1 ? "run" : "runs");
          lines.add(new CrossoverPlot.Line(label, i, spread != spreads.getFirst(), points));
        }
      }
    }
    return new CrossoverPlot("Time of a live group: weigh, reduce, fold", lines);
  }
}
