package resure.run;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A run's weight sums over everything folded: per slot, per source, and in all. They move only when
 * a step is folded, in canonical order, so that the order of arrival changes no bit of them. The
 * holder's thread only; readers get a copy.
 */
public final class Totals {

  /** Sources that are kept apart; later ones are pooled. */
  static final int MAX_SOURCES = 1024;

  private final WeightSums all;
  private final List<WeightSums> slots = new ArrayList<>();
  private final Map<@Nullable String, WeightSums> sources = new LinkedHashMap<>();
  private final WeightSums others;
  private RunMean runMean;
  private long clientWeighted;

  Totals() {
    this(new WeightSums(), new WeightSums(), RunMean.NONE, 0);
  }

  Totals(WeightSums all, WeightSums others, RunMean runMean, long clientWeighted) {
    this.all = all;
    this.others = others;
    this.runMean = runMean;
    this.clientWeighted = clientWeighted;
  }

  void add(BatchTotals batch) {
    addSlots(slots, batch);
    batch.perSlot().forEach(all::add);
    for (int i = 0; i < batch.sources().size(); i++) {
      source(batch.sources().get(i)).add(batch.perSource().get(i));
    }
    runMean = runMean.plus(batch);
    clientWeighted += batch.clientWeighted() ? 1 : 0;
  }

  private static void addSlots(List<WeightSums> slots, BatchTotals batch) {
    for (int i = 0; i < batch.slots().size(); i++) {
      int slot = batch.slots().get(i);
      while (slots.size() <= slot) {
        slots.add(new WeightSums());
      }
      slots.get(slot).add(batch.perSlot().get(i));
    }
  }

  /** Per slot, with batches that are not folded yet; a copy. */
  List<WeightSums> slotsWith(List<PendingBatch> pending) {
    List<WeightSums> copy = new ArrayList<>(slots.size());
    slots.forEach(sums -> copy.add(sums.copy()));
    pending.forEach(batch -> addSlots(copy, batch.totals()));
    return copy;
  }

  private WeightSums source(@Nullable String source) {
    WeightSums sums = sources.get(source);
    if (sums != null) {
      return sums;
    }
    int named = sources.size() - (sources.containsKey(null) ? 1 : 0);
    if (source != null && named >= MAX_SOURCES) {
      return others;
    }
    sums = new WeightSums();
    sources.put(source, sums);
    return sums;
  }

  void putSlot(WeightSums sums) {
    slots.add(sums);
  }

  void putSource(@Nullable String source, WeightSums sums) {
    sources.put(source, sums);
  }

  /** An independent copy. */
  public Totals copy() {
    Totals copy = new Totals(all.copy(), others.copy(), runMean, clientWeighted);
    slots.forEach(sums -> copy.slots.add(sums.copy()));
    sources.forEach((source, sums) -> copy.sources.put(source, sums.copy()));
    return copy;
  }

  /** Over everything. */
  public WeightSums all() {
    return all;
  }

  /** Per slot, from slot 0. */
  public List<WeightSums> slots() {
    return slots;
  }

  /** Per source in the order in which they were first folded; null for dialogues without one. */
  public Map<@Nullable String, WeightSums> sources() {
    return sources;
  }

  /** Of the sources that came when as many as are kept apart were there. */
  public WeightSums others() {
    return others;
  }

  /** Batches to which their trainer had applied weights already. */
  public long clientWeighted() {
    return clientWeighted;
  }

  RunMean runMean() {
    return runMean;
  }
}
