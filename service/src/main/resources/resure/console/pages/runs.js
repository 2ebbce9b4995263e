// All runs, a page at a time.

import { element, fill, nameText } from '../elements.js';
import { duration, time, whole } from '../format.js';
import { get, now, runPath } from '../http.js';
import { labels, statePill } from '../parts/heading.js';
import { icon } from '../parts/icons.js';
import { empty, failed, loading } from '../parts/states.js';
import { table } from '../parts/table.js';
import { address, changed } from '../route.js';
import { verdict } from '../verdict.js';

const LIMIT = 50;
/** Runs that have just had a batch are in the service's memory: a verdict on them costs it next to nothing. */
const LIVELY = 3600_000;
const AT_ONCE = 3;
const SINCE = [['', 'any time'], ['3600', 'last hour'], ['86400', 'last day'], ['604800', 'last 7 days']];

export function open(root, route) {
  let abort = new AbortController();
  const place = element('div');
  const compare = element('p', { class: 'selection' });
  const chosen = new Set();
  const form = filters(route);
  fill(root, element('h1', {}, 'Runs'), form, compare, place);

  async function read(at) {
    abort.abort();
    abort = new AbortController();
    const { signal } = abort;
    const wanted = Object.fromEntries(at.query);
    fill(place, loading('runs'));
    try {
      const page = await get(
        '/v1/runs',
        {
          limit: LIMIT,
          cursor: wanted.cursor,
          state: wanted.state,
          label: wanted.label,
          since: wanted.since && new Date(Math.floor(now() / 1000 - Number(wanted.since)) * 1000).toISOString(),
        },
        signal,
      );
      draw(page, at, signal);
    } catch (problem) {
      if (problem.name !== 'AbortError') {
        fill(place, failed(problem, () => read(at)));
      }
    }
  }

  function draw(page, at, signal) {
    const filtered = ['state', 'label', 'since'].some((name) => at.query.get(name));
    if (page.runs.length === 0 && page.next === null && !at.query.get('cursor')) {
      fill(
        place,
        filtered
          ? empty('No run matches', element('p', {}, element('a', { href: address(['runs']) }, 'Show all runs')))
          : empty(
              'No runs yet',
              element('p', {}, 'A trainer creates one with its first call:'),
              element('pre', {}, `curl -X PUT ${location.origin}/v1/runs/sft-42 -H 'Content-Type: application/json' -d '{}'`),
            ),
      );
      return;
    }
    const verdicts = new Map(page.runs.map((run) => [run.run, element('span', { class: 'short' })]));
    fill(place, element('section', { class: 'card' }, runTable(page.runs, verdicts)), pages(page, at));
    judge(page.runs, verdicts, signal);
  }

  function runTable(runs, verdicts) {
    return table(
      'Runs',
      [
        { name: 'Compare', title: element('span', { class: 'unseen-text' }, 'Compare'), kind: 'tick', cell: (run) => tick(run) },
        { name: 'Run', head: true, cell: (run) => element('a', { href: address(['runs', run.run]) }, nameText(run.run)) },
        { name: 'State', cell: (run) => [statePill(run.state), run.configuration.shadow && element('span', { class: 'pill shadow' }, icon('shadow'), 'shadow')] },
        { name: 'Verdict', cell: (run) => verdicts.get(run.run) },
        { name: 'Step', numeric: true, cell: (run) => whole(run.step) },
        {
          name: 'Last batch',
          numeric: true,
          cell: (run) => (run.lastBatchAt === null ? 'never' : element('time', { datetime: run.lastBatchAt, title: time(run.lastBatchAt) }, `${duration(now() - Date.parse(run.lastBatchAt))} ago`)),
        },
        { name: 'Attempt', kind: 'short-text', cell: (run) => (run.attempt === null ? '' : nameText(run.attempt)) },
        { name: 'Labels', kind: 'short-text', cell: (run) => labels(run.configuration.labels) },
      ],
      runs,
    );
  }

  function tick(run) {
    return element('input', {
      type: 'checkbox',
      'aria-label': `Compare ${run.run}`,
      checked: chosen.has(run.run),
      onchange: (event) => {
        event.target.checked ? chosen.add(run.run) : chosen.delete(run.run);
        const [a, b] = chosen;
        fill(
          compare,
          chosen.size === 0
            ? null
            : chosen.size === 2
              ? element('a', { class: 'button', href: address(['compare'], { a, b }) }, 'Compare these two runs')
              : chosen.size === 1
                ? 'Choose one more run to compare.'
                : 'Choose two runs to compare.',
        );
      },
    });
  }

  function pages(page, at) {
    return element(
      'nav',
      { 'aria-label': 'Pages', class: 'pages' },
      at.query.get('cursor') && element('a', { class: 'button', href: changed(at, { cursor: null }) }, 'First page'),
      page.next !== null && element('a', { class: 'button', href: changed(at, { cursor: page.next }) }, 'Next page'),
    );
  }

  /** A short verdict on those that are alive, a few at a time. */
  async function judge(runs, verdicts, signal) {
    const say = (run, { tone, sentence }) => fill(verdicts.get(run.run), element('span', { class: `tone ${tone}` }, icon(tone), element('span', {}, sentence)));
    const waiting = [];
    for (const run of runs.filter(({ state }) => state === 'active')) {
      const age = run.lastBatchAt === null ? null : now() - Date.parse(run.lastBatchAt);
      if (age !== null && age < LIVELY) {
        waiting.push(run);
      } else {
        say(run, age === null ? { tone: 'empty', sentence: 'No batch has come yet.' } : { tone: 'caution', sentence: `No batch for ${duration(age)}.` });
      }
    }
    const next = async () => {
      for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) {
        try {
          const statistics = await get(`${runPath(run.run)}/statistics`, {}, signal);
          say(run, verdict(run, statistics, null, now()));
        } catch {
          return;
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
  }

  read(route);
  return {
    update: (changedRoute) => {
      form.showing(changedRoute);
      read(changedRoute);
    },
    close: () => abort.abort(),
  };
}

function filters(route) {
  const option = (value, text) => element('option', { value }, text);
  const state = element('select', { id: 'of-state' }, option('', 'any'), option('active', 'active'), option('finished', 'finished'));
  const since = element('select', { id: 'of-since' }, SINCE.map(([value, text]) => option(value, text)));
  const label = element('input', { id: 'of-label', type: 'search', placeholder: 'name:value', spellcheck: 'false', autocomplete: 'off' });
  const field = (input, name) => element('div', { class: 'field' }, element('label', { for: input.id }, name), input);
  const apply = (event) => {
    event.preventDefault();
    location.hash = address(['runs'], { state: state.value, since: since.value, label: label.value.trim() });
  };
  const form = element('form', { class: 'filters', onsubmit: apply, onchange: apply }, field(state, 'State'), field(since, 'Last batch'), field(label, 'Label'), element('button', { type: 'submit' }, 'Show'));
  form.showing = (at) => {
    state.value = at.query.get('state') ?? '';
    since.value = at.query.get('since') ?? '';
    label.value = at.query.get('label') ?? '';
  };
  form.showing(route);
  return form;
}
