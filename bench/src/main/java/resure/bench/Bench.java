package resure.bench;

import java.io.PrintStream;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import resure.api.BodyFuzz;

/** The one entry: a command and its options. */
public final class Bench {

  private static final Map<String, String> FUZZ_DEFAULTS =
      Map.of("inputs", "10000000", "seed", "1");

  private Bench() {}

  /** Runs a command; see README.md. */
  public static void main(String[] arguments) throws Exception {
    List<String> all = List.of(arguments);
    List<String> rest = all.isEmpty() ? all : all.subList(1, all.size());
    PrintStream out = System.out;
    switch (all.isEmpty() ? "" : all.getFirst()) {
      case "http" -> new HttpComparison(Options.parse(rest, HttpComparison.DEFAULTS), out).run();
      case "tails" -> new Tails(Options.parse(rest, Tails.DEFAULTS), out).run();
      case "fsync" -> new FsyncComparison(Options.parse(rest, FsyncComparison.DEFAULTS), out).run();
      case "disk" -> new DiskUse(Options.parse(rest, DiskUse.DEFAULTS), out).run();
      case "million" -> new MillionBatches(Options.parse(rest, MillionBatches.DEFAULTS), out).run();
      case "moving" -> new Moving(Options.parse(rest, Moving.DEFAULTS), out).run();
      case "heap" -> new HeapUse(Options.parse(rest, HeapUse.DEFAULTS), out).run();
      case "replays" -> new ReplaySpeed(Options.parse(rest, ReplaySpeed.DEFAULTS), out).run();
      case "beside" -> new ReplayBeside(Options.parse(rest, ReplayBeside.DEFAULTS), out).run();
      case "crossover" -> new Crossover(Options.parse(rest, Crossover.DEFAULTS), out).run();
      case "postgres" ->
          new PostgresComparison(Options.parse(rest, PostgresComparison.DEFAULTS), out).run();
      case "scaling" -> new Scaling(Options.parse(rest, Scaling.DEFAULTS), out).run();
      case "steps" -> new StepOverhead(Options.parse(rest, StepOverhead.DEFAULTS), out).run();
      case "retention" -> new Retaining(Options.parse(rest, Retaining.DEFAULTS), out).run();
      case "audit" -> new AuditQuality(Options.parse(rest, AuditQuality.DEFAULTS), out).run();
      case "models" -> new ReadModelCost(Options.parse(rest, ReadModelCost.DEFAULTS), out).run();
      case "drift" ->
          new DriftCalibration(Options.parse(rest, DriftCalibration.DEFAULTS), out).run();
      case "soak" -> {
        if (!new Soak(Options.parse(rest, Soak.DEFAULTS), out).run()) {
          System.exit(1);
        }
      }
      case "hostile" -> new Hostile(Options.parse(rest, Hostile.DEFAULTS), out).run();
      case "guesses" -> new Guesses(Options.parse(rest, Guesses.DEFAULTS), out).run();
      case "scrapes" -> new Scrapes(Options.parse(rest, Scrapes.DEFAULTS), out).run();
      case "fuzz" -> fuzz(Options.parse(rest, FUZZ_DEFAULTS), out);
      case "jmh" -> org.openjdk.jmh.Main.main(rest.toArray(String[]::new));
      default -> {
        out.println("usage: java -jar bench/target/resure-bench.jar COMMAND [--option=value ...]");
        out.println(
            "commands: http, tails, fsync, disk, million, moving, heap, replays, beside, crossover,"
                + " postgres, scaling, steps, retention, audit, models, drift, soak, hostile,"
                + " guesses, scrapes, fuzz, jmh");
        System.exit(2);
      }
    }
  }

  private static void fuzz(Options options, PrintStream out)
      throws InterruptedException, ExecutionException {
    out.println(Environment.machine());
    out.println(options);
    BodyFuzz.run(Long.parseLong(options.text("seed")), Long.parseLong(options.text("inputs")), out);
  }
}
