// Replays of a run: how far they are, and what other configurations would have made of its losses.

import { Scatter } from '../charts/scatter.js';
import { copyButton, element, fill } from '../elements.js';
import { decimal, percent, time, whole } from '../format.js';
import { get, runPath } from '../http.js';
import { differences, flat } from '../parts/configuration.js';
import { Heading } from '../parts/heading.js';
import { empty, failed, loading, progress } from '../parts/states.js';
import { table } from '../parts/table.js';
import { changed, number } from '../route.js';

const PROGRESS_EVERY = 2000;
const MOST = 1000;
const FIRST = 20;

const AXES = {
  auroc: 'AUROC',
  averagePrecision: 'average precision',
  downWeightedRatio: 'share down-weighted',
  steadiness: 'steadiness',
};

export function open(root, route, name) {
  const page = new Replays(root, route, name);
  return { ready: page.start(), update: (to) => page.go(to), close: () => page.close() };
}

class Replays {
  constructor(root, route, name) {
    this.route = route;
    this.name = name;
    this.abort = new AbortController();
    this.heading = new Heading(name, 'replays');
    this.list = element('section', { class: 'card' });
    this.place = element('div', { class: 'body' });
    fill(root, this.heading.place, element('div', { class: 'body' }, this.list, this.place));
    fill(this.list, loading('replays'));
  }

  async start() {
    const path = runPath(this.name);
    const [run, statistics] = await Promise.all([get(path, {}, this.abort.signal), get(`${path}/statistics`, {}, this.abort.signal)]);
    this.run = run;
    this.statistics = statistics;
    this.heading.update(run);
    await this.#readList();
    await this.#readChosen();
  }

  close() {
    clearTimeout(this.timer);
    this.abort.abort();
    this.chart?.destroy();
  }

  async go(route) {
    const before = this.route;
    this.route = route;
    if (this.replays === undefined) {
      return;
    }
    if (before.query.get('replay') !== route.query.get('replay')) {
      this.#drawList();
      await this.#readChosen();
    } else if (this.replay !== undefined) {
      this.#drawResults();
    }
  }

  async #readList() {
    const { replays } = await get(`${runPath(this.name)}/replays`, {}, this.abort.signal);
    this.replays = replays;
    this.#drawList();
    if (replays.some((replay) => replay.state === 'running')) {
      this.timer = setTimeout(() => this.#again(), PROGRESS_EVERY);
    }
  }

  async #again() {
    if (document.hidden) {
      this.timer = setTimeout(() => this.#again(), PROGRESS_EVERY);
      return;
    }
    try {
      const before = this.#chosen()?.state;
      await this.#readList();
      if (before === 'running' && this.#chosen()?.state !== 'running') {
        await this.#readChosen();
      }
    } catch (problem) {
      if (problem.name !== 'AbortError') {
        fill(this.list, failed(problem, () => this.#again()));
      }
    }
  }

  #chosen() {
    const asked = this.route.query.get('replay');
    return asked === null ? this.replays.find((replay) => replay.state === 'done') ?? this.replays[0] : this.replays.find((replay) => replay.replay === asked);
  }

  #drawList() {
    if (this.replays.length === 0) {
      fill(
        this.list,
        empty(
          'No replays yet',
          element('p', {}, 'Other configurations can be tried on the losses that are recorded, before a GPU-hour is spent. For example:'),
          element(
            'pre',
            { tabindex: '0' },
            `curl ${location.origin}${runPath(this.name)}/replays -H 'Content-Type: application/json' \\\n  -d '{"grid": {"weighting.function": ["clip", "cauchy"],\n       "weighting.threshold": {"from": 0, "to": 2, "points": 20}}}'`,
          ),
        ),
      );
      return;
    }
    const chosen = this.#chosen();
    fill(
      this.list,
      element('h2', {}, 'Replays'),
      table(
        'Replays, newest first',
        [
          {
            name: 'Replay',
            head: true,
            cell: (replay) =>
              element('a', { href: changed(this.route, { replay: replay.replay, index: null }), 'aria-current': replay === chosen ? 'true' : null }, time(replay.createdAt)),
          },
          { name: 'State', cell: (replay) => (replay.state === 'running' ? progress(replay.progress, 'running') : replay.state) },
          { name: 'Configurations', numeric: true, cell: (replay) => whole(replay.configurations) },
          { name: 'Up to sequence', numeric: true, cell: (replay) => whole(replay.sequence) },
          { name: 'Note', kind: 'note', cell: (replay) => replay.detail ?? '' },
        ],
        this.replays,
        { row: (replay) => ({ class: replay === chosen ? 'chosen' : null }) },
      ),
    );
  }

