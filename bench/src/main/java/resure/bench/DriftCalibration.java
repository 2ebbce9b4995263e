package resure.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import resure.drift.DriftEvent;
import resure.drift.DriftLimits;
import resure.drift.RunDrift;
import resure.statistics.BatchReducer;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;

/**
 * What the limits of drift detection are calibrated by: alarms where nothing rises, and how soon a
 * rise is found, beside two other detectors on the same losses. One thread; rows are Markdown.
 */
final class DriftCalibration {

  static final Map<String, String> DEFAULTS =
      Map.of(
          "observations", "3000000",
          "per-step", "8",
          "others", "true",
          "runs", "400",
          "seed", "1",
          "tables", "alarms,rises,source,trace",
          "autocorrelations", "0,0.3,0.6,0.9",
          "trace", "examples/trace-11.jsonl.gz",
          "delta", Double.toString(DriftLimits.CALIBRATED.delta()),
          "warning", Double.toString(DriftLimits.CALIBRATED.warning()));

  private static final double[] RISES = {0.25, 0.5, 1, 2};
  private static final int[] HISTORIES = {100, 500};

  /** Observations of a short run. */
  private static final int RUN = 10_000;

  /** Observations after a rise that are waited for an alarm. */
  private static final int WAIT = 10_000;

  private static final Pattern ROW =
      Pattern.compile("\\{\"step\": (\\d+), .*\"turn\": (\\d+), \"loss\": ([-0-9.e]+), .*");

  private final Options options;
  private final PrintStream out;
  private final DriftLimits limits;
  private final long seed;
  private final int perStep;
  private final double[] autocorrelations;
  private int warnings;

  DriftCalibration(Options options, PrintStream out) {
    this.options = options;
    this.out = out;
    seed = options.number("seed");
    perStep = options.number("per-step");
    autocorrelations =
        options.list("autocorrelations").stream().mapToDouble(Double::parseDouble).toArray();
    limits =
        new DriftLimits(
            DriftLimits.CALIBRATED.reference(),
            Double.parseDouble(options.text("warning")),
            Double.parseDouble(options.text("delta")),
            DriftLimits.CALIBRATED.rise());
  }

  void run() throws IOException {
    out.println(options);
    for (String table : options.list("tables")) {
      switch (table) {
        case "alarms" -> falseAlarms();
        case "rises" -> delays();
        case "source" -> oneSource();
        case "trace" -> trace();
        default -> throw new IllegalArgumentException("no table " + table);
      }
    }
  }

  private List<DriftDetector.Candidate> candidates() {
    DriftDetector.Candidate ours = new DriftDetector.Candidate("ours", this::ours);
    if (!options.on("others")) {
      return List.of(ours);
    }
    Random random = new Random(seed);
    return List.of(
        ours,
        new DriftDetector.Candidate("Page-Hinkley 50", () -> new PageHinkley(0.005, 50)),
        new DriftDetector.Candidate("Page-Hinkley 7", () -> new PageHinkley(0.25, 7)),
        new DriftDetector.Candidate("KSWIN 0.005", () -> new Kswin(random, 14)),
        new DriftDetector.Candidate("KSWIN 1e-7", () -> new Kswin(random, 22)));
  }

  private DriftDetector ours() {
    RunDrift drift = new RunDrift(limits);
    long[] step = {0};
    return moments -> {
      MomentsTable table = new MomentsTable();
      table.set(0, moments);
      boolean alarm = false;
      for (DriftEvent event : drift.fold(step[0]++, table)) {
        alarm |= event.kind() == DriftEvent.Kind.ALARM;
        warnings += event.kind() == DriftEvent.Kind.WARNING ? 1 : 0;
      }
      return alarm;
    };
  }

  private void falseAlarms() {
    int observations = options.number("observations");
    out.printf(
        "%nAlarms per 1,000,000 observations where the turn does not rise (at most, with 95 %%"
            + " confidence), %,d observations each, %d a step.%n%n",
        observations, perStep);
    out.print("| losses | autocorrelation | runs of |");
    candidates().forEach(candidate -> out.print(" " + candidate.name() + " |"));
    out.println(" warnings |");
    out.println("| --- | --- | --- |" + " --- |".repeat(candidates().size() + 1));
    for (boolean falling : new boolean[] {false, true}) {
      for (double autocorrelation : autocorrelations) {
        for (int each : new int[] {RUN, observations}) {
          row(
              falling ? "falling" : "stationary",
              new LossStream.Kind(perStep, autocorrelation, falling, LossStream.Order.SHUFFLED),
              observations,
              each);
        }
      }
    }
    for (boolean falling : new boolean[] {false, true}) {
      String name = falling ? "falling" : "stationary";
      row(
          name + ", blocked by source",
          new LossStream.Kind(perStep, 0, falling, LossStream.Order.BLOCKED),
          observations,
          RUN);
      row(
          name + ", sorted by length",
          new LossStream.Kind(perStep, 0, falling, LossStream.Order.SORTED),
          observations,
          RUN);
    }
  }

