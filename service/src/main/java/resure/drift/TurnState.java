package resure.drift;

import java.util.List;
import resure.statistics.Moments;

/**
 * Everything that is kept of one turn's drift: for a snapshot. Immutable.
 *
 * @param gathered observations that are too few yet for an input
 * @param slow moments of a long past
 * @param fast moments of a short past
 * @param cusum the CUSUM
 * @param raised whether its warning is raised
 * @param raisedFor inputs since it was
 * @param warnings warnings ever raised
 * @param alarms alarms ever raised
 * @param lastAlarmStep the step of the last one
 * @param window ADWIN's window
 */
public record TurnState(
    Moments gathered,
    Moments slow,
    Moments fast,
    double cusum,
    boolean raised,
    int raisedFor,
    long warnings,
    long alarms,
    long lastAlarmStep,
    Window window) {

  /**
   * ADWIN's window.
   *
   * @param last newest value; NaN for none
   * @param meanSquaredDifference of successive values
   * @param differences how many it is over
   * @param buckets oldest first
   */
  public record Window(
      double last, double meanSquaredDifference, int differences, List<Bucket> buckets) {}

  /**
   * Values that are kept together.
   *
   * @param size how many, a power of 2
   * @param sum their sum
   * @param m2 sum of their squared deviations
   */
  public record Bucket(int size, double sum, double m2) {}
}