  async #readChosen() {
    const chosen = this.#chosen();
    this.chart?.destroy();
    this.chart = null;
    this.replay = undefined;
    if (chosen === undefined) {
      fill(this.place, this.replays.length === 0 ? null : empty('There is no such replay', element('p', {}, 'It may have been removed. Choose another one above.')));
      return;
    }
    if (chosen.state !== 'done') {
      fill(this.place, chosen.state === 'running' ? empty('Still running', element('p', {}, 'Its results are shown here as soon as it is done.')) : null);
      return;
    }
    fill(this.place, loading('results'));
    try {
      const replay = await get(`${runPath(this.name)}/replays/${chosen.replay}`, { limit: MOST }, this.abort.signal);
      if (this.#chosen()?.replay === replay.replay) {
        this.replay = replay;
        this.#drawResults();
      }
    } catch (problem) {
      if (problem.name !== 'AbortError') {
        fill(this.place, failed(problem, () => this.#readChosen()));
      }
    }
  }

  #drawResults() {
    const { results } = this.replay;
    const available = Object.keys(AXES).filter((axis) => results.some((result) => Number.isFinite(result[axis])));
    const asked = this.route.query.get('against');
    const axis = available.includes(asked) ? asked : available[0];
    const index = number(this.route, 'index');
    const own = results.find((result) => differences(this.run.configuration, result.configuration).length === 0);
    const shown = results.filter((result) => Number.isFinite(result[axis]) && Number.isFinite(result.effectiveSampleRatio));
    const chosen = results.find((result) => result.index === index) ?? results[0];
    const picker = element(
      'select',
      { 'aria-label': 'Figure to compare with', onchange: (event) => (location.hash = changed(this.route, { against: event.target.value })) },
      available.map((one) => element('option', { value: one }, AXES[one])),
    );
    picker.value = axis;
    const host = element('div');
    const point = element('p', { class: 'point' });
    const resultsCard = element('section', { class: 'card' });
    this.chart?.destroy();
    fill(
      this.place,
      element(
        'div',
        { class: 'two wide-left' },
        element(
          'section',
          { class: 'card' },
          element('header', {}, element('h2', {}, 'What they would have weighed'), picker),
          element(
            'p',
            { class: 'legend' },
            key('dot', 'a configuration'),
            key('own', own ? 'the run\u2019s own' : 'the run\u2019s own ratio'),
            key('ring', 'chosen'),
          ),
          point,
          host,
        ),
        this.#choice(chosen, own),
      ),
      resultsCard,
    );
    const x = (result) => result.effectiveSampleRatio;
    this.chart = new Scatter(
      host,
      shown.map((result) => ({ x: x(result), y: result[axis] })),
      {
        xName: 'effective-sample ratio',
        yName: AXES[axis],
        own: own
          ? { x: x(own), y: own[axis] }
          : this.statistics.effectiveSampleRatio === null
            ? null
            : { x: this.statistics.effectiveSampleRatio, y: axis === 'downWeightedRatio' && this.statistics.downWeighted !== undefined ? this.statistics.downWeighted / this.statistics.observations : null },
        chosen: shown.indexOf(chosen),
        onPoint: (i) => (point.textContent = i === null ? '' : pointText(shown[i], varied(results), axis)),
        onChoose: (i) => (location.hash = changed(this.route, { index: shown[i].index })),
      },
    );
    this.#drawTable(resultsCard, results, chosen, own, axis);
  }

