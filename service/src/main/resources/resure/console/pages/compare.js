// Two runs side by side.

import { LossPair } from '../charts/pair.js';
import { WeightsByTurn } from '../charts/weights.js';
import { element, fill, nameText } from '../elements.js';
import { compact, decimal, percent, signed, whole } from '../format.js';
import { History } from '../history.js';
import { get, now, runPath } from '../http.js';
import { differences } from '../parts/configuration.js';
import { statePill } from '../parts/heading.js';
import { icon } from '../parts/icons.js';
import { sourceName } from '../parts/sources.js';
import { empty, failed, loading } from '../parts/states.js';
import { table, tableBeside, thinned } from '../parts/table.js';
import { address, changed, number } from '../route.js';
import { verdict } from '../verdict.js';

const SUGGESTED = 200;
const ROWS = 40;

export function open(root, route) {
  const page = new Compare(root, route);
  page.go(route);
  return { update: (to) => page.go(to), close: () => page.close() };
}

class Compare {
  constructor(root, route) {
    this.abort = new AbortController();
    this.charts = [];
    this.form = chooser(route, this.abort.signal);
    this.place = element('div', { class: 'body' });
    fill(root, element('h1', {}, 'Compare two runs'), this.form.place, this.place);
  }

  close() {
    this.abort.abort();
    this.charts.forEach((chart) => chart.destroy());
  }

  async go(route) {
    this.form.showing(route);
    const names = [route.query.get('a'), route.query.get('b')];
    this.route = route;
    if (!names[0] || !names[1]) {
      fill(this.place, empty('Choose two runs', element('p', {}, 'Type their names above, or tick two in the ', element('a', { href: '#/runs' }, 'list of runs'), '.')));
      return;
    }
    if (this.runs?.map(({ run }) => run.run).join('/') !== names.join('/')) {
      fill(this.place, loading('both runs'));
      try {
        this.runs = await Promise.all(names.map((name) => this.#read(name)));
      } catch (problem) {
        this.runs = undefined;
        if (problem.name !== 'AbortError') {
          fill(this.place, failed(problem, () => this.go(route)));
        }
        return;
      }
    }
    if (this.route === route) {
      this.#draw();
    }
  }

  async #read(name) {
    const path = runPath(name);
    const { signal } = this.abort;
    const [run, statistics, history] = await Promise.all([
      get(path, {}, signal),
      get(`${path}/statistics`, {}, signal),
      get(`${path}/history`, { points: 300 }, signal).then((answer) => new History(answer)),
    ]);
    return { run, statistics, history };
  }

  #draw() {
    this.charts.forEach((chart) => chart.destroy());
    this.charts = [];
    const losses = element('section', { class: 'card' });
    const weights = element('section', { class: 'card' });
    fill(
      this.place,
      element('div', { class: 'two' }, this.runs.map((one, i) => this.#summary(one, i))),
      this.#figures(),
      losses,
      element('div', { class: 'two' }, weights, this.#sources()),
      this.#configurations(),
    );
    this.#losses(losses);
    this.#weights(weights);
  }

  #legend() {
    return element(
      'p',
      { class: 'legend' },
      this.runs.map(({ run }, i) => element('span', { class: 'key' }, element('span', { class: `swatch ${i === 0 ? 'loss' : 'second'}`, 'aria-hidden': 'true' }), nameText(run.run))),
    );
  }

  #summary({ run, statistics, history }, i) {
    const { tone, sentence, more } = verdict(run, statistics, history.marks, now());
    return element(
      'section',
      { class: 'card' },
      element('h2', {}, element('span', { class: `swatch ${i === 0 ? 'loss' : 'second'}`, 'aria-hidden': 'true' }), element('a', { href: address(['runs', run.run]) }, nameText(run.run)), ' ', statePill(run.state)),
      element('p', { class: `tone ${tone}` }, icon(tone), element('span', {}, [sentence, ...more].join(' '))),
    );
  }

  #figures() {
    const [a, b] = this.runs;
    const share = ({ statistics }) => (statistics.downWeighted === undefined ? null : statistics.downWeighted / (statistics.observations - statistics.unusable));
    const rows = [
      ['Step', ({ run }) => run.step, whole],
      ['Losses', ({ statistics }) => statistics.observations, compact],
      ['Mean weight', ({ statistics }) => statistics.meanWeight, (value) => decimal(value, 3)],
      ['Effective-sample ratio', ({ statistics }) => statistics.effectiveSampleRatio, (value) => decimal(value, 3)],
      ['Down-weighted', share, percent],
      ['Unusable losses', ({ statistics }) => statistics.unusable, whole],
      ['Late batches', ({ run }) => run.lateBatches, whole],
      ['Weighed by clients', ({ statistics }) => statistics.clientWeighted, whole],
      ['Alarms', ({ statistics }) => statistics.turns.reduce((sum, turn) => sum + (turn.alarms ?? 0), 0), whole],
    ];
    return element(
      'section',
      { class: 'card' },
      element('h2', {}, 'Figures'),
      table(
        'Figures of both runs',
        [
          { name: 'Figure', head: true, cell: ([name]) => name },
          { name: a.run.run, title: nameText(a.run.run), numeric: true, cell: ([, of, as]) => as(of(a)) },
          { name: b.run.run, title: nameText(b.run.run), numeric: true, cell: ([, of, as]) => as(of(b)) },
        ],
        rows,
      ),
    );
  }

