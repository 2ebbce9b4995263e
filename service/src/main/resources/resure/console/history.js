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
    if (step.sequence <= this.sequence) {
      return false;
    }
    this.sequence = step.sequence;
    const at = step.step ?? (this.length > 0 ? this.toSteps.at(-1) + 1 : 0);
    if ((this.window.to !== null && at > this.window.to) || (this.length > 0 && at <= this.toSteps.at(-1))) {
      return false;
    }
    this.fromSteps.push(at);
    this.toSteps.push(at);
    const told = new Map(step.turns.map((turn) => [turn.turn, turn]));
    for (const turn of told.keys()) {
      if (!this.turns.has(turn)) {
        const before = Array(this.length - 1).fill(null);
        this.turns.set(turn, { turn, ...Object.fromEntries(COLUMNS.map((column) => [column, [...before]])) });
      }
    }
    for (const [turn, columns] of this.turns) {
      const now = told.get(turn);
      const values = now && { ...now, lossMin: now.loss, lossMax: now.loss, weightMin: now.weight, driftMax: now.drift };
      COLUMNS.forEach((column) => columns[column]?.push(values?.[column] ?? null));
    }
    this.appended++;
    return true;
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

/** (value - mean) / standard deviation of one stretch; null where there is none. */
export function zScore(columns, column, i) {
  const value = columns[column][i];
  const mean = columns.mean[i];
  const sd = columns.standardDeviation[i];
  return value === null || mean === null || !(sd > 0) ? null : (value - mean) / sd;
}
