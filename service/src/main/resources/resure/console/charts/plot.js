// uPlot as the console uses it: colours and type of the page, a size that follows its place, a description for who
// cannot see it. Zoom is not kept in a chart but in the page's address, so that no update loses it.

import { element } from '../elements.js';
import { compact } from '../format.js';
import { colour } from '../palette.js';
import uPlot from '../vendor/uplot-1.6.32/uPlot.esm.js';

export { uPlot };

const FONT = '12px system-ui, sans-serif';

/** An axis in the page's colours. */
export function axis(more = {}) {
  return {
    stroke: () => colour('soft'),
    font: FONT,
    labelFont: FONT,
    labelGap: 2,
    labelSize: 18,
    gap: 6,
    grid: { stroke: () => colour('grid'), width: 1 },
    ticks: { show: false },
    ...more,
  };
}

/** The axis of steps, 0 to many millions. */
export const stepAxis = (more = {}) =>
  axis({
    values: (_, splits) => splits.map((step) => (Number.isInteger(step) ? compact(step) : '')),
    incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7, 1e8, 1e9],
    space: 64,
    size: 30,
    ...more,
  });

/**
 * A chart in a place.
 *
 * @param host what it fills the width of
 * @param description says what is to be seen to who does not see it
 * @param options uPlot's, but for the size and what every chart here has
 * @param height in CSS pixels
 */
export class Plot {
  constructor(host, description, options, data, height) {
    this.height = height;
    this.frame = element('div', { class: 'canvas', role: 'img', 'aria-label': description });
    host.append(this.frame);
    const width = Math.max(120, this.frame.clientWidth);
    this.chart = new uPlot(
      { width, height, legend: { show: false }, padding: [10, 22, 0, 0], ...options },
      data,
      this.frame,
    );
    this.observer = new ResizeObserver(([entry]) => {
      const wide = Math.floor(entry.contentRect.width);
      if (wide > 0 && wide !== this.chart.width) {
        this.chart.setSize({ width: wide, height: this.height });
      }
    });
    this.observer.observe(this.frame);
  }

  describe(description) {
    this.frame.setAttribute('aria-label', description);
  }

  update(data) {
    this.chart.setData(data);
  }

  destroy() {
    this.observer.disconnect();
    this.chart.destroy();
  }
}

/** A cursor that several charts share, and a drag along the steps that tells which are to be looked at. */
export function stepCursor(key, onZoom) {
  return {
    cursor: {
      sync: { key, scales: ['x', null] },
      drag: { x: onZoom !== null, y: false, setScale: false },
      // None on what only bounds a band.
      points: { size: (chart, i) => (chart.series[i].width > 0 ? 7 : 0), width: 0 },
      y: false,
    },
    zoomed(chart) {
      const { left, width } = chart.select;
      if (width > 4) {
        const from = Math.max(0, Math.floor(chart.posToVal(left, 'x')));
        const to = Math.ceil(chart.posToVal(left + width, 'x'));
        chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        onZoom(from, to);
      }
    },
  };
}

/** The scale of steps: what is looked at, also where nothing has come of it. */
export function stepRange(history) {
  return () => {
    if (history().length === 0) {
      return [0, 1];
    }
    const from = history().fromSteps[0];
    return [from, Math.max(from + 1, history().toSteps.at(-1))];
  };
}