  #losses(place) {
    const turns = [...new Set(this.runs.flatMap(({ history }) => history.order))].sort((x, y) => x - y);
    if (turns.length === 0) {
      fill(place, empty('No losses yet', element('p', {}, 'Neither run has had a batch.')));
      return;
    }
    const asked = number(this.route, 'turn');
    const turn = turns.includes(asked) ? asked : turns[0];
    const picker = element(
      'select',
      { 'aria-label': 'Turn', onchange: (event) => (location.hash = changed(this.route, { turn: event.target.value })) },
      turns.map((one) => element('option', { value: one }, `Turn ${one}`)),
    );
    picker.value = turn;
    const host = element('div');
    const { details } = tableBeside(() => this.#lossTable(turn));
    fill(place, element('header', {}, element('h2', {}, 'Loss'), picker, this.#legend()), element('figure', {}, host, details));
    this.charts.push(new LossPair(host, turn, this.runs.map(({ history }) => history), this.runs.map(({ run }) => run.run)));
  }

  #lossTable(turn) {
    const longest = this.runs.reduce((a, b) => (b.history.length > a.history.length ? b : a)).history;
    const at = ({ history }, step) => {
      const i = history.toSteps.findIndex((to) => to >= step);
      return i < 0 || history.fromSteps[i] > step ? null : history.turns.get(turn)?.loss[i] ?? null;
    };
    return table(
      `Loss of turn ${turn}`,
      [
        { name: 'Step', head: true, cell: (i) => whole(longest.toSteps[i]) },
        ...this.runs.map((one) => ({ name: one.run.run, title: nameText(one.run.run), numeric: true, cell: (i) => decimal(at(one, longest.toSteps[i]), 3) })),
      ],
      thinned(longest.length, ROWS),
    );
  }

  #weights(place) {
    const host = element('div');
    const turns = [...new Set(this.runs.flatMap(({ statistics }) => statistics.turns.map((turn) => turn.turn)))].sort((x, y) => x - y);
    const of = ({ statistics }, turn) => statistics.turns.find((one) => one.turn === turn)?.meanWeight ?? null;
    const { details } = tableBeside(() =>
      table(
        'Mean weight by turn',
        [
          { name: 'Turn', head: true, cell: (turn) => whole(turn) },
          ...this.runs.map((one) => ({ name: one.run.run, title: nameText(one.run.run), numeric: true, cell: (turn) => decimal(of(one, turn), 3) })),
        ],
        turns,
      ),
    );
    fill(place, element('header', {}, element('h2', {}, 'Mean weight by turn'), this.#legend()), element('figure', {}, host, details));
    this.charts.push(new WeightsByTurn(host, () => this.runs.map(({ statistics }) => statistics.turns), null));
  }

  #sources() {
    const names = new Map();
    this.runs.forEach(({ statistics }, i) =>
      statistics.sources.forEach((source) => {
        const key = JSON.stringify([source.source, source.other ?? false]);
        names.set(key, { ...(names.get(key) ?? { source }), [i]: source.meanWeight });
      }),
    );
    const rows = [...names.values()].sort((a, b) => Math.min(a[0] ?? 2, a[1] ?? 2) - Math.min(b[0] ?? 2, b[1] ?? 2)).slice(0, 12);
    return element(
      'section',
      { class: 'card' },
      element('h2', {}, 'Mean weight by source'),
      table(
        'Mean weight by source, lowest first',
        [
          { name: 'Source', head: true, cell: (row) => sourceName(row.source) },
          ...this.runs.map(({ run }, i) => ({ name: run.run, title: nameText(run.run), numeric: true, cell: (row) => decimal(row[i], 3) })),
          { name: 'Difference', numeric: true, cell: (row) => signed(row[1] - row[0], 3) },
        ],
        rows,
      ),
    );
  }

  #configurations() {
    const [a, b] = this.runs.map(({ run }) => run.configuration);
    const rows = differences(a, b);
    return element(
      'section',
      { class: 'card' },
      element('h2', {}, 'Where their configurations differ'),
      rows.length === 0
        ? element('p', {}, 'Nowhere.')
        : table(
            'Where the configurations differ',
            [
              { name: 'Field', head: true, cell: ({ field }) => nameText(field) },
              { name: 'a', title: nameText(this.runs[0].run.run), cell: ({ ours }) => nameText(String(ours ?? 'none')) },
              { name: 'b', title: nameText(this.runs[1].run.run), cell: ({ theirs }) => nameText(String(theirs ?? 'none')) },
            ],
            rows,
          ),
    );
  }
}

function chooser(route, signal) {
  const names = element('datalist', { id: 'run-names' });
  const input = (id) => element('input', { id, list: 'run-names', spellcheck: 'false', autocomplete: 'off', required: true });
  const a = input('run-a');
  const b = input('run-b');
  const field = (of, text) => element('div', { class: 'field' }, element('label', { for: of.id }, text), of);
  const apply = (event) => {
    event.preventDefault();
    location.hash = address(['compare'], { a: a.value.trim(), b: b.value.trim(), turn: route.query.get('turn') });
  };
  const showing = (at) => {
    a.value = at.query.get('a') ?? '';
    b.value = at.query.get('b') ?? '';
  };
  showing(route);
  get('/v1/runs', { limit: SUGGESTED }, signal).then(
    ({ runs }) => fill(names, runs.map(({ run }) => element('option', { value: run }))),
    () => {}, // names can be typed
  );
  const place = element('form', { class: 'filters', onsubmit: apply }, names, field(a, 'First run'), field(b, 'Second run'), element('button', { type: 'submit' }, 'Compare'));
  return { place, showing };
}
