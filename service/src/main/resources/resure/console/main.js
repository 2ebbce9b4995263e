// Which page is shown: by the address.

import { element, fill } from './elements.js';
import { open as openCompare } from './pages/compare.js';
import { open as openDialogues } from './pages/dialogues.js';
import { open as openOverview } from './pages/overview.js';
import { open as openReplays } from './pages/replays.js';
import { open as openRuns } from './pages/runs.js';
import { onTheme } from './palette.js';
import { emptyPage, failed } from './parts/states.js';
import { read } from './route.js';
import { showForget } from './token.js';

const OF_RUN = { '': openOverview, dialogues: openDialogues, replays: openReplays };

const root = document.getElementById('page');
let shown = { key: null, close() {} };

/** What opens the page of an address, and the name of the place: changes within a place are the page's own matter. */
function place({ parts }) {
  const [first = 'runs', run, under = ''] = parts;
  if (first === 'runs' && run === undefined) {
    return { key: 'runs', open: openRuns };
  }
  if (first === 'runs' && parts.length <= 3 && OF_RUN[under]) {
    return { key: `run ${under} ${run}`, open: OF_RUN[under], run };
  }
  if (first === 'compare' && parts.length === 1) {
    return { key: 'compare', open: openCompare };
  }
  return { key: 'nowhere', open: openNowhere };
}

function openNowhere(page) {
  fill(page, emptyPage('There is no such page', element('p', {}, element('a', { href: '#/runs' }, 'All runs'))));
  return { update() {}, close() {} };
}

function show() {
  const route = read();
  const { key, open, run } = place(route);
  document.querySelectorAll('nav [data-page]').forEach((link) => {
    const here = link.dataset.page === (route.parts[0] ?? 'runs');
    link.toggleAttribute('data-here', here);
    here ? link.setAttribute('aria-current', 'page') : link.removeAttribute('aria-current');
  });
  if (key === shown.key) {
    shown.update(route);
    return;
  }
  const first = shown.key === null;
  begin(key, () => open(root, route, run));
  document.title = run === undefined ? (route.parts[0] === 'compare' ? 'Compare \u00b7 ReSURE' : 'Runs \u00b7 ReSURE') : `${run} \u00b7 ReSURE`;
  if (!first) {
    scrollTo(0, 0);
    root.focus({ preventScroll: true });
  }
}

function begin(key, open) {
  shown.close();
  const again = () => begin(key, open);
  const page = open();
  shown = { key, again, update: page.update ?? (() => {}), close: page.close ?? (() => {}) };
  page.ready?.catch((problem) => {
    if (shown.key === key && problem.name !== 'AbortError') {
      fill(root, failed(problem, again, 'h1'));
    }
  });
}

addEventListener('hashchange', show);
addEventListener('unhandledrejection', (event) => {
  // Requests of a page that was left.
  if (event.reason?.name === 'AbortError') {
    event.preventDefault();
  }
});
// Links to the page itself would change the address.
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  root.focus();
});
onTheme(() => shown.again());
showForget();
show();
