package resure.drift;

import java.util.List;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;

/**
 * Watches one turn. Its input is one number a step: how far the step's mean loss is from the slow
 * mean, in slow standard deviations, clipped to +-{@value #CLIP}. A step with less than {@value
 * #MIN_OBSERVATIONS} observations of the turn waits for the next ones, so that a rare turn's
 * numbers are no noisier than others'. Everything below is counted in inputs.
 *
 * <p>The CUSUM takes that number; ADWIN takes the loss that it stands for. For the number changes
 * its meaning as the slow mean moves: a rise would fade as the slow mean follows it, and the end of
 * a fall would look like one.
 *
 * <p>While a warning is raised the slow moments stand still, or a slow rise would hide itself. A
 * warning ends when the loss is back (the CUSUM at 0), with an alarm, or after {@value
 * #LONGEST_WARNING} inputs. In the last two cases the loss has settled on another level, and rises
 * are looked for from there: the slow moments go on from the mean of what has risen, or else from
 * the fast mean, with so little evidence that they soon follow.
 *
 * <p>Owner thread only.
 */
final class TurnDetector {

  /** Observations that make an input. */
  static final int MIN_OBSERVATIONS = 8;

  /** Observations before the first input. */
  static final int WARM_UP = 16;

  /** An input is clipped to this, in standard deviations. */
  static final double CLIP = 4;

  /** Inputs after which a warning ends in any case. */
  static final int LONGEST_WARNING = 64;

  /** Evidence, in observations, that the slow mean has once it was moved. */
  static final double MOVED_EVIDENCE = 64;

  /** Half of the evidence is as old as so many inputs, or older. */
  private static final double SLOW_HALF_LIFE = 256;

  private static final double FAST_HALF_LIFE = 8;

  private static final double SLOW_AGEING = MomentsTable.ageing(1, SLOW_HALF_LIFE);
  private static final double FAST_AGEING = MomentsTable.ageing(1, FAST_HALF_LIFE);

  /** Slots of {@link #moments}. */
  private static final int GATHERED = 0;

  private static final int SLOW = 1;
  private static final int FAST = 2;

  private final MomentsTable moments = new MomentsTable();
  private final DriftLimits limits;
  private final Cusum cusum;
  private final Adwin adwin;
  private int raisedFor;
  private long warnings;
  private long alarms;
  private long lastAlarmStep = TurnDrift.NO_STEP;
  private TurnDrift shown = TurnDrift.NONE;

  /** Of a turn that has not come yet. */
  TurnDetector(DriftLimits limits) {
    this.limits = limits;
    cusum = new Cusum(limits.reference(), limits.warning());
    adwin = new Adwin(limits.delta());
    moments.set(GATHERED, Moments.NONE);
    moments.set(SLOW, Moments.NONE);
    moments.set(FAST, Moments.NONE);
  }

  /** As it was when its state was taken. */
  TurnDetector(DriftLimits limits, TurnState state) {
    this(limits);
    moments.set(GATHERED, state.gathered());
    moments.set(SLOW, state.slow());
    moments.set(FAST, state.fast());
    cusum.restore(state.cusum(), state.raised());
    adwin.restore(state.window());
    raisedFor = state.raisedFor();
    warnings = state.warnings();
    alarms = state.alarms();
    lastAlarmStep = state.lastAlarmStep();
    show();
  }

  /** Takes the turn's triple of a step; what is noticed is added to {@code events}. */
  void fold(int slot, long step, Moments sample, List<DriftEvent> events) {
    Moments input = sample;
    // Most steps have enough observations of a turn by themselves.
    if (sample.n() < MIN_OBSERVATIONS || moments.moments(GATHERED).n() > 0) {
      moments.merge(GATHERED, 1, sample);
      input = moments.moments(GATHERED);
      if (input.n() < MIN_OBSERVATIONS) {
        return;
      }
      moments.set(GATHERED, Moments.NONE);
    }
    take(slot, step, input, events);
    show();
  }

  private void take(int slot, long step, Moments input, List<DriftEvent> events) {
    Moments slow = moments.moments(SLOW);
    double sd = slow.sd();
    moments.merge(FAST, FAST_AGEING, input);
    if (!enough(slow, sd)) {
      moments.merge(SLOW, SLOW_AGEING, input);
      return;
    }
    double x = Math.clamp((input.mean() - slow.mean()) / sd, -CLIP, CLIP);
    if (cusum.add(x)) {
      warnings++;
      raisedFor = 0;
      events.add(new DriftEvent(slot, DriftEvent.Kind.WARNING, drift(slow, sd)));
    }
    if (adwin.add(slow.mean() + x * sd, slow.mean(), limits.rise() * sd)) {
      alarms++;
      lastAlarmStep = step;
      events.add(new DriftEvent(slot, DriftEvent.Kind.ALARM, drift(slow, sd)));
      settle(slow, adwin.mean());
    } else if (!cusum.raised()) {
      moments.merge(SLOW, SLOW_AGEING, input);
    } else if (raisedFor++ == LONGEST_WARNING) {
      settle(slow, moments.moments(FAST).mean());
    }
  }

  private void settle(Moments slow, double level) {
    double n = Math.min(slow.n(), MOVED_EVIDENCE);
    double m2 = slow.m2() * ((n - 1) / (slow.n() - 1));
    moments.set(SLOW, new Moments(n, level, m2, slow.seen()));
    cusum.reset();
  }

  private double drift(Moments slow, double sd) {
    return (moments.moments(FAST).mean() - slow.mean()) / sd;
  }

  private static boolean enough(Moments slow, double sd) {
    return slow.seen() >= WARM_UP && sd > 1e-6 * Math.max(1, Math.abs(slow.mean()));
  }

  private void show() {
    Moments slow = moments.moments(SLOW);
    double sd = slow.sd();
    shown =
        new TurnDrift(
            slow.n() > 0 ? slow.mean() : Double.NaN,
            sd,
            enough(slow, sd) ? drift(slow, sd) : Double.NaN,
            cusum.raised(),
            warnings,
            alarms,
            lastAlarmStep);
  }

  /** After the last step that was folded. */
  TurnDrift shown() {
    return shown;
  }

  TurnState state() {
    return new TurnState(
        moments.moments(GATHERED),
        moments.moments(SLOW),
        moments.moments(FAST),
        cusum.sum(),
        cusum.raised(),
        raisedFor,
        warnings,
        alarms,
        lastAlarmStep,
        adwin.state());
  }
}
