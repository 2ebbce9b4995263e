// Turns by steps, all of a run at a glance: a colour a cell, one of four figures. uPlot has the axes; the cells are
// drawn beneath them.

import { zScore } from '../history.js';
import { colour, ramp } from '../palette.js';
import { drawMarksOfAll } from './marks.js';
import { axis, Plot, stepAxis, stepCursor } from './plot.js';

/** What a cell can show: its value, the range of its colours, and the colours. */
export const FIGURES = {
  drift: {
    name: 'Drift',
    says: 'highest drift of each stretch, in sd',
    value: (columns, i) => columns.driftMax[i],
    low: -1,
    high: 1,
    colours: ['heat-low', 'heat-middle', 'heat-high'],
  },
  loss: {
    name: 'Loss',
    says: 'mean loss against its turn\u2019s normal, in sd',
    value: (columns, i) => zScore(columns, 'loss', i),
    low: -1.5,
    high: 1.5,
    colours: ['heat-low', 'heat-middle', 'heat-high'],
  },
  peaks: {
    name: 'Peaks',
    says: 'highest step of each stretch against its turn\u2019s normal, in sd',
    value: (columns, i) => zScore(columns, 'lossMax', i),
    low: -3,
    high: 3,
    colours: ['heat-low', 'heat-middle', 'heat-high'],
  },
  weight: {
    name: 'Weight',
    says: 'mean weight',
    value: (columns, i) => columns.weight[i],
    low: 0,
    high: 1,
    colours: ['heat-high', 'heat-amber', 'heat-middle'],
  },
};

export class Heatmap {
  /**
   * A heatmap.
   *
   * @param onTurn is told the turn that was clicked
   * @param onCell is told turn and stretch under the cursor, or nulls
   */
  constructor(host, history, { figure, chosen, sync, onZoom, onTurn, onCell }) {
    this.history = history;
    this.figure = figure;
    this.chosen = chosen;
    const { cursor, zoomed } = stepCursor(sync, onZoom);
    const range = () => [-0.5, Math.max(0.5, this.#rows() - 0.5)];
    this.plot = new Plot(
      host,
      `Turns by steps. The turn picker and the table below have the same.`,
      {
        cursor: { ...cursor, y: true, points: { show: false }, sync: { ...cursor.sync, setSeries: false } },
        padding: [18, 22, 0, 0],
        scales: {
          x: { time: false, range: () => this.#span() },
          y: { range, dir: -1 },
        },
        axes: [
          stepAxis({ label: 'step', grid: { show: false } }),
          axis({
            size: 46,
            label: 'turn',
            grid: { show: false },
            splits: () => this.#turnSplits(),
            values: (_, splits) => splits.map(String),
          }),
        ],
        series: [{}, { stroke: () => null, points: { show: false } }],
        hooks: {
          drawClear: [(chart) => this.#draw(chart)],
          draw: [drawMarksOfAll(() => history().marks), (chart) => this.#outline(chart)],
          setSelect: [zoomed],
          setCursor: [(chart) => this.#point(chart, onCell)],
        },
      },
      [history().middles, history().middles.map(() => null)],
      this.#height(),
    );
    this.plot.chart.over.addEventListener('click', () => {
      const { left, top } = this.plot.chart.cursor;
      if (left >= 0 && top >= 0) {
        onTurn(this.#turnAt(top));
      }
    });
  }

  #rows() {
    return Math.max(-1, ...this.history().turns.keys()) + 1;
  }

  #height() {
    const rows = this.#rows();
    const each = rows > 40 ? 7 : rows > 20 ? 11 : rows > 8 ? 18 : 24;
    return Math.max(120, rows * each) + 66;
  }

  #span() {
    const history = this.history();
    return history.length === 0 ? [0, 1] : [history.fromSteps[0], history.toSteps.at(-1) + 1];
  }

  #turnSplits() {
    const rows = this.#rows();
    const every = [1, 2, 4, 8, 16, 32, 64, 128].find((step) => rows / step <= 16) ?? 256;
    return Array.from({ length: Math.ceil(rows / every) }, (_, i) => i * every);
  }

  #turnAt(top) {
    return Math.max(0, Math.min(this.#rows() - 1, Math.round(this.plot.chart.posToVal(top, 'y'))));
  }

  #draw(chart) {
    const history = this.history();
    const { value, low, high, colours } = FIGURES[this.figure];
    const shade = ramp(...colours);
    const context = chart.ctx;
    const edges = history.fromSteps.map((from) => Math.round(chart.valToPos(from, 'x', true)));
    edges.push(Math.round(chart.valToPos(this.#span()[1], 'x', true)));
    context.fillStyle = colour('heat-none');
    context.fillRect(chart.bbox.left, chart.bbox.top, chart.bbox.width, chart.bbox.height);
    for (const [turn, columns] of history.turns) {
      const top = Math.round(chart.valToPos(turn - 0.5, 'y', true));
      const bottom = Math.round(chart.valToPos(turn + 0.5, 'y', true));
      const gap = bottom - top > 8 ? devicePixelRatio : 0;
      for (let i = 0; i < history.length; i++) {
        const cell = value(columns, i);
        if (cell !== null && cell !== undefined) {
          context.fillStyle = shade((cell - low) / (high - low));
          context.fillRect(edges[i], top, Math.max(1, edges[i + 1] - edges[i]), bottom - top - gap);
        }
      }
    }
  }

  #outline(chart) {
    if (this.chosen === null || this.chosen >= this.#rows()) {
      return;
    }
    const top = Math.round(chart.valToPos(this.chosen - 0.5, 'y', true));
    const bottom = Math.round(chart.valToPos(this.chosen + 0.5, 'y', true));
    chart.ctx.strokeStyle = colour('ink');
    chart.ctx.lineWidth = 1.5 * devicePixelRatio;
    chart.ctx.strokeRect(chart.bbox.left, top, chart.bbox.width, bottom - top);
  }

  #point(chart, onCell) {
    const { left, top } = chart.cursor;
    if (left < 0 || top < 0) {
      onCell(null, null);
      return;
    }
    const step = chart.posToVal(left, 'x');
    let i = chart.cursor.idx ?? 0;
    const history = this.history();
    while (i > 0 && history.fromSteps[i] > step) {
      i--;
    }
    onCell(this.#turnAt(top), i);
  }

  update({ figure = this.figure, chosen = this.chosen } = {}) {
    this.figure = figure;
    this.chosen = chosen;
    const height = this.#height();
    if (height !== this.plot.height) {
      this.plot.height = height;
      this.plot.chart.setSize({ width: this.plot.chart.width, height });
    }
    const middles = this.history().middles;
    this.plot.update([middles, middles.map(() => null)]);
  }

  destroy() {
    this.plot.destroy();
  }
}
