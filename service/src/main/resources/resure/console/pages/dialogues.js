// Dialogues of a run to read, least reliable first: twenty at a time, of one source or turn where that is asked for.

import { copyButton, element, fill, namePlain } from '../elements.js';
import { get, runPath } from '../http.js';
import { dialogueTable } from '../parts/dialogues.js';
import { Heading } from '../parts/heading.js';
import { empty, failed, loading, progress } from '../parts/states.js';
import { address, changed, number } from '../route.js';

const LIMIT = 20;
const PROGRESS_EVERY = 2000;

export function open(root, route, name) {
  const abort = new AbortController();
  const heading = new Heading(name, 'dialogues');
  const place = element('section', { class: 'card read' });
  const form = filters(name, route);
  let timer = null;
  let current = route;
  fill(root, heading.place, element('div', { class: 'body' }, form.place, place));

  async function read(at) {
    current = at;
    clearTimeout(timer);
    fill(place, loading('dialogues'));
    try {
      const page = await get(
        `${runPath(name)}/dialogues`,
        { limit: LIMIT, cursor: at.query.get('cursor'), source: at.query.get('source'), turn: number(at, 'turn') },
        abort.signal,
      );
      if (current === at) {
        draw(page, at);
      }
    } catch (problem) {
      if (problem.name !== 'AbortError') {
        fill(place, failed(problem, () => read(at)));
      }
    }
  }

  function draw(page, at) {
    if (page.progress < 1) {
      timer = setTimeout(() => read(at), PROGRESS_EVERY);
    }
    const first = (number(at, 'at') ?? 0) + 1;
    const rebuilding = page.progress < 1 && progress(page.progress, 'The list is being rebuilt');
    if (page.dialogues.length === 0) {
      fill(
        place,
        rebuilding,
        empty('No dialogues', element('p', {}, 'Nothing was recorded of this source or turn. ', element('a', { href: address(['runs', name, 'dialogues']) }, 'Show all dialogues'))),
      );
      return;
    }
    fill(
      place,
      element(
        'header',
        {},
        element('h2', {}, 'Dialogues to read'),
        copyButton(page.dialogues.map((dialogue) => dialogue.dialogue).join('\n'), 'of this page, one a line', 'Copy all ids'),
      ),
      element(
        'p',
        { class: 'hint' },
        'Least reliable first: by how far its losses lay above what was normal for their turns, smoothed, so that one visit does not outrank ten. A strip has one bar a turn, as tall as its mean weight.',
      ),
      rebuilding,
      dialogueTable(page.dialogues, { first, linkOfSource: (source) => changed(at, { source, cursor: null, at: null }) }),
      element(
        'nav',
        { 'aria-label': 'Pages', class: 'pages' },
        at.query.get('cursor') && element('a', { class: 'button', href: changed(at, { cursor: null, at: null }) }, 'First page'),
        page.next !== null && element('a', { class: 'button', href: changed(at, { cursor: page.next, at: first - 1 + page.dialogues.length }) }, 'Next page'),
      ),
    );
  }

  async function start() {
    const run = await get(runPath(name), {}, abort.signal);
    heading.update(run);
    const statistics = await get(`${runPath(name)}/statistics`, {}, abort.signal);
    form.offer(statistics);
  }

  read(route);
  return {
    ready: start(),
    update: (to) => {
      form.showing(to);
      read(to);
    },
    close: () => {
      clearTimeout(timer);
      abort.abort();
    },
  };
}

function filters(name, route) {
  const source = element('select', { id: 'of-source' });
  const turn = element('select', { id: 'of-turn' });
  let at = route;
  const option = (value, text) => element('option', { value }, text);
  const apply = () => (location.hash = address(['runs', name, 'dialogues'], { source: source.value, turn: turn.value }));
  const offer = ({ sources, turns }) => {
    fill(source, option('', 'any'), sources.filter((one) => one.source !== null).map((one) => option(one.source, namePlain(one.source))));
    fill(turn, option('', 'any'), turns.map((one) => option(one.turn, one.turn)));
    showing(at);
  };
  const showing = (to) => {
    at = to;
    source.value = to.query.get('source') ?? '';
    turn.value = to.query.get('turn') ?? '';
  };
  const field = (input, text) => element('div', { class: 'field' }, element('label', { for: input.id }, text), input);
  offer({ sources: [], turns: [] });
  const place = element('form', { class: 'filters', onchange: apply, onsubmit: (event) => event.preventDefault() }, field(source, 'Source'), field(turn, 'Turn'));
  return { place, offer, showing };
}
