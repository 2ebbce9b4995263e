package resure.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import resure.run.RunStatistics;

/** Statistics as the service answers them. */
public final class StatisticsText {

  private StatisticsText() {}

  /** The body of {@code GET /v1/runs/{run}/statistics}. */
  public static String of(RunStatistics statistics) {
    return new String(Json.write(Representation.JSON, RunJson.statistics(statistics)), UTF_8);
  }
}
