package resure.replay;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import resure.compute.SweepWindow;
import resure.observation.ObservationBatch;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;
import resure.weighting.Weigher;

/**
 * Configurations that fold alike and have the same warm-up: they share every z-score. One thread at
 * a time, but its members go to many.
 */
final class WarmUpClass {

  private final Configuration configuration;
  private final int slotCount;
  private final int sourceCount;
  private final List<Member> members = new ArrayList<>();
  private final long[] counts;
  private final Columns sample = new Columns();
  private final int[] sampledDialogues;
  private final long[] sampledTurns;
  private long visited;
  private @Nullable MomentsTable met;
  private Weigher weigher;

  /** Nothing yet; {@code configuration} is that of any of its members. */
  WarmUpClass(Configuration configuration, Survey survey) {
    this.configuration = configuration;
    slotCount = survey.slots(configuration);
    sourceCount = survey.sources().size();
    counts = new long[slotCount + sourceCount];
    int sampled = (int) Math.min(survey.observations(), Sample.OBSERVATIONS);
    sample.clear(sampled);
    sampledDialogues = new int[sampled];
    sampledTurns = new long[sampled];
    weigher = new Weigher(configuration, new MomentsTable());
  }

  Configuration configuration() {
    return configuration;
  }

  List<Member> members() {
    return members;
  }

  long[] counts() {
    return counts;
  }

  SweepWindow window(Columns columns) {
    return columns.window(slotCount, sourceCount);
  }

  /** The sampled observations. */
  Columns sample() {
    return sample;
  }

  /** Appends a batch to a window's columns, and what is sampled of it to the sample. */
  void append(Recorded recorded, MomentsTable reference, Columns columns) {
    if (met != reference) {
      met = reference;
      weigher = new Weigher(configuration, reference);
      columns.newReference();
      sample.newReference();
    }
    int from = columns.size();
    int dialogues = recorded.scored().batch().dialogues();
    for (int d = 0; d < dialogues; d++) {
      columns.append(recorded, d, configuration, weigher);
    }
    for (int i = from; i < columns.size(); i++) {
      counts[columns.slot(i)]++;
      counts[slotCount + columns.source(i)]++;
    }
    for (int d = 0; recorded.sampled() && d < dialogues; d++) {
      if (recorded.sampled(d) >= 0) {
        appendToSample(recorded, d);
      }
    }
  }

  private void appendToSample(Recorded recorded, int dialogue) {
    ObservationBatch batch = recorded.scored().batch();
    int begin = batch.offsets()[dialogue];
    int end = batch.offsets()[dialogue + 1];
    for (int i = begin; i < end; i++) {
      visited += batch.supervised(i) ? 1 : 0;
    }
    if (visited > Sample.OBSERVATIONS) {
      return;
    }
    int next = sample.size();
    sample.append(recorded, dialogue, configuration, weigher);
    for (int i = begin; i < end; i++) {
      if (configuration.usable(batch.losses()[i])) {
        sampledDialogues[next] = recorded.sampled(dialogue);
        sampledTurns[next++] = batch.firstTurn(dialogue) + (i - begin);
      }
    }
  }

  /** Successive visits of the sampled dialogues' turns. */
  Visits visits() {
    Map<Visited, Integer> last = new HashMap<>();
    int[] earlier = new int[sample.size()];
    int[] later = new int[sample.size()];
    int pairs = 0;
    for (int i = 0; i < sample.size(); i++) {
      Integer before = last.put(new Visited(sampledDialogues[i], sampledTurns[i]), i);
      if (before != null) {
        earlier[pairs] = before;
        later[pairs++] = i;
      }
    }
    return new Visits(Arrays.copyOf(earlier, pairs), Arrays.copyOf(later, pairs));
  }

  private record Visited(int dialogue, long turn) {}
}
