// One turn over the steps: its loss with what was normal for it, its weight, its drift.

import { decimal, signed, steps } from '../format.js';
import { colour } from '../palette.js';
import { drawMarks } from './marks.js';
import { axis, Plot, stepAxis, stepCursor, stepRange } from './plot.js';

const none = () => null;
/** A series that only bounds a band. */
const nothing = () => ({ stroke: none, width: 0, points: { show: false } });

/** What all charts of steps have. */
function stepOptions(history, sync, onZoom, onPoint, hooks = {}) {
  const { cursor, zoomed } = stepCursor(sync, onZoom);
  return {
    cursor,
    hooks: {
      ...hooks,
      setSelect: [zoomed],
      setCursor: [(chart) => onPoint(chart.cursor.idx ?? null)],
    },
  };
}

function line(name, width = 1.75) {
  return { stroke: () => colour(name), width, spanGaps: true, points: { show: few } };
}

/** Where there are few values each is seen, and one alone is. */
const few = (chart, series, from, to) => to - from < 40;

/** The loss, its extremes within each stretch, and mean +- sd of the statistics that it was weighed against. */
export class LossChart {
  constructor(host, turn, history, { height = 190, sync, onZoom, onPoint, label = false }) {
    this.turn = turn;
    this.history = history;
    this.plot = new Plot(
      host,
      this.#description(),
      {
        ...stepOptions(history, sync, onZoom, onPoint, { draw: [drawMarks(() => history().marks, turn)] }),
        padding: [18, 22, 0, 0],
        scales: { x: { time: false, range: stepRange(history) }, y: { range: roomy } },
        axes: [stepAxis(label ? { label: 'step', size: 30 } : {}), axis({ size: 46, space: 34, label: 'loss, nats' })],
        series: [
          {},
          nothing(),
          nothing(),
          nothing(),
          nothing(),
          { ...line('normal', 1.25), dash: [4, 3], points: { show: false } },
          line('loss'),
        ],
        bands: [
          { series: [1, 2], fill: () => colour('normal-band') },
          { series: [3, 4], fill: () => colour('loss-band') },
        ],
      },
      this.#data(),
      height,
    );
  }

  #data() {
    const history = this.history();
    const columns = history.turns.get(this.turn);
    if (columns === undefined) {
      return [history.middles, ...Array(6).fill(history.middles.map(none))];
    }
    const { mean, standardDeviation: sd, loss, lossMin, lossMax } = columns;
    const edge = (sign) => mean.map((value, i) => (value === null || sd[i] === null ? null : value + sign * sd[i]));
    return [history.middles, edge(1), edge(-1), lossMax, lossMin, mean, loss];
  }

  #description() {
    const columns = this.history().turns.get(this.turn);
    const loss = columns?.loss.filter((value) => value !== null) ?? [];
    return loss.length === 0
      ? `Turn ${this.turn}: no loss in these steps.`
      : `Loss of turn ${this.turn}: from ${decimal(loss[0])} to ${decimal(loss.at(-1))} nats, at most ${decimal(
          columns.lossMax.reduce((a, b) => Math.max(a, b ?? a), -Infinity),
        )}. The table below has the figures.`;
  }

  update() {
    this.plot.update(this.#data());
    this.plot.describe(this.#description());
  }

  destroy() {
    this.plot.destroy();
  }
}

function roomy(_, low, high) {
  if (low === null || high === null) {
    return [0, 1];
  }
  const room = Math.max(0.05, (high - low) * 0.06);
  return [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
}

/** The weight, 0 to 1 whatever happens, with its lowest step. */
export class WeightChart {
  constructor(host, turn, history, { height = 130, sync, onZoom, onPoint }) {
    this.turn = turn;
    this.history = history;
    this.plot = new Plot(
      host,
      `Mean weight of turn ${turn} over the steps. The table below has the figures.`,
      {
        ...stepOptions(history, sync, onZoom, onPoint),
        scales: { x: { time: false, range: stepRange(history) }, y: { range: [0, 1] } },
        axes: [stepAxis(), axis({ size: 46, label: 'weight', splits: () => [0, 0.25, 0.5, 0.75, 1], values: (_, splits) => splits.map((v) => (v % 0.5 === 0 ? v.toFixed(1) : '')) })],
        series: [{}, nothing(), line('weight')],
        bands: [{ series: [2, 1], fill: () => colour('weight-band') }],
      },
      this.#data(),
      height,
    );
  }

  #data() {
    const history = this.history();
    const columns = history.turns.get(this.turn);
    return [history.middles, columns?.weightMin ?? history.middles.map(none), columns?.weight ?? history.middles.map(none)];
  }

  update() {
    this.plot.update(this.#data());
  }

  destroy() {
    this.plot.destroy();
  }
}

/** The drift, in standard deviations, 0 always in sight. */
export class DriftChart {
  constructor(host, turn, history, { height = 150, sync, onZoom, onPoint }) {
    this.turn = turn;
    this.history = history;
    this.plot = new Plot(
      host,
      `Drift of turn ${turn} over the steps, in standard deviations. The table below has the figures.`,
      {
        ...stepOptions(history, sync, onZoom, onPoint),
        scales: {
          x: { time: false, range: stepRange(history) },
          y: { range: (_, low, high) => [Math.min(-0.5, (low ?? 0) - 0.1), Math.max(1, (high ?? 0) + 0.1)] },
        },
        axes: [stepAxis({ label: 'step', size: 30 }), axis({ size: 46, space: 30, label: 'drift, sd', values: (_, splits) => splits.map((v) => signed(v)) })],
        series: [{}, nothing(), line('drift')],
        bands: [{ series: [1, 2], fill: () => colour('drift-band') }],
      },
      this.#data(),
      height,
    );
  }

  #data() {
    const history = this.history();
    const columns = history.turns.get(this.turn);
    return [history.middles, columns?.driftMax ?? history.middles.map(none), columns?.drift ?? history.middles.map(none)];
  }

  update() {
    this.plot.update(this.#data());
  }

  destroy() {
    this.plot.destroy();
  }
}

/** What is under the cursor, in words. */
export function pointText(history, turn, i) {
  const columns = history.turns.get(turn);
  if (i === null || columns === undefined || i >= history.length) {
    return '';
  }
  const at = `step ${steps(history.fromSteps[i], history.toSteps[i])}`;
  if (columns.loss[i] === null) {
    return `${at}: no loss`;
  }
  const normal = columns.mean[i] === null ? 'warming up' : `normal ${decimal(columns.mean[i])} \u00b1 ${decimal(columns.standardDeviation[i])}`;
  return `${at}: loss ${decimal(columns.loss[i])}, ${normal}, weight ${decimal(columns.weight[i])}`;
}
