// Marks on an axis of steps: what happened when. Shapes tell them apart, not colours alone: an alarm is a filled
// triangle, a warning a hollow diamond, a rewind a dotted line.

import { colour } from '../palette.js';

const SIZE = 5;

/** A hook that draws the marks that concern a turn (all turns where it is null) on a chart. */
export function drawMarks(marks, turn) {
  return (chart) => {
    const ratio = devicePixelRatio;
    const { left, top, width, height } = chart.bbox;
    const context = chart.ctx;
    context.save();
    context.lineWidth = ratio;
    for (const mark of marks()) {
      if (mark.step === null || (mark.turn !== null && turn !== null && mark.turn !== turn)) {
        continue;
      }
      const x = Math.round(chart.valToPos(mark.step, 'x', true)) + 0.5;
      if (x < left || x > left + width) {
        continue;
      }
      if (mark.kind === 'rewound') {
        line(context, x, top, height, colour('soft'), [2 * ratio, 3 * ratio]);
      } else if (mark.kind === 'alarm') {
        line(context, x, top, height, colour('alarm'), []);
        shape(context, x, top, ratio, [[0, 0], [SIZE, -9], [-SIZE, -9]], colour('alarm'), colour('alarm'));
      } else if (mark.kind === 'warning') {
        line(context, x, top, height, colour('warning'), [4 * ratio, 3 * ratio]);
        shape(context, x, top, ratio, [[0, 0], [SIZE, -5], [0, -10], [-SIZE, -5]], colour('surface'), colour('warning'));
      }
    }
    context.restore();
  };
}

function line(context, x, top, height, stroke, dash) {
  context.beginPath();
  context.setLineDash(dash);
  context.strokeStyle = stroke;
  context.moveTo(x, top);
  context.lineTo(x, top + height);
  context.stroke();
  context.setLineDash([]);
}

function shape(context, x, top, ratio, corners, inside, stroke) {
  context.beginPath();
  corners.forEach(([dx, dy], i) => context[i === 0 ? 'moveTo' : 'lineTo'](x + dx * ratio, top + dy * ratio));
  context.closePath();
  context.fillStyle = inside;
  context.fill();
  context.lineWidth = 1.5 * ratio;
  context.strokeStyle = stroke;
  context.stroke();
  context.lineWidth = ratio;
}
