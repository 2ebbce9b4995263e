package resure.replay;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import resure.compute.jvm.JvmCompute;
import resure.compute.jvm.JvmSweep;
import resure.observation.ObservationBatch;
import resure.run.RecordedRun;
import resure.weighting.Configuration;
import resure.weighting.FoldRule;
import resure.weighting.Propagation;
import resure.weighting.WeightFunction;
import resure.weighting.Weighting;

/** A thousand configurations on losses of a real training, of which it is known what was bad. */
class TraceTrialTest {

  private static final Path TRACE = Path.of("../examples/trace-11.jsonl.gz");
  private static final Pattern ROW =
      Pattern.compile(
          "\\{\"step\": (\\d+), \"dialogue\": \"([^\"]+)\", \"source\": \"([^\"]+)\","
              + " \"turn\": (\\d+), \"loss\": ([-0-9.e]+), \"corrupted\": ([01])}");

  private final List<ObservationBatch> batches = new ArrayList<>();
  private final List<Bad> bad = new ArrayList<>();

  private void read() throws IOException {
    Map<Long, Map<String, Map<Integer, Double>>> steps = new TreeMap<>();
    Map<String, String> sources = new LinkedHashMap<>();
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(TRACE)), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        Matcher row = ROW.matcher(line);
        assertThat(row.matches()).as(line).isTrue();
        int turn = Integer.parseInt(row.group(4));
        steps
            .computeIfAbsent(Long.parseLong(row.group(1)), step -> new LinkedHashMap<>())
            .computeIfAbsent(row.group(2), dialogue -> new TreeMap<>())
            .put(turn, Double.parseDouble(row.group(5)));
        sources.put(row.group(2), row.group(3));
        Bad label = new Bad(row.group(2), (long) turn);
        if (row.group(6).equals("1") && !bad.contains(label)) {
          bad.add(label);
        }
      }
    }
    steps.forEach(
        (step, dialogues) -> {
          List<Dialogue> ofStep = new ArrayList<>();
          dialogues.forEach(
              (id, turns) -> {
                Double[] losses = new Double[((TreeMap<Integer, Double>) turns).lastKey() + 1];
                turns.forEach((turn, loss) -> losses[turn] = loss);
                ofStep.add(new Dialogue(id, sources.get(id), 0, losses));
              });
          batches.add(Dialogue.batch(step, 0, 0, null, ofStep));
        });
  }

  private static List<Configuration> grid() {
    List<Configuration> grid = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      WeightFunction function = WeightFunction.ALL.get(i % 7);
      double[] halfLives = {Double.POSITIVE_INFINITY, 500, 2000, 8000, 32000};
      grid.add(
          Configuration.DEFAULT
              .withWeighting(new Weighting(function, (i / 7 % 12) / 4.0, 0.5 + i / 84 % 3, 0.05))
              .withHalfLife(halfLives[i / 252 % 5])
              .withFold(i % 2 == 0 ? FoldRule.WINSORIZED : FoldRule.RAW)
              .withPropagation(new Propagation(i % 10 == 0 ? 1 : 0, 0.5)));
    }
    return grid;
  }

  @Test
  void eachOfAThousandConfigurationsIsLikeARunThatWasReallyConfiguredSo() throws IOException {
    read();
    RecordedRun run = new RecordedRun(Configuration.DEFAULT);
    for (ObservationBatch batch : batches) {
      run.score(batch);
    }
    List<Configuration> grid = grid();
    ReplayPlan plan = new ReplayPlan(grid, bad, true, List.of());
    ExecutorService executor = Executors.newFixedThreadPool(2);
    List<ReplayResult> results;
    List<ReplayResult> inPieces;
    try {
      List<JvmSweep> sweeps = List.of(new JvmSweep(), new JvmSweep());
      Passes passes = run.export()::again;
      results =
          new Trial(
                  plan, passes, JvmCompute::new, sweeps, executor, 2, new Budget(1 << 27, 1 << 27))
              .run(fraction -> {});
      inPieces =
          new Trial(
                  new ReplayPlan(grid.subList(0, 20), bad, true, List.of()),
                  passes,
                  JvmCompute::new,
                  sweeps,
                  executor,
                  2,
                  new Budget(1 << 20, 1 << 24))
              .run(fraction -> {});
    } finally {
      executor.shutdown();
    }

    assertThat(results).hasSize(1000);
    assertThat(Labels.unknown(run.export(), bad)).isEmpty();
    for (int i = 0; i < 20; i++) {
      int index = i * 53 % 1000;
      new BruteForce(grid.get(index), batches, bad)
          .check(results.get(index), true, grid.get(index).toString());
      new BruteForce(grid.get(i), batches, bad)
          .check(inPieces.get(i), true, grid.get(i) + " in pieces");
    }
    // The best of them tell bad from good far better than chance.
    assertThat(Ranking.order(results, List.of()).getFirst().separation())
        .satisfies(best -> assertThat(best.auroc()).isGreaterThan(0.7));
  }
}
