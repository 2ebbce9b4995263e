// Small pictures, each of a shape of its own: what they mean is never in a colour alone.

import { drawing } from '../elements.js';

const PATHS = {
  alarm: [['path', { d: 'M12 3 22.5 21h-21z', class: 'solid' }], ['path', { d: 'M12 9.5v5.5M12 17.6v.8', class: 'cut' }]],
  caution: [['path', { d: 'M12 2.5 21.5 12 12 21.5 2.5 12z', class: 'solid' }], ['path', { d: 'M12 7.5v5.5M12 15.8v.8', class: 'cut' }]],
  calm: [['circle', { cx: '12', cy: '12', r: '9.5', class: 'solid' }], ['path', { d: 'm7.5 12.5 3 3 6-7', class: 'cut' }]],
  warming: [['circle', { cx: '12', cy: '12', r: '9', class: 'line' }], ['path', { d: 'M12 3a9 9 0 0 1 0 18z', class: 'solid' }]],
  shadow: [['path', { d: 'M2.5 12C6 6.5 18 6.5 21.5 12 18 17.5 6 17.5 2.5 12z', class: 'line' }], ['path', { d: 'M4 20 20 4', class: 'line' }]],
  empty: [['circle', { cx: '12', cy: '12', r: '9', class: 'line', 'stroke-dasharray': '3 3.5' }]],
  active: [['circle', { cx: '12', cy: '12', r: '6', class: 'solid' }]],
  finished: [['rect', { x: '6', y: '6', width: '12', height: '12', rx: '1.5', class: 'line' }]],
};

export const icon = (name) =>
  drawing('svg', { class: `icon ${name}`, viewBox: '0 0 24 24', 'aria-hidden': 'true' }, PATHS[name].map(([tag, attributes]) => drawing(tag, attributes)));

/** A line without axes, as tall as a line of text: how something went, at a glance. */
export function sparkline(values, width = 96, height = 22) {
  const points = values.map((value, i) => [i, value]).filter(([, value]) => value !== null && value !== undefined);
  if (points.length < 2) {
    return drawing('svg', { class: 'spark', width, height, 'aria-hidden': 'true' });
  }
  const [low, high] = points.reduce(([a, b], [, v]) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity]);
  const x = (i) => ((i / Math.max(1, values.length - 1)) * (width - 4) + 2).toFixed(1);
  const y = (v) => (height - 3 - ((v - low) / (high - low || 1)) * (height - 6)).toFixed(1);
  const path = points.map(([i, v], k) => `${k === 0 ? 'M' : 'L'}${x(i)} ${y(v)}`).join('');
  const [lastI, lastV] = points.at(-1);
  return drawing(
    'svg',
    { class: 'spark', width, height, viewBox: `0 0 ${width} ${height}`, 'aria-hidden': 'true' },
    drawing('path', { d: path }),
    drawing('circle', { cx: x(lastI), cy: y(lastV), r: '2' }),
  );
}

/** A bar from 0 to 1. */
export function bar(share) {
  const width = Math.max(0, Math.min(1, share ?? 0)) * 100;
  return drawing(
    'svg',
    { class: 'bar', viewBox: '0 0 100 8', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    drawing('rect', { class: 'track', width: '100', height: '8' }),
    drawing('rect', { class: 'value', width: width.toFixed(1), height: '8' }),
  );
}
