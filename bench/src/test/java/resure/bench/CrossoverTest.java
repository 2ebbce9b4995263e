package resure.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CrossoverTest {

  @TempDir private Path directory;

  @ParameterizedTest
  @ValueSource(strings = {"default", "mixed"})
  void everyGroupThatHasAnObservationForEachRunIsARow(String functions) throws Exception {
    Path plot = directory.resolve("new/plot.svg");

    List<String> report =
        run(
            "--observations=1,20",
            "--runs=1,8",
            "--functions=" + functions,
            "--rounds=2",
            "--millis=1",
            "--warmup=1",
            "--plot=" + plot);

    assertThat(report)
        .filteredOn(line -> line.startsWith("|"))
        .hasSize(5)
        .satisfies(
            table -> {
              assertThat(table.get(0)).contains("jvm (us)", "djl cpu / jvm");
              assertThat(table.get(2)).startsWith("| 1 | 1 | ");
              assertThat(table.get(3)).startsWith("| 20 | 1 | ");
              assertThat(table.get(4)).startsWith("| 20 | 8 | ");
            })
        .extracting(line -> line.chars().filter(c -> c == '|').count())
        .as("cells of each row")
        .containsOnly(8L);
    assertThat(report).anyMatch(line -> line.startsWith("djl cpu is faster than jvm from: 1 run:"));
    assertThat(plot).content().contains("jvm, 1 run", "djl cpu, 8 runs");
  }

  @Test
  void anUnknownMixOfFunctionsIsRefused() {
    assertThatThrownBy(() -> run("--functions=all")).hasMessageContaining("default or mixed");
  }

  @Test
  void theCrossingIsTheSizeFromWhichOnTheMedianRatioStaysBelowOne() {
    List<Crossover.Cell> cells =
        List.of(
            cell(1, 1, 0.9),
            cell(10, 1, 1.5),
            cell(100, 1, 0.99),
            cell(1000, 1, 0.5),
            cell(10, 10, 2),
            cell(1000, 10, 1));

    assertThat(Crossover.crossing("djl", 1, cells))
        .isEqualTo("djl is faster than jvm from: 1 run: 100 observations; 10 runs: at no size");
  }

  @Test
  void aBackendThatIsNotThereCrossesNothing() {
    Crossover.Cell cell = new Crossover.Cell(1, 1, List.of(new double[] {5}, new double[0]));

    assertThat(Crossover.crossing("gpu", 1, List.of(cell))).isEqualTo("gpu: not measured");
  }

  private static Crossover.Cell cell(int observations, int runs, double ratio) {
    return new Crossover.Cell(
        observations,
        runs,
        List.of(new double[] {100, 100, 100}, new double[] {1, 100 * ratio, 900}));
  }

  private static List<String> run(String... options) throws Exception {
    ByteArrayOutputStream report = new ByteArrayOutputStream();
    try (PrintStream out = new PrintStream(report, true, StandardCharsets.UTF_8)) {
      new Crossover(Options.parse(List.of(options), Crossover.DEFAULTS), out).run();
    }
    return report.toString(StandardCharsets.UTF_8).lines().toList();
  }
}