  #choice(result, own) {
    const configuration = { ...result.configuration, ...kept(this.run.configuration) };
    const text = JSON.stringify(configuration, null, 2);
    const changes = differences(this.run.configuration, result.configuration);
    return element(
      'section',
      { class: 'card' },
      element('h2', {}, 'A run like the chosen one'),
      result === own
        ? element('p', {}, 'This is the run\u2019s own configuration.')
        : element('ul', { class: 'changes' }, changes.map(({ field, theirs, ours }) => element('li', {}, element('code', {}, field), ` ${shownValue(theirs)}`, element('span', { class: 'hint' }, `, here ${shownValue(ours)}`)))),
      element(
        'dl',
        { class: 'facts few' },
        [
          ['Effective-sample ratio', decimal(result.effectiveSampleRatio, 3)],
          ['Down-weighted', percent(result.downWeightedRatio)],
          ['Mean weight', decimal(result.meanWeight, 3)],
          ...(Number.isFinite(result.auroc) ? [['AUROC', decimal(result.auroc, 3)]] : []),
        ].map(([term, value]) => element('div', { class: 'fact' }, element('dt', {}, term), element('dd', {}, value))),
      ),
      element('header', {}, element('h3', {}, 'Body of PUT /v1/runs/{run}'), copyButton(text, 'of the configuration', 'Copy JSON')),
      element('pre', { tabindex: '0', class: 'short' }, text),
    );
  }

  #drawTable(place, results, chosen, own, axis) {
    const rows = this.all ? results : results.slice(0, FIRST);
    const labelled = results.some((result) => Number.isFinite(result.auroc));
    fill(
      place,
      element('h2', {}, 'Results, best first'),
      table(
        'Results, best first',
        [
          {
            name: 'Configuration',
            head: true,
            cell: (result) =>
              element(
                'a',
                { href: changed(this.route, { index: result.index }), 'aria-current': result === chosen ? 'true' : null },
                result === own ? `${result.index}, the run\u2019s own` : String(result.index),
              ),
          },
          ...varied(results).map((field) => ({ name: field.replace(/^weighting\./, ''), numeric: typeof flat(results[0].configuration)[field] === 'number', cell: (result) => shownValue(flat(result.configuration)[field]) })),
          { name: 'Effective ratio', numeric: true, cell: (result) => decimal(result.effectiveSampleRatio, 3) },
          { name: 'Down-weighted', numeric: true, cell: (result) => percent(result.downWeightedRatio) },
          { name: 'Mean weight', numeric: true, cell: (result) => decimal(result.meanWeight, 3) },
          ...(labelled ? [{ name: 'AUROC', numeric: true, cell: (result) => decimal(result.auroc, 3) }] : []),
          ...(axis === 'steadiness' ? [{ name: 'Steadiness', numeric: true, cell: (result) => decimal(result.steadiness, 3) }] : []),
        ],
        rows,
        { row: (result) => ({ class: result === chosen ? 'chosen' : null }) },
      ),
      results.length > FIRST &&
        element(
          'button',
          {
            type: 'button',
            class: 'quiet',
            'aria-expanded': String(Boolean(this.all)),
            onclick: () => {
              this.all = !this.all;
              this.#drawTable(place, results, chosen, own, axis);
            },
          },
          this.all ? `Only the best ${FIRST}` : `All ${whole(results.length)} results`,
        ),
      this.replay.configurations > results.length && element('p', { class: 'hint' }, `The best ${whole(results.length)} of ${whole(this.replay.configurations)} are shown.`),
    );
  }
}

/** The fields in which configurations differ from each other. */
const varied = (results) => [
  ...new Set(results.flatMap((result) => differences(results[0].configuration, result.configuration).map(({ field }) => field))),
];

function pointText(result, fields, axis) {
  const configuration = flat(result.configuration);
  const values = fields.map((field) => `${field.replace(/^weighting\./, '')} ${shownValue(configuration[field])}`).join(', ');
  const value = axis === 'downWeightedRatio' ? percent(result[axis]) : decimal(result[axis], 3);
  return `${values}: ratio ${decimal(result.effectiveSampleRatio, 3)}, ${AXES[axis]} ${value}`;
}

/** What a replay does not try and a run like it keeps. */
const kept = ({ labels }) => (Object.keys(labels ?? {}).length > 0 ? { labels } : {});

const shownValue = (value) => (value === null ? 'none' : typeof value === 'number' ? String(Number(value.toPrecision(4))) : String(value));

const key = (kind, text) => element('span', { class: 'key' }, element('span', { class: `swatch ${kind}`, 'aria-hidden': 'true' }), text);
