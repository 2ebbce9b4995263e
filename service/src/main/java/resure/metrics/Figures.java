package resure.metrics;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import resure.drift.TurnDrift;
import resure.run.Totals;
import resure.run.WeightSums;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;

/**
 * What a run's state said of its turns and sources at one moment, as its series show it: turns past
 * the last one that is told apart are pooled in it, sources past those that are in one more. What
 * is pooled is made by those who scrape: a run is told of at every step, and looked at seldom.
 * Immutable.
 */
final class Figures {

  /** Of dialogues without a source. */
  static final String NO_SOURCE = "(none)";

  /** Of all sources that have no series of their own, and of any that has one of these names. */
  static final String OTHER_SOURCES = "(other)";

  private final MomentsTable reference;
  private final Totals totals;
  private final List<TurnDrift> drift;
  private final int maxTurns;
  private final int maxSources;

  /** Made when it is first asked for, by each who asks at that moment. */
  private volatile @Nullable Map<String, WeightSums> byTag;

  /** Takes over everything. */
  Figures(
      MomentsTable reference, Totals totals, List<TurnDrift> drift, int maxTurns, int maxSources) {
    this.reference = reference;
    this.totals = totals;
    this.drift = drift;
    this.maxTurns = maxTurns;
    this.maxSources = maxSources;
  }

  /** How many turns have series. */
  int turns() {
    return Math.min(maxTurns, reference.slots());
  }

  private boolean pools(int turn) {
    return turn == maxTurns - 1;
  }

  Moments moments(int turn) {
    return pools(turn) ? reference.pooled(turn) : reference.moments(turn);
  }

  WeightSums weights(int turn) {
    // Fewer than the triples' where the run began with another's and a turn has not come yet.
    List<WeightSums> slots = totals.slots();
    WeightSums pool = new WeightSums();
    for (int slot = turn; slot < end(turn, slots.size()); slot++) {
      pool.add(slots.get(slot));
    }
    return pool;
  }

  /** Of pooled turns the highest gauge, and what was raised of any. */
  TurnDrift drift(int turn) {
    TurnDrift pool = TurnDrift.NONE;
    for (int slot = turn; slot < end(turn, drift.size()); slot++) {
      pool = pool.pooled(drift.get(slot));
    }
    return pool;
  }

  private int end(int turn, int slots) {
    return pools(turn) ? slots : Math.min(slots, turn + 1);
  }

  /** Grows whenever {@link #sourceTags} does. */
  int sources() {
    return totals.sources().size() + (totals.others().observations() > 0 ? 1 : 0);
  }

  Set<String> sourceTags() {
    return byTag().keySet();
  }

  WeightSums weights(String sourceTag) {
    WeightSums sums = byTag().get(sourceTag);
    return sums == null ? new WeightSums() : sums;
  }

  private Map<String, WeightSums> byTag() {
    Map<String, WeightSums> made = byTag;
    if (made == null) {
      made = pooledByTag();
      byTag = made;
    }
    return made;
  }

  private Map<String, WeightSums> pooledByTag() {
    Map<String, WeightSums> pooled = new LinkedHashMap<>();
    int named = 0;
    for (Map.Entry<@Nullable String, WeightSums> source : totals.sources().entrySet()) {
      String name = source.getKey();
      String tag = OTHER_SOURCES;
      if (name == null) {
        tag = NO_SOURCE;
      } else if (named < maxSources && !name.equals(NO_SOURCE) && !name.equals(OTHER_SOURCES)) {
        named++;
        tag = name;
      }
      pooled.computeIfAbsent(tag, t -> new WeightSums()).add(source.getValue());
    }
    if (totals.others().observations() > 0) {
      pooled.computeIfAbsent(OTHER_SOURCES, t -> new WeightSums()).add(totals.others());
    }
    return pooled;
  }
}
