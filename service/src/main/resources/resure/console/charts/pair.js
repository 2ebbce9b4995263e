// The same turn in two runs: one solid, one dashed.

import { colour } from '../palette.js';
import { axis, Plot, stepAxis, uPlot } from './plot.js';

export class LossPair {
  constructor(host, turn, histories, names) {
    const series = (name, dash) => ({ stroke: () => colour(name), width: 1.75, dash, spanGaps: true, points: { show: false } });
    this.plot = new Plot(
      host,
      `Loss of turn ${turn} in ${names.join(' and in ')}. The table below has the figures.`,
      {
        scales: { x: { time: false } },
        axes: [stepAxis({ label: 'step', size: 30 }), axis({ size: 46, space: 34, label: 'loss, nats' })],
        cursor: { drag: { x: false, y: false }, y: false },
        series: [{}, series('loss', []), series('second', [6, 4])],
      },
      uPlot.join(histories.map((history) => [history.middles, history.turns.get(turn)?.loss ?? history.middles.map(() => null)])),
      260,
    );
  }

  destroy() {
    this.plot.destroy();
  }
}
