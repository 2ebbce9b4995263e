package resure.drift;

import java.util.ArrayList;
import java.util.List;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;

/**
 * The drift of all turns of a run. It moves only when a step is folded. Owner thread only; what it
 * gives out is immutable.
 */
public final class RunDrift {

  private final DriftLimits limits;
  private final List<TurnDetector> detectors = new ArrayList<>();
  private List<TurnDrift> turns = List.of();

  /** Of a run of which nothing is folded yet. */
  public RunDrift(DriftLimits limits) {
    this.limits = limits;
  }

  /** As it was when its states were taken. */
  public static RunDrift restored(DriftLimits limits, List<TurnState> states) {
    RunDrift drift = new RunDrift(limits);
    for (TurnState state : states) {
      drift.detectors.add(new TurnDetector(limits, state));
    }
    drift.show();
    return drift;
  }

  /**
   * Takes the next folded step.
   *
   * @param step its number
   * @param moments the triples of its losses, as they were folded
   * @return what was noticed, slots ascending
   */
  public List<DriftEvent> fold(long step, MomentsTable moments) {
    List<DriftEvent> events = new ArrayList<>(0);
    while (detectors.size() < moments.slots()) {
      detectors.add(new TurnDetector(limits));
    }
    for (int slot = 0; slot < moments.slots(); slot++) {
      Moments sample = moments.moments(slot);
      if (sample.n() > 0) {
        detectors.get(slot).fold(slot, step, sample, events);
      }
    }
    show();
    return List.copyOf(events);
  }

  private void show() {
    // Once a step: a stream costs several times as much.
    TurnDrift[] shown = new TurnDrift[detectors.size()];
    for (int slot = 0; slot < shown.length; slot++) {
      shown[slot] = detectors.get(slot).shown();
    }
    turns = List.of(shown);
  }

  /** Per slot, from slot 0. */
  public List<TurnDrift> turns() {
    return turns;
  }

  /** Everything that is kept, per slot. */
  public List<TurnState> states() {
    return detectors.stream().map(TurnDetector::state).toList();
  }
}