  private void row(String name, LossStream.Kind kind, int observations, int length) {
    List<DriftDetector.Candidate> candidates = candidates();
    int[] alarms = new int[candidates.size()];
    Random random = new Random(seed);
    warnings = 0;
    for (int seen = 0; seen < observations; ) {
      LossStream stream = new LossStream(kind, random);
      List<DriftDetector> detectors = candidates.stream().map(c -> c.fresh().get()).toList();
      for (int i = 0; i < length; i += kind.perStep(), seen += kind.perStep()) {
        Moments step = stream.next(0, 1);
        for (int d = 0; d < alarms.length; d++) {
          alarms[d] += detectors.get(d).add(step) ? 1 : 0;
        }
      }
    }
    double millions = observations / 1e6;
    out.printf("| %s | %.1f | %,d |", name, kind.autocorrelation(), length);
    for (int count : alarms) {
      out.printf(" %.1f (%.1f) |", count / millions, Poisson.upper(count) / millions);
    }
    out.printf(" %.1f |%n", warnings / millions);
  }

  private void delays() {
    out.printf(
        "%nA rise of one turn: share of %d runs with an alarm within 250 observations (500 times"
            + " the variance inflation where there is autocorrelation), and the median delay of all"
            + " that came within %,d.%n%n",
        options.number("runs"), WAIT);
    out.println("| history | rise, sd | autocorrelation | within |" + names() + " warned within |");
    out.println("| --- | --- | --- | --- |" + " --- |".repeat(candidates().size() + 1));
    for (int history : HISTORIES) {
      for (double rise : RISES) {
        for (double r : autocorrelations) {
          int within = r == 0 ? 250 : (int) Math.round(500 * (1 + r) / (1 - r));
          LossStream.Kind kind = new LossStream.Kind(perStep, r, false, LossStream.Order.SHUFFLED);
          out.printf("| %d | %.2f | %.1f | %,d |", history, rise, r, within);
          detection(kind, history, rise, 1, within);
        }
      }
    }
  }

  private void oneSource() {
    out.printf(
        "%nThe same where only the dialogues of one source rise, a quarter of all; no"
            + " autocorrelation.%n%n");
    out.println("| history | rise, sd | within |" + names() + " warned within |");
    out.println("| --- | --- | --- |" + " --- |".repeat(candidates().size() + 1));
    for (int history : HISTORIES) {
      for (double rise : RISES) {
        LossStream.Kind kind = new LossStream.Kind(perStep, 0, false, LossStream.Order.SHUFFLED);
        out.printf("| %d | %.2f | 1,000 |", history, rise);
        detection(kind, history, rise, 0.25, 1_000);
      }
    }
  }

  private String names() {
    StringBuilder names = new StringBuilder();
    candidates().forEach(candidate -> names.append(' ').append(candidate.name()).append(" |"));
    return names.toString();
  }

  private void detection(LossStream.Kind kind, int history, double rise, double share, int within) {
    List<DriftDetector.Candidate> candidates = candidates();
    int runs = options.number("runs");
    int[][] delays = new int[candidates.size()][runs];
    int warned = 0;
    for (int run = 0; run < runs; run++) {
      LossStream stream = new LossStream(kind, new Random(seed + run));
      List<DriftDetector> detectors = candidates.stream().map(c -> c.fresh().get()).toList();
      for (int seen = 0; seen < history; seen += kind.perStep()) {
        Moments step = stream.next(0, share);
        detectors.forEach(detector -> detector.add(step));
      }
      warnings = 0;
      boolean early = false;
      int waiting = detectors.size();
      for (int delay = kind.perStep(); delay <= WAIT && waiting > 0; delay += kind.perStep()) {
        Moments step = stream.next(rise, share);
        for (int d = 0; d < detectors.size(); d++) {
          if (delays[d][run] == 0 && detectors.get(d).add(step)) {
            delays[d][run] = delay;
            waiting--;
          }
        }
        early |= warnings > 0 && delay <= within;
      }
      warned += early ? 1 : 0;
    }
    for (int[] each : delays) {
      int[] came = Arrays.stream(each).filter(delay -> delay > 0).sorted().toArray();
      long soon = Arrays.stream(came).filter(delay -> delay <= within).count();
      out.printf(
          " %.0f %%%s |",
          100.0 * soon / runs, came.length == 0 ? "" : ", %,d".formatted(came[came.length / 2]));
    }
    out.printf(" %.0f %% |%n", 100.0 * warned / runs);
  }

