// Marks on an axis of steps: what happened when. Shapes tell them apart, not colours alone: an alarm is a filled
// triangle, a warning a hollow diamond, a rewind a dotted line.

import { colour } from '../palette.js';

const SIZE = 5;

const TRIANGLE = [[0, 0], [SIZE, -9], [-SIZE, -9]];
const DIAMOND = [[0, 0], [SIZE, -5], [0, -10], [-SIZE, -5]];

/** A hook that draws, on the chart of a turn, the marks that concern it. */
export function drawMarks(marks, turn) {
  return (chart) => {
    const ratio = devicePixelRatio;
    const { top, height } = chart.bbox;
    each(chart, marks(), (context, mark, x) => {
      if (mark.kind === 'rewound') {
        line(context, x, top, height, colour('soft'), [2 * ratio, 3 * ratio]);
      } else if (mark.turn === turn && mark.kind === 'alarm') {
        line(context, x, top, height, colour('alarm'), []);
        shape(context, x, top, ratio, TRIANGLE, colour('alarm'), colour('alarm'));
      } else if (mark.turn === turn && mark.kind === 'warning') {
        line(context, x, top, height, colour('warning'), [4 * ratio, 3 * ratio]);
        shape(context, x, top, ratio, DIAMOND, colour('surface'), colour('warning'));
      }
    });
  };
}

/** The same on a chart of all turns, where each alarm points at the row of its turn. */
export function drawMarksOfAll(marks) {
  return (chart) => {
    const ratio = devicePixelRatio;
    each(chart, marks(), (context, mark, x) => {
      if (mark.kind === 'rewound') {
        line(context, x, chart.bbox.top, chart.bbox.height, colour('soft'), [2 * ratio, 3 * ratio]);
      } else if (mark.kind === 'alarm') {
        const row = chart.valToPos(mark.turn - 0.5, 'y', true);
        shape(context, x, row, ratio, TRIANGLE, colour('alarm'), colour('surface'));
      }
    });
  };
}

function each(chart, marks, draw) {
  const { left, width } = chart.bbox;
  const context = chart.ctx;
  context.save();
  context.lineWidth = devicePixelRatio;
  for (const mark of marks) {
    const x = Math.round(chart.valToPos(mark.step ?? -1, 'x', true)) + 0.5;
    if (x >= left && x <= left + width) {
      draw(context, mark, x);
    }
  }
  context.restore();
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
