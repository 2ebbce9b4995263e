// The verdict, as large as it is important.

import { announce, element, fill } from '../elements.js';
import { time } from '../format.js';
import { icon } from './icons.js';

export class Judgement {
  constructor() {
    this.place = element('section', { 'aria-label': 'Verdict', class: 'verdict' });
    this.said = null;
  }

  update({ tone, sentence, more }, stale) {
    const text = [tone, sentence, ...more, stale].join('|');
    if (text === this.said) {
      return;
    }
    // Told when it changes, not at every step.
    if (this.said !== null) {
      announce(sentence);
    }
    this.said = text;
    this.place.className = `verdict ${tone}`;
    fill(
      this.place,
      icon(tone),
      element(
        'div',
        {},
        element('p', { class: 'sentence' }, sentence),
        more.length > 0 && element('p', { class: 'more' }, more.join(' ')),
        stale !== null && element('p', { class: 'stale' }, `Not live: this is what was known on ${time(stale)}.`),
      ),
    );
  }
}
