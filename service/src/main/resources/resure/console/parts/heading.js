// What stands over every page of a run: its name, its state, whether what is shown is live, and its other pages.

import { element, fill, nameText } from '../elements.js';
import { address } from '../route.js';
import { icon } from './icons.js';

const PAGES = [['', 'Overview'], ['dialogues', 'Dialogues'], ['replays', 'Replays']];

const CONNECTIONS = {
  connecting: ['Connecting\u2026', 'waiting'],
  live: ['Live', 'live'],
  hidden: ['Paused while hidden', 'waiting'],
  lost: ['Not live: trying again', 'lost'],
  ended: ['Not live', 'lost'],
};

export function statePill(state) {
  return element('span', { class: `pill ${state}` }, icon(state), state);
}

export const labels = (of) =>
  Object.entries(of).map(([name, value]) =>
    element('span', { class: 'label' }, nameText(name), ': ', nameText(value)),
  );

export class Heading {
  constructor(name, under) {
    this.state = element('span', { class: 'states' });
    this.connection = element('span', { class: 'connection' });
    this.labels = element('span', { class: 'labels' });
    this.place = element(
      'div',
      { class: 'heading' },
      element('p', { class: 'path' }, element('a', { href: '#/runs' }, 'Runs'), element('span', { 'aria-hidden': 'true' }, ' / ')),
      element('h1', {}, nameText(name)),
      element('div', { class: 'below' }, this.state, this.connection, this.labels),
      element(
        'nav',
        { 'aria-label': 'Of this run', class: 'tabs' },
        PAGES.map(([page, title]) =>
          element('a', { href: address(['runs', name, page].filter(Boolean)), 'aria-current': page === under ? 'page' : null }, title),
        ),
        element('a', { href: address(['compare'], { a: name }) }, 'Compare\u2026'),
      ),
    );
  }

  update(run) {
    fill(this.state, statePill(run.state), run.configuration.shadow && element('span', { class: 'pill shadow' }, icon('shadow'), 'shadow'));
    fill(this.labels, labels(run.configuration.labels));
  }

  connected(connection) {
    const [text, kind] = CONNECTIONS[connection] ?? ['', ''];
    this.connection.className = `connection ${kind}`;
    this.connection.textContent = text;
  }
}
