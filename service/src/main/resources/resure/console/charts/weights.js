// Mean weight a turn as bars, effective-sample ratio as ticks: an axis from 0 to 1, always.

import { colour } from '../palette.js';
import { axis, Plot, uPlot } from './plot.js';

export class WeightsByTurn {
  constructor(host, runs, onTurn) {
    this.runs = runs;
    const count = Math.max(1, ...runs().map((turns) => (turns.at(-1)?.turn ?? 0) + 1));
    const colours = runs().length > 1 ? ['loss', 'second'] : ['weight'];
    this.plot = new Plot(
      host,
      'Mean weight and effective-sample ratio by turn. The table below has the figures.',
      {
        scales: { x: { time: false, range: () => [-0.6, this.#count() - 0.4] }, y: { range: [0, 1] } },
        axes: [
          axis({ label: 'turn', size: 30, grid: { show: false }, splits: () => this.#splits(), values: (_, splits) => splits.map(String) }),
          axis({ size: 40, splits: () => [0, 0.25, 0.5, 0.75, 1], values: (_, splits) => splits.map((v) => (v % 0.5 === 0 ? v.toFixed(1) : '')) }),
        ],
        cursor: { y: false, x: onTurn !== null, points: { show: false }, drag: { x: false, y: false } },
        series: [
          {},
          ...runs().flatMap((_, i) => [
            {
              stroke: () => colour(colours[i]),
              fill: () => colour(`${colours[i]}-bar`),
              width: 1,
              points: { show: false },
              paths: uPlot.paths.bars({ size: [runs().length > 1 ? 0.4 : 0.7, 22], align: runs().length > 1 ? (i === 0 ? -1 : 1) : 0 }),
            },
            ...(runs().length > 1
              ? []
              : [{ stroke: () => colour('ink'), width: 0, paths: () => null, points: { show: true, size: count > 24 ? 4 : 6, width: count > 24 ? 1 : 1.5, fill: () => colour('surface'), stroke: () => colour('ink') } }]),
          ]),
        ],
      },
      this.#data(count),
      210,
    );
    if (onTurn !== null) {
      this.plot.chart.over.addEventListener('click', () => {
        const turn = Math.round(this.plot.chart.posToVal(this.plot.chart.cursor.left, 'x'));
        if (turn >= 0 && turn < this.#count()) {
          onTurn(turn);
        }
      });
    }
  }

  #count() {
    return Math.max(1, ...this.runs().map((turns) => (turns.at(-1)?.turn ?? 0) + 1));
  }

  #splits() {
    const every = [1, 2, 4, 8, 16, 32].find((step) => this.#count() / step <= 16) ?? 64;
    return Array.from({ length: Math.ceil(this.#count() / every) }, (_, i) => i * every);
  }

  #data(count = this.#count()) {
    const x = Array.from({ length: count }, (_, turn) => turn);
    const columns = this.runs().flatMap((turns) => {
      const by = new Map(turns.map((turn) => [turn.turn, turn]));
      const weights = x.map((turn) => by.get(turn)?.meanWeight ?? null);
      return this.runs().length > 1 ? [weights] : [weights, x.map((turn) => by.get(turn)?.effectiveSampleRatio ?? null)];
    });
    return [x, ...columns];
  }

  update() {
    this.plot.update(this.#data());
  }

  destroy() {
    this.plot.destroy();
  }
}
