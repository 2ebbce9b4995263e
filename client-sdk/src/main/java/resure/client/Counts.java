package resure.client;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * What has become of a training run's batches so far, all read at one moment: {@code weighed} is
 * always the sum of {@code delivered}, {@code queued}, {@code dropped} and {@code refused}.
 *
 * @param weighed batches given to {@link TrainingRun#weigh}
 * @param delivered batches that the service has recorded
 * @param queued batches that are still to be delivered, the one on its way included
 * @param dropped batches given up: the oldest of a full queue, those that a rewind or another
 *     attempt made void, and what was left at the end. One that was on its way may have been
 *     recorded
 * @param refused batches that the service refused
 * @param recordedOtherwise delivered ones that are recorded with the service's weights though the
 *     step had gone on with others: their answer came too late
 * @param toLocal steps that fell back to weighing here, by reason; reasons that never came are
 *     absent
 * @param toOne steps that fell back to weight 1, by reason
 */
public record Counts(
    long weighed,
    long delivered,
    long queued,
    long dropped,
    long refused,
    long recordedOtherwise,
    Map<FallbackReason, Long> toLocal,
    Map<FallbackReason, Long> toOne) {

  /** Copies the maps. */
  public Counts {
    toLocal = sorted(toLocal);
    toOne = sorted(toOne);
  }

  private static Map<FallbackReason, Long> sorted(Map<FallbackReason, Long> counts) {
    Map<FallbackReason, Long> sorted = new EnumMap<>(FallbackReason.class);
    sorted.putAll(counts);
    return Collections.unmodifiableMap(sorted);
  }

  /** Steps that fell back, for whatever reason. */
  public long fallbacks() {
    return total(toLocal) + total(toOne);
  }

  private static long total(Map<FallbackReason, Long> counts) {
    return counts.values().stream().mapToLong(Long::longValue).sum();
  }

  /** One line for the trainer's log. */
  @Override
  public String toString() {
    Map<String, Long> local = new TreeMap<>();
    toLocal.forEach((reason, count) -> local.put(reason.label(), count));
    Map<String, Long> one = new TreeMap<>();
    toOne.forEach((reason, count) -> one.put(reason.label(), count));
    return "%d weighed: %d delivered (%d recorded otherwise), %d queued, %d dropped, %d refused; %d fallbacks: to local %s, to one %s"
        .formatted(
            weighed, delivered, recordedOtherwise, queued, dropped, refused, fallbacks(), local,
            one);
  }
}
