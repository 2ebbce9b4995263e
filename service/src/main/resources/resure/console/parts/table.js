// Tables: of their own, and beside every chart.

import { element, fill } from '../elements.js';

/**
 * A table in a place that scrolls sideways, also by keyboard.
 *
 * @param caption says what it is of, to who cannot see where it stands
 * @param columns {name, cell(row), numeric, head: the cell names its row, hint}
 */
export function table(caption, columns, rows, attributes = {}) {
  const head = columns.map((column) =>
    element('th', { scope: 'col', class: column.numeric ? 'figure' : column.kind ?? null, title: column.hint ?? null }, column.title ?? column.name),
  );
  const body = rows.map((row) =>
    element(
      'tr',
      attributes.row?.(row) ?? {},
      columns.map((column) =>
        element(column.head ? 'th' : 'td', { scope: column.head ? 'row' : null, class: column.numeric ? 'figure' : column.kind ?? null }, column.cell(row)),
      ),
    ),
  );
  return element(
    'div',
    { class: 'sideways', role: 'region', 'aria-label': caption, tabindex: '0' },
    element('table', {}, element('caption', { class: 'unseen-text' }, caption), element('thead', {}, element('tr', {}, head)), element('tbody', {}, body)),
  );
}

/** The table of a chart, made when it is asked for. Returns the element and how to renew it while it is open. */
export function tableBeside(make) {
  const place = element('div');
  const details = element('details', { class: 'beside' }, element('summary', {}, 'As a table'), place);
  const renew = () => {
    // Not under the hands of who is in it by keyboard; and where one has scrolled to, one stays.
    if (details.open && !place.contains(document.activeElement)) {
      const { scrollTop = 0, scrollLeft = 0 } = place.firstElementChild ?? {};
      fill(place, make());
      place.firstElementChild.scrollTo(scrollLeft, scrollTop);
    }
  };
  details.addEventListener('toggle', renew);
  return { details, renew };
}

/** At most so many of many, evenly chosen, the last always among them. */
export function thinned(count, most) {
  const every = Math.max(1, Math.ceil(count / most));
  const chosen = [];
  for (let i = count - 1; i >= 0; i -= every) {
    chosen.push(i);
  }
  return chosen.reverse();
}
