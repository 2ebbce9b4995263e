// Configurations by two figures: a dot each, the run's own a diamond, the chosen one ringed.

import { decimal } from '../format.js';
import { colour } from '../palette.js';
import { axis, Plot } from './plot.js';

const NEAR = 24;

export class Scatter {
  /**
   * A chart of points {x, y, own}.
   *
   * @param onPoint is told the index of the point under the cursor, or null
   * @param onChoose the same of one that was clicked
   */
  constructor(host, points, { xName, yName, own, chosen, onPoint, onChoose }) {
    this.points = points;
    this.own = own;
    this.chosen = chosen;
    const order = points.map((_, i) => i).sort((a, b) => points[a].x - points[b].x);
    const padded = (_, low, high) => {
      const room = Math.max(0.002, ((high ?? 1) - (low ?? 0)) * 0.08);
      return [Math.max(0, (low ?? 0) - room), Math.min(1, (high ?? 1) + room)];
    };
    this.plot = new Plot(
      host,
      `${yName} against ${xName} of ${points.length} configurations. The table below has the figures; each can be chosen there.`,
      {
        scales: { x: { time: false, range: (u, low, high) => padded(u, Math.min(low, own?.x ?? low), Math.max(high, own?.x ?? high)) }, y: { range: padded } },
        axes: [
          axis({ label: xName, size: 30, space: 60, values: (_, splits) => splits.map((v) => decimal(v, 3)) }),
          axis({ label: yName, size: 56, space: 34, values: (_, splits) => splits.map((v) => decimal(v, 3)) }),
        ],
        cursor: { drag: { x: false, y: false }, points: { show: false } },
        series: [{}, { paths: () => null, width: 0, points: { show: true, size: 10, width: 1.5, stroke: () => colour('loss'), fill: () => colour('dot') } }],
        hooks: { draw: [(chart) => this.#draw(chart)], setCursor: [(chart) => onPoint(this.#nearest(chart))] },
      },
      [order.map((i) => points[i].x), order.map((i) => points[i].y)],
      430,
    );
    this.plot.chart.over.addEventListener('click', () => {
      const nearest = this.#nearest(this.plot.chart);
      if (nearest !== null) {
        onChoose(nearest);
      }
    });
  }

  #nearest(chart) {
    const { left, top } = chart.cursor;
    let nearest = null;
    let least = NEAR;
    this.points.forEach((point, i) => {
      const distance = Math.hypot(chart.valToPos(point.x, 'x') - left, chart.valToPos(point.y, 'y') - top);
      if (distance < least) {
        least = distance;
        nearest = i;
      }
    });
    return nearest;
  }

  #draw(chart) {
    const context = chart.ctx;
    const ratio = devicePixelRatio;
    context.save();
    if (this.own !== null) {
      const x = chart.valToPos(this.own.x, 'x', true);
      context.strokeStyle = context.fillStyle = colour('second');
      context.lineWidth = 1.5 * ratio;
      if (this.own.y === null) {
        context.setLineDash([5 * ratio, 4 * ratio]);
        context.beginPath();
        context.moveTo(x, chart.bbox.top);
        context.lineTo(x, chart.bbox.top + chart.bbox.height);
        context.stroke();
        context.setLineDash([]);
      } else {
        const y = chart.valToPos(this.own.y, 'y', true);
        const size = 9 * ratio;
        context.beginPath();
        [[0, -size], [size, 0], [0, size], [-size, 0]].forEach(([dx, dy], i) => context[i ? 'lineTo' : 'moveTo'](x + dx, y + dy));
        context.closePath();
        context.fill();
        context.strokeStyle = colour('surface');
        context.stroke();
      }
    }
    const chosen = this.points[this.chosen];
    if (chosen) {
      context.beginPath();
      context.arc(chart.valToPos(chosen.x, 'x', true), chart.valToPos(chosen.y, 'y', true), 9 * ratio, 0, 2 * Math.PI);
      context.lineWidth = 2.5 * ratio;
      context.strokeStyle = colour('ink');
      context.stroke();
    }
    context.restore();
  }

  destroy() {
    this.plot.destroy();
  }
}
