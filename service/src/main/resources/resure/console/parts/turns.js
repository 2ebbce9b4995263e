// Which turns stand out, and why.

import { decimal, signed, whole } from '../format.js';

/** Turns in order of how much they want to be looked at: warned, then alarmed last, then drifting, then down-weighted. */
export function worstTurns(statistics, count) {
  const urgency = (turn) => (turn.warning ? 2e12 : 0) + (turn.lastAlarmStep === null || turn.lastAlarmStep === undefined ? 0 : 1e12 + Math.min(1e11, turn.lastAlarmStep));
  return statistics.turns
    .filter((turn) => turn.mean !== null)
    .toSorted((a, b) => urgency(b) - urgency(a) || notable(b) - notable(a))
    .slice(0, count);
}

/** Drift counts from a third of a sd; below that it is what every turn has. */
function notable(turn) {
  return Math.max(0, (turn.drift ?? 0) - 0.33) + (1 - (turn.meanWeight ?? 1));
}

/** Why a turn is shown, in a few words. */
export function reason(turn) {
  if (turn.warning) {
    return `rising, drift ${signed(turn.drift)} sd`;
  }
  if (turn.lastAlarmStep !== null && turn.lastAlarmStep !== undefined) {
    return `rose at step ${whole(turn.lastAlarmStep)}`;
  }
  return turn.drift > 0.33 ? `drift ${signed(turn.drift)} sd` : `mean weight ${decimal(turn.meanWeight)}`;
}