  /** Losses of a real training as they were recorded, and with a rise. */
  private void trace() throws IOException {
    Map<Long, Map<Integer, List<Double>>> steps = new TreeMap<>();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(Path.of(options.text("trace")))),
                StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        Matcher row = ROW.matcher(line);
        if (!row.matches()) {
          throw new IOException("not a row of a trace: " + line);
        }
        steps
            .computeIfAbsent(Long.parseLong(row.group(1)), step -> new TreeMap<>())
            .computeIfAbsent(Integer.parseInt(row.group(2)), turn -> new ArrayList<>())
            .add(Double.parseDouble(row.group(3)));
      }
    }
    out.printf(
        "%nThe recorded trace, %d steps: alarms as it is, and with one turn raised by 1 sd (of that"
            + " turn's last 32 steps) from a step on.%n%n",
        steps.size());
    out.println(
        "| turn | observations | alarms as it is | warnings | raised at | alarm after |"
            + " observations |");
    out.println("| --- | --- | --- | --- | --- | --- | --- |");
    int turns = steps.values().stream().mapToInt(s -> s.size()).max().orElse(0);
    for (int turn = 0; turn < turns; turn++) {
      replay(steps, turn);
    }
  }

  private void replay(Map<Long, Map<Integer, List<Double>>> steps, int turn) {
    long observations =
        steps.values().stream().mapToLong(s -> s.getOrDefault(turn, List.of()).size()).sum();
    List<DriftEvent.Kind> plain = new ArrayList<>();
    follow(steps, turn, Long.MAX_VALUE, plain);
    for (long from : new long[] {64, 192, 320}) {
      long[] found = follow(steps, turn, from, new ArrayList<>());
      out.printf(
          "| %d | %,d | %d | %d | %d | %s | %s |%n",
          turn,
          observations,
          plain.stream().filter(kind -> kind == DriftEvent.Kind.ALARM).count(),
          plain.stream().filter(kind -> kind == DriftEvent.Kind.WARNING).count(),
          from,
          found[0] < 0 ? "none" : found[0] + " steps",
          found[0] < 0 ? "" : Long.toString(found[1]));
    }
  }

  /** Steps and observations from the rise to the first alarm; -1 for none. */
  private long[] follow(
      Map<Long, Map<Integer, List<Double>>> steps,
      int turn,
      long from,
      List<DriftEvent.Kind> noticed) {
    RunDrift drift = new RunDrift(limits);
    BatchReducer reducer = new BatchReducer();
    MomentsTable history = new MomentsTable();
    MomentsTable recent = new MomentsTable();
    long since = 0;
    for (Map.Entry<Long, Map<Integer, List<Double>>> step : steps.entrySet()) {
      List<Double> losses = step.getValue().getOrDefault(turn, List.of());
      if (losses.isEmpty()) {
        continue;
      }
      boolean raised = step.getKey() >= from;
      double rise = raised ? recent.moments(0).sd() : 0;
      double[] values = losses.stream().mapToDouble(loss -> loss + rise).toArray();
      int[] offsets = IntStream.rangeClosed(0, values.length).toArray();
      Moments before = history.moments(0);
      double cap = before.seen() >= 32 ? before.mean() + 3 * before.sd() : Double.POSITIVE_INFINITY;
      MomentsTable moments =
          MomentsTable.merged(
              List.of(reducer.reduce(values, offsets, null, 1, 100, new double[] {cap})));
      history.fold(moments, Double.POSITIVE_INFINITY);
      if (!raised) {
        recent.merge(0, MomentsTable.ageing(1, 32), moments.moments(0));
      }
      since += raised ? values.length : 0;
      for (DriftEvent event : drift.fold(step.getKey(), moments)) {
        noticed.add(event.kind());
        if (raised && event.kind() == DriftEvent.Kind.ALARM) {
          return new long[] {step.getKey() - from, since};
        }
      }
    }
    return new long[] {-1, 0};
  }
}
