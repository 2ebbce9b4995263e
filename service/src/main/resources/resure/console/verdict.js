// One sentence about a run: what a person who opens its page should know first. A run that cannot be judged (yet), since
// it is warming up or its weights are not applied, is never called well.

import { duration, listed, percent, whole } from './format.js';

/** An active run that says nothing for this long is worth a look. */
const SILENT = 15 * 60_000;
/** Steps for which a rise that is over is still news, or this share of the run where that is more. */
const RECENT_STEPS = 500;
const RECENT_SHARE = 0.05;
const LOW_EFFECTIVE_SAMPLE_RATIO = 0.5;
const MANY_UNUSABLE = 0.01;
const MANY_CLIENT_WEIGHTED = 0.05;

/**
 * The verdict on a run.
 *
 * @param run as GET /v1/runs/{run} answers
 * @param statistics as GET .../statistics answers
 * @param marks of its history, where they are at hand: they say since when
 * @param now milliseconds, by the service's clock
 * @returns tone ('alarm', 'caution', 'calm', 'warming', 'shadow' or 'empty'), the sentence, and more to know
 */
export function verdict(run, statistics, marks, now) {
  if (run.lastBatchAt === null) {
    return { tone: 'empty', sentence: 'No batch has come yet.', more: [] };
  }
  const found = [...rises(run, statistics, marks), ...concerns(run, statistics, now)];
  const warming = warmingUp(run, statistics);
  const [first, ...rest] = found;
  const judged = first ?? (warming.all ? null : { tone: 'calm', sentence: 'Nothing unusual.' });
  const more = rest.map((concern) => concern.sentence);
  if (run.configuration.shadow) {
    const sentences = [judged?.sentence ?? warming.sentence, ...more];
    return { tone: judged !== null && first ? first.tone : 'shadow', sentence: 'Shadow: weights are not applied.', more: sentences };
  }
  if (judged === null) {
    return { tone: 'warming', sentence: warming.sentence, more: [] };
  }
  if (warming.some) {
    more.push(warming.sentence);
  }
  more.push(...earlier(run, statistics, found));
  return { ...judged, more };
}

/** Turns whose loss rises now, or has just risen. */
function rises(run, statistics, marks) {
  const rising = statistics.turns.filter((turn) => turn.warning);
  const risen = statistics.turns.filter((turn) => !turn.warning && recent(run, turn.lastAlarmStep));
  const found = [];
  if (rising.length > 0) {
    const first = rising.reduce((a, b) => ((b.alarms > 0) - (a.alarms > 0) || (b.drift ?? 0) - (a.drift ?? 0)) > 0 ? b : a);
    const since = raisedAt(first, marks);
    const others = rising.length === 1 ? '' : rising.length === 2 ? ', and so is one other' : `, and so are ${rising.length - 1} others`;
    found.push({
      tone: first.alarms > 0 && (since === null || first.lastAlarmStep >= since) ? 'alarm' : 'caution',
      sentence: `Turn ${first.turn} is rising${since === null ? '' : ` since step ${whole(since)}`}${others}.`,
    });
  }
  if (risen.length > 0) {
    const [first] = risen.toSorted((a, b) => b.lastAlarmStep - a.lastAlarmStep);
    const turns = risen.length === 1 ? `Turn ${first.turn}` : `Turn ${first.turn} and ${risen.length - 1} more`;
    found.push({ tone: 'caution', sentence: `${turns} rose at step ${whole(first.lastAlarmStep)}.` });
  }
  return found;
}

function raisedAt(turn, marks) {
  const raised = (marks ?? []).filter((mark) => mark.turn === turn.turn && mark.kind === 'warning').at(-1);
  return raised?.step ?? turn.lastAlarmStep ?? null;
}

function recent(run, step) {
  // Batches that name no step are counted instead.
  const newest = run.step ?? run.sequence;
  return step !== null && step !== undefined && newest - step <= Math.max(RECENT_STEPS, RECENT_SHARE * newest);
}

/** What else may be wrong. */
function concerns(run, statistics, now) {
  const found = [];
  const caution = (sentence) => found.push({ tone: 'caution', sentence });
  const age = now - Date.parse(run.lastBatchAt);
  if (run.state === 'active' && age > SILENT) {
    caution(`No batch for ${duration(age)}.`);
  }
  if (statistics.effectiveSampleRatio !== null && statistics.effectiveSampleRatio < LOW_EFFECTIVE_SAMPLE_RATIO) {
    caution(`Weights are concentrated: the effective-sample ratio is ${statistics.effectiveSampleRatio.toFixed(2)}.`);
  }
  const unusable = statistics.unusable / statistics.observations;
  if (unusable > MANY_UNUSABLE) {
    caution(`${percent(unusable)} of the losses are unusable.`);
  }
  const batches = Math.max(1, statistics.sequence - 1);
  if (statistics.clientWeighted / batches > MANY_CLIENT_WEIGHTED) {
    caution(`${percent(statistics.clientWeighted / batches)} of the batches were weighed by the trainer itself.`);
  }
  return found;
}

function warmingUp(run, statistics) {
  const turns = statistics.turns.filter((turn) => turn.seen < run.configuration.warmUp);
  const all = turns.length === statistics.turns.length;
  const most = Math.max(0, ...statistics.turns.map((turn) => turn.seen));
  return {
    all,
    some: turns.length > 0,
    sentence: all
      ? `Still warming up: ${whole(most)} of the ${whole(run.configuration.warmUp)} observations that a turn needs.`
      : turns.length > 3
        ? `${turns.length} of ${statistics.turns.length} turns are still warming up.`
        : `${turns.length === 1 ? 'Turn' : 'Turns'} ${listed(turns.map((turn) => turn.turn))} ${turns.length === 1 ? 'is' : 'are'} still warming up.`,
  };
}

function earlier(run, statistics, found) {
  const turns = statistics.turns.filter((turn) => turn.alarms > 0 && !turn.warning && !recent(run, turn.lastAlarmStep));
  if (turns.length === 0 || found.length > 2) {
    return [];
  }
  const [last] = turns.toSorted((a, b) => b.lastAlarmStep - a.lastAlarmStep);
  return [`Earlier: turn ${last.turn} rose at step ${whole(last.lastAlarmStep)}${turns.length > 1 ? `, ${turns.length - 1} other turns before` : ''}.`];
}
