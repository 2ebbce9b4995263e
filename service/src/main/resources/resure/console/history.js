// A run's history in columns, one a stretch of steps, as GET .../history answers; live steps are put behind.

const COLUMNS = [
  'observations', 'loss', 'lossMin', 'lossMax', 'mean', 'standardDeviation',
  'weight', 'weightMin', 'effectiveSampleRatio', 'drift', 'driftMax',
];

export class History {
  /**
   * Wraps an answer.
   *
   * @param window the steps that were asked for, {from, to}, each null where it is open
   */
  constructor(answer, window = { from: null, to: null }) {
    this.sequence = answer.sequence;
    this.progress = answer.progress ?? 1;
    this.window = window;
    this.fromSteps = answer.fromSteps;
    this.toSteps = answer.toSteps;
    this.marks = answer.marks ?? [];
    this.turns = new Map(answer.turns.map((turn) => [turn.turn, turn]));
    this.appended = 0;
    // Steps of a whole stretch: live ones are gathered into such, so that one step is not drawn beside the mean of many.
    this.stretch = Math.max(1, ...this.fromSteps.map((from, i) => this.toSteps[i] - from + 1));
  }

  get length() {
    return this.fromSteps.length;
  }

  /** The middle of each stretch. */
  get middles() {
    return this.fromSteps.map((from, i) => (from + this.toSteps[i]) / 2);
  }

  /** The turns in order. */
  get order() {
    return [...this.turns.keys()].sort((a, b) => a - b);
  }

  /** Puts a step that was folded behind; false where it is here already or outside of what is looked at. */
  append(step) {
    // Several steps may be closed by one batch.
    if (step.sequence < this.sequence) {
      return false;
    }
    this.sequence = step.sequence;
    const at = step.step ?? (this.length > 0 ? this.toSteps.at(-1) + 1 : 0);
    if ((this.window.to !== null && at > this.window.to) || (this.length > 0 && at <= this.toSteps.at(-1))) {
      return false;
    }
    this.#extend(at);
    const last = this.length - 1;
    for (const turn of step.turns) {
      if (!this.turns.has(turn.turn)) {
        this.turns.set(turn.turn, Object.fromEntries(COLUMNS.map((column) => [column, Array(this.length).fill(null)])));
      }
      gather(this.turns.get(turn.turn), last, turn);
    }
    return true;
  }

  /** Makes room for a step: in the last stretch as long as it is not whole, else in one of its own. */
  #extend(at) {
    const last = this.length - 1;
    if (last >= 0 && at - this.fromSteps[last] < this.stretch) {
      this.toSteps[last] = at;
      return;
    }
    this.fromSteps.push(at);
    this.toSteps.push(at);
    this.appended++;
    for (const columns of this.turns.values()) {
      COLUMNS.forEach((column) => columns[column]?.push(null));
    }
  }

  mark(kind, event, step, turn) {
    this.marks.push({ kind, sequence: event.sequence, step, turn });
  }

  /** Takes back what a rewind removed, so that what comes next is never drawn backwards. */
  cut(nextStep) {
    let kept = this.length;
    while (kept > 0 && this.toSteps[kept - 1] >= nextStep) {
      kept--;
    }
    this.fromSteps.length = kept;
    this.toSteps.length = kept;
    for (const columns of this.turns.values()) {
      COLUMNS.forEach((column) => columns[column] && (columns[column].length = kept));
    }
    this.marks = this.marks.filter((mark) => mark.turn === null || mark.step < nextStep);
  }
}

/** Takes a turn's step into a stretch: means by observations, extremes, and the newest of what was normal. */
function gather(columns, i, step) {
  const before = columns.observations[i] ?? 0;
  const all = before + step.observations;
  const both = (old, value, join) => ((old ?? null) === null ? value ?? null : (value ?? null) === null ? old : join(old, value));
  const mean = (old, value) => both(old, value, (a, b) => (all === 0 ? b : (a * before + b * step.observations) / all));
  const most = (pick, old, value) => both(old, value, pick);
  for (const column of ['loss', 'weight', 'effectiveSampleRatio']) {
    columns[column][i] = mean(columns[column][i], step[column]);
  }
  columns.lossMin[i] = most(Math.min, columns.lossMin[i], step.loss);
  columns.lossMax[i] = most(Math.max, columns.lossMax[i], step.loss);
  columns.weightMin[i] = most(Math.min, columns.weightMin[i], step.weight);
  columns.driftMax[i] = most(Math.max, columns.driftMax[i], step.drift);
  for (const column of ['mean', 'standardDeviation', 'drift']) {
    columns[column][i] = step[column] ?? columns[column][i];
  }
  columns.observations[i] = all;
}

/** (value - mean) / standard deviation of one stretch; null where there is none. */
export function zScore(columns, column, i) {
  const value = columns[column][i];
  const mean = columns.mean[i];
  const sd = columns.standardDeviation[i];
  return value === null || mean === null || !(sd > 0) ? null : (value - mean) / sd;
}
