// Sources, worst first.

import { element, fill, nameText } from '../elements.js';
import { compact, decimal, percent, signed, whole } from '../format.js';
import { bar } from './icons.js';
import { table } from './table.js';

const FIRST = 8;

/** How a source is named where there may be none, or many in one. */
export const sourceName = (source) =>
  source.source === null ? element('em', {}, source.other ? 'further sources' : 'no source') : nameText(source.source);

export class Sources {
  constructor(linkOf) {
    this.linkOf = linkOf;
    this.all = false;
    this.place = element('div');
  }

  /** Shows sources, unless somebody is among them by keyboard. */
  update(sources) {
    if (!this.place.contains(document.activeElement)) {
      this.#draw(sources);
    }
  }

  #draw(sources) {
    const sorted = sources.toSorted((a, b) => (a.meanWeight ?? 2) - (b.meanWeight ?? 2) || (a.source ?? '').localeCompare(b.source ?? ''));
    const shown = this.all ? sorted : sorted.slice(0, FIRST);
    const more =
      sorted.length > FIRST &&
      element(
        'button',
        {
          type: 'button',
          class: 'quiet',
          'aria-expanded': String(this.all),
          onclick: () => {
            this.all = !this.all;
            this.#draw(sources);
            this.place.querySelector('button.quiet')?.focus();
          },
        },
        this.all ? `Only the worst ${FIRST}` : `All ${whole(sorted.length)} sources`,
      );
    fill(
      this.place,
      table(
        'Sources, lowest mean weight first',
        [
          { name: 'Source', head: true, cell: (source) => (source.source === null ? sourceName(source) : element('a', { href: this.linkOf(source.source) }, sourceName(source))) },
          { name: 'Mean weight', kind: 'barred', cell: (source) => [element('span', {}, decimal(source.meanWeight)), bar(source.meanWeight)] },
          { name: 'Excess', numeric: true, hint: 'Mean of (loss - mean) / sd: its losses against the run\u2019s', cell: (source) => signed(source.excess, 2) },
          { name: 'Down-weighted', numeric: true, cell: (source) => percent(source.downWeighted === undefined ? null : source.downWeighted / source.observations) },
          { name: 'Losses', numeric: true, cell: (source) => compact(source.observations) },
        ],
        shown,
      ),
      more,
    );
  }
}
