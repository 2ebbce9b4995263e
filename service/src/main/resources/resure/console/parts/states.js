// What stands in a place that has nothing to show: yet, or ever, or because something failed. Each says what to do.

import { element } from '../elements.js';

export const loading = (what) => element('p', { class: 'waiting' }, element('span', { class: 'spinner', 'aria-hidden': 'true' }), `Loading ${what}\u2026`);

export const empty = (title, ...advice) => element('div', { class: 'nothing' }, element('h2', {}, title), ...advice);

/** The same where it is all of a page. */
export const emptyPage = (title, ...advice) => element('div', { class: 'nothing' }, element('h1', {}, title), ...advice);

/** What a problem means and how to go on. */
export function failed(problem, again, heading = 'h2') {
  const advice =
    problem.status === 401 || problem.status === 403
      ? 'This service wants a token with the scope \u201cread\u201d.'
      : problem.status === 404 && problem.type === 'not-found'
        ? 'This version of the service does not offer it.'
        : problem.detail;
  return element(
    'div',
    { class: 'failed', role: 'alert' },
    element(heading, {}, problem.message),
    element('p', {}, advice),
    element(
      'p',
      { class: 'actions' },
      element('button', { type: 'button', onclick: again }, problem.status === 401 ? 'Enter a token' : 'Try again'),
      problem.type === 'unknown-run' && element('a', { class: 'button', href: '#/runs' }, 'All runs'),
    ),
  );
}

/** How far something is, 0 to 1. */
export function progress(share, what) {
  const bar = element('progress', { max: '1', value: String(share), 'aria-label': what });
  return element('p', { class: 'progress' }, element('span', {}, `${what}: ${Math.floor(share * 100)} %`), bar);
}
