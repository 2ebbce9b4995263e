// One run, live: the verdict, its figures, the turns that stand out, all turns, weights, sources, what to read first.

import { Heatmap, FIGURES } from '../charts/heatmap.js';
import { DriftChart, LossChart, pointText, WeightChart } from '../charts/turn.js';
import { WeightsByTurn } from '../charts/weights.js';
import { copyButton, element, fill } from '../elements.js';
import { compact, decimal, percent, signed, steps, whole } from '../format.js';
import { zScore } from '../history.js';
import { get, now, runPath } from '../http.js';
import { dialogueTable } from '../parts/dialogues.js';
import { Facts } from '../parts/facts.js';
import { Heading } from '../parts/heading.js';
import { bar, sparkline } from '../parts/icons.js';
import { Judgement } from '../parts/judgement.js';
import { Sources } from '../parts/sources.js';
import { empty, emptyPage, failed, loading, progress } from '../parts/states.js';
import { table, tableBeside, thinned } from '../parts/table.js';
import { reason, worstTurns } from '../parts/turns.js';
import { address, changed, number } from '../route.js';
import { verdict } from '../verdict.js';
import { Watch } from '../watch.js';

const STANDING_OUT = 4;
const FIRST_DIALOGUES = 5;
const ROWS = 40;
/** Charts follow the steps at most this often. */
const DRAW_EVERY = 1000;

export function open(root, route, name) {
  const page = new Overview(root, route, name);
  return { ready: page.start(), update: (to) => page.go(to), close: () => page.close() };
}

const windowOf = (route) => ({ from: number(route, 'from'), to: number(route, 'to') });

class Overview {
  constructor(root, route, name) {
    this.root = root;
    this.route = route;
    this.name = name;
    this.heading = new Heading(name, '');
    this.judgement = new Judgement();
    this.facts = new Facts();
    this.charts = [];
    this.knownAt = null;
    this.figure = 'drift';
    this.watch = new Watch(name, root.clientWidth < 600 ? 120 : 240, (what) => this.#changed(what));
    this.body = element('div', { class: 'body' }, loading('the run'));
    fill(root, this.heading.place, this.body);
  }

  async start() {
    await this.watch.open(windowOf(this.route));
    const { run } = this.watch;
    this.heading.update(run);
    this.heading.connected(this.watch.connection);
    this.knownAt = now();
    this.clock = setInterval(() => this.#tick(), 1000);
    this.#draw();
  }

  close() {
    clearInterval(this.clock);
    clearTimeout(this.drawing);
    this.watch.close();
    this.charts.forEach((chart) => chart.destroy());
  }

  get turn() {
    return number(this.route, 'turn');
  }

  go(route) {
    const before = this.route;
    this.route = route;
    if (this.watch.history === null) {
      return;
    }
    const { from, to } = windowOf(route);
    if (from !== windowOf(before).from || to !== windowOf(before).to) {
      this.watch.look({ from, to });
    }
    if (number(before, 'turn') !== this.turn) {
      this.#drawLosses();
      this.heatmap?.update({ chosen: this.turn });
      this.picker.value = this.turn ?? '';
      if (this.turn !== null) {
        this.losses.scrollIntoView({ block: 'start', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
        this.losses.querySelector('h2').focus({ preventScroll: true });
      }
    }
  }

  #draw() {
    const { run } = this.watch;
    if (run.lastBatchAt === null) {
      fill(this.body, this.judgement.place, this.#nothingYet());
      this.#judge();
      this.waiting = true;
      return;
    }
    this.waiting = false;
    this.losses = element('section', { class: 'card losses' });
    this.map = element('section', { class: 'card map' });
    this.weights = element('section', { class: 'card weights' });
    this.sources = new Sources((source) => address(['runs', this.name, 'dialogues'], { source }));
    this.read = element('section', { class: 'card read' });
    fill(
      this.body,
      this.judgement.place,
      this.facts.list,
      this.#stepsForm(),
      this.losses,
      this.map,
      element(
        'div',
        { class: 'two' },
        this.weights,
        element('section', { class: 'card' }, element('h2', {}, 'Sources, worst first'), this.sources.place),
      ),
      this.read,
      this.#configuration(),
    );
    this.#judge();
    this.facts.update(run, this.watch.statistics);
    this.#drawLosses();
    this.#drawMap();
    this.#drawWeights();
    this.sources.update(this.watch.statistics.sources);
    this.#drawDialogues();
  }

  #nothingYet() {
    return empty(
      'Waiting for the first batch',
      element('p', {}, 'The trainer posts the losses of each step, and is answered their weights:'),
      element(
        'pre',
        {},
        `curl ${location.origin}${runPath(this.name)}/observations -H 'Content-Type: application/json' \\\n  -d '{"step": 0, "dialogues": [{"id": "d-1", "losses": [2.1, 1.8]}]}'`,
      ),
      element('p', {}, 'This page goes on by itself when it comes.'),
    );
  }

  // Changes

  #changed(what) {
    if (this.body.isConnected === false || this.watch.run === null) {
      return;
    }
    if (what === 'deleted') {
      this.close();
      fill(this.root, emptyPage('This run was deleted', element('p', {}, element('a', { href: '#/runs' }, 'All runs'))));
      return;
    }
    if (what === 'connection') {
      this.heading.connected(this.watch.connection);
      if (this.watch.connection !== 'live' && this.watch.connection !== 'connecting') {
        this.knownAt ??= now();
      }
    } else {
      this.knownAt = now();
    }
    if (this.waiting) {
      if (this.watch.run.lastBatchAt !== null && what === 'statistics') {
        this.#draw();
      }
      return;
    }
    if (this.losses === undefined) {
      return;
    }
    this.fresh ??= new Set();
    this.fresh.add(what);
    this.drawing ??= setTimeout(() => {
      this.drawing = null;
      const fresh = this.fresh;
      this.fresh = new Set();
      this.#refresh(fresh);
    }, this.watch.window.from === null && what === 'steps' ? DRAW_EVERY : 50);
  }

  #refresh(fresh) {
    const { run, statistics } = this.watch;
    this.#judge();
    this.facts.update(run, statistics);
    if (fresh.has('run')) {
      this.heading.update(run);
    }
    if (fresh.has('history')) {
      this.#drawLosses();
      this.#drawMap();
      this.#showSteps();
    } else if (fresh.has('steps')) {
      this.charts.forEach((chart) => chart !== this.bars && chart.update());
      this.renewals.forEach((renew) => renew());
      this.mapTable?.();
    }
    if (fresh.has('statistics')) {
      this.bars?.update();
      this.weightsTable?.();
      this.sources.update(statistics.sources);
      if (this.turn === null && statistics.turns.some((turn) => turn.warning && !this.standing.includes(turn.turn))) {
        this.#drawLosses();
      }
    }
  }

  #tick() {
    if (!this.waiting) {
      this.facts.tick();
    }
    this.#judge();
  }

  #judge() {
    const { run, statistics, history, connection } = this.watch;
    const judged = verdict(run, statistics, history?.marks, now());
    const stale = connection === 'lost' || connection === 'ended';
    this.judgement.update(judged, stale ? new Date(this.knownAt).toISOString() : null);
    this.body.classList.toggle('old', stale);
    document.title = `${judged.tone === 'alarm' ? '\u25b2 ' : ''}${this.name} \u00b7 ReSURE`;
  }

  // Which steps

  #stepsForm() {
    const input = (id, label) => element('input', { id, type: 'text', inputmode: 'numeric', pattern: '[0-9]*', size: '8', 'aria-label': label, autocomplete: 'off' });
    this.fromInput = input('from', 'First step');
    this.toInput = input('to', 'Last step');
    this.allSteps = element('a', { class: 'button', href: '#' }, 'All steps');
    const form = element(
      'form',
      {
        class: 'steps',
        onsubmit: (event) => {
          event.preventDefault();
          this.#zoom(this.fromInput.value, this.toInput.value);
        },
      },
      element('span', {}, 'Steps'),
      this.fromInput,
      element('span', {}, 'to'),
      this.toInput,
      element('button', { type: 'submit' }, 'Show'),
      this.allSteps,
      element('span', { class: 'hint' }, 'or drag across a chart'),
    );
    this.#showSteps();
    return form;
  }

  #showSteps() {
    const { from, to } = windowOf(this.route);
    this.fromInput.value = from ?? '';
    this.toInput.value = to ?? '';
    this.fromInput.placeholder = 'first';
    this.toInput.placeholder = 'newest';
    this.allSteps.hidden = from === null && to === null;
    this.allSteps.href = changed(this.route, { from: null, to: null });
  }

  #zoom(from, to) {
    location.hash = changed(this.route, { from, to });
  }

  #choose(turn) {
    location.hash = changed(this.route, { turn });
  }

  // Losses

  #historyMissing(place, title) {
    const { historyProblem, history } = this.watch;
    if (history === null) {
      fill(place, element('h2', { tabindex: '-1' }, title), historyProblem ? failed(historyProblem, () => this.watch.look(this.watch.window)) : loading('the history'));
      return true;
    }
    if (history.length === 0) {
      fill(place, element('h2', { tabindex: '-1' }, title), empty('Nothing in these steps', element('p', {}, element('a', { href: changed(this.route, { from: null, to: null }) }, 'Show all steps'))));
      return true;
    }
    return false;
  }

  #drawLosses() {
    this.charts.filter((chart) => chart.ofLosses).forEach((chart) => chart.destroy());
    this.charts = this.charts.filter((chart) => !chart.ofLosses);
    this.renewals = [];
    const title = this.turn === null ? 'Turns that stand out' : `Turn ${this.turn}`;
    this.standing = worstTurns(this.watch.statistics, STANDING_OUT).map((turn) => turn.turn);
    if (this.#historyMissing(this.losses, title)) {
      return;
    }
    if (this.turn === null) {
      this.#drawStanding();
    } else {
      this.#drawTurn(this.turn);
    }
  }

  #chart(Kind, host, turn, options) {
    const chart = new Kind(host, turn, () => this.watch.history, { sync: 'steps', onZoom: (from, to) => this.#zoom(from, to), ...options });
    chart.ofLosses = true;
    this.charts.push(chart);
  }

  #drawStanding() {
    const by = new Map(this.watch.statistics.turns.map((turn) => [turn.turn, turn]));
    const multiples = element('div', { class: 'multiples' });
    fill(this.losses, element('header', {}, element('h2', { tabindex: '-1' }, 'Turns that stand out'), legend()), this.#rebuilding(), multiples);
    for (const turn of this.standing) {
      const point = element('p', { class: 'point' });
      const { details, renew } = tableBeside(() => this.#turnTable(turn));
      const figure = element(
        'figure',
        {},
        element(
          'figcaption',
          {},
          element('h3', {}, element('a', { href: changed(this.route, { turn }) }, `Turn ${turn}`)),
          element('span', { class: `why ${by.get(turn).warning ? 'rising' : ''}` }, reason(by.get(turn))),
          point,
        ),
      );
      multiples.append(figure);
      this.#chart(LossChart, figure, turn, { onPoint: (i) => (point.textContent = pointText(this.watch.history, turn, i)) });
      figure.append(details);
      this.renewals.push(renew);
    }
  }

  #drawTurn(turn) {
    const all = this.watch.history.order;
    const at = all.indexOf(turn);
    const move = (to, text) => (to === undefined ? null : element('a', { class: 'button', href: changed(this.route, { turn: to }) }, text));
    const told = this.watch.statistics.turns.find((one) => one.turn === turn);
    const point = element('p', { class: 'point' });
    const { details, renew } = tableBeside(() => this.#turnTable(turn));
    const figure = element('figure', { class: 'stack' }, element('figcaption', {}, told && element('span', { class: `why ${told.warning ? 'rising' : ''}` }, reason(told)), point));
    fill(
      this.losses,
      element('header', {}, element('h2', { tabindex: '-1' }, `Turn ${turn}`), legend()),
      element(
        'p',
        { class: 'moves' },
        move(at > 0 ? all[at - 1] : undefined, 'Turn before'),
        move(all[at + 1], 'Next turn'),
        element('a', { class: 'button', href: changed(this.route, { turn: null }) }, 'Turns that stand out'),
      ),
      this.#rebuilding(),
      at < 0
        ? empty('No losses of this turn', element('p', {}, 'It may be in other steps, or there is no such turn in this run.'))
        : figure,
    );
    if (at >= 0) {
      const onPoint = (i) => (point.textContent = pointText(this.watch.history, turn, i));
      this.#chart(LossChart, figure, turn, { height: 260, onPoint });
      this.#chart(WeightChart, figure, turn, { onPoint });
      this.#chart(DriftChart, figure, turn, { onPoint });
      figure.append(details, ...this.#marksOf(turn));
      this.renewals.push(renew);
    }
  }

  #marksOf(turn) {
    const marks = this.watch.history.marks.filter((mark) => mark.turn === turn || mark.turn === null);
    return marks.length === 0
      ? []
      : [element(
          'p',
          { class: 'marks' },
          'What happened: ',
          marks
            .slice(-12)
            .map((mark) => `${mark.kind} at step ${whole(mark.step)}`)
            .join(', '),
        )];
  }

  #turnTable(turn) {
    const { history } = this.watch;
    const columns = history.turns.get(turn);
    const rows = columns === undefined ? [] : thinned(history.length, ROWS);
    const figure = (name, cell) => ({ name, numeric: true, cell });
    return table(
      `Turn ${turn} by steps`,
      [
        { name: 'Steps', head: true, cell: (i) => steps(history.fromSteps[i], history.toSteps[i]) },
        figure('Loss', (i) => decimal(columns.loss[i], 3)),
        figure('Lowest', (i) => decimal(columns.lossMin[i], 3)),
        figure('Highest', (i) => decimal(columns.lossMax[i], 3)),
        figure('Normal', (i) => decimal(columns.mean[i], 3)),
        figure('sd', (i) => decimal(columns.standardDeviation[i], 3)),
        figure('Weight', (i) => decimal(columns.weight[i], 3)),
        figure('Effective ratio', (i) => decimal(columns.effectiveSampleRatio[i], 3)),
        figure('Drift', (i) => signed(columns.drift[i], 2)),
        figure('Losses', (i) => whole(columns.observations[i])),
      ],
      rows.toReversed(),
    );
  }

  #rebuilding() {
    const { history } = this.watch;
    return history.progress < 1 ? progress(history.progress, 'The history is being rebuilt') : null;
  }

  // All turns

  #drawMap() {
    this.heatmap?.destroy();
    this.charts = this.charts.filter((chart) => chart !== this.heatmap);
    this.heatmap = null;
    if (this.#historyMissing(this.map, 'All turns')) {
      return;
    }
    const point = element('p', { class: 'point' });
    const host = element('div');
    const says = element('div', { class: 'scale' });
    const { details, renew } = tableBeside(() => this.#mapTable());
    this.mapTable = renew;
    const radios = element(
      'fieldset',
      { class: 'choice' },
      element('legend', { class: 'unseen-text' }, 'Figure'),
      Object.entries(FIGURES).map(([key, figure]) =>
        element(
          'label',
          {},
          element('input', {
            type: 'radio',
            name: 'figure',
            value: key,
            checked: key === this.figure,
            onchange: () => {
              this.figure = key;
              this.heatmap.update({ figure: key });
              fill(says, scale(key));
              renew();
            },
          }),
          element('span', {}, figure.name),
        ),
      ),
    );
    this.picker = element(
      'select',
      { 'aria-label': 'Turn to look at', onchange: (event) => this.#choose(event.target.value === '' ? null : event.target.value) },
      element('option', { value: '' }, 'Choose a turn'),
      this.watch.history.order.map((turn) => element('option', { value: turn }, `Turn ${turn}`)),
    );
    this.picker.value = this.turn ?? '';
    fill(says, scale(this.figure));
    fill(
      this.map,
      element('header', {}, element('h2', {}, 'All turns'), radios, this.picker),
      element('figure', {}, element('figcaption', {}, says, point), host, details),
    );
    this.heatmap = new Heatmap(host, () => this.watch.history, {
      figure: this.figure,
      chosen: this.turn,
      sync: 'steps',
      onZoom: (from, to) => this.#zoom(from, to),
      onTurn: (turn) => this.#choose(turn),
      onCell: (turn, i) => (point.textContent = turn === null ? '' : `turn ${turn}, ${pointText(this.watch.history, turn, i)}`),
    });
    this.charts.push(this.heatmap);
  }

  #mapTable() {
    const { history } = this.watch;
    const by = new Map(this.watch.statistics.turns.map((turn) => [turn.turn, turn]));
    const last = history.length - 1;
    const figure = (name, cell) => ({ name, numeric: true, cell });
    return table(
      'All turns',
      [
        { name: 'Turn', head: true, cell: (turn) => element('a', { href: changed(this.route, { turn }) }, `Turn ${turn}`) },
        { name: 'Loss', cell: (turn) => sparkline(history.turns.get(turn).loss) },
        figure('Now', (turn) => decimal(history.turns.get(turn).loss[last], 3)),
        figure('Against normal, sd', (turn) => signed(zScore(history.turns.get(turn), 'loss', last), 2)),
        figure('Drift, sd', (turn) => signed(by.get(turn)?.drift, 2)),
        figure('Warnings', (turn) => whole(by.get(turn)?.warnings)),
        figure('Alarms', (turn) => whole(by.get(turn)?.alarms)),
        { name: 'Mean weight', kind: 'barred', cell: (turn) => [element('span', {}, decimal(by.get(turn)?.meanWeight)), bar(by.get(turn)?.meanWeight)] },
      ],
      history.order,
    );
  }

  // Weights

  #drawWeights() {
    const host = element('div');
    const { details, renew } = tableBeside(() => this.#weightsTable());
    this.weightsTable = renew;
    fill(
      this.weights,
      element('header', {}, element('h2', {}, 'Weights by turn'), element('p', { class: 'legend' }, key('weight', 'mean weight'), key('tick', 'effective-sample ratio'))),
      element('figure', {}, host, details),
    );
    this.bars = new WeightsByTurn(host, () => [this.watch.statistics.turns], (turn) => this.#choose(turn));
    this.charts.push(this.bars);
  }

  #weightsTable() {
    const figure = (name, cell) => ({ name, numeric: true, cell });
    return table(
      'Weights by turn',
      [
        { name: 'Turn', head: true, cell: (turn) => element('a', { href: changed(this.route, { turn: turn.turn }) }, `Turn ${turn.turn}`) },
        figure('Mean weight', (turn) => decimal(turn.meanWeight, 3)),
        figure('Effective ratio', (turn) => decimal(turn.effectiveSampleRatio, 3)),
        figure('Down-weighted', (turn) => percent(turn.downWeighted === undefined ? null : turn.downWeighted / Math.max(1, turn.seen))),
        figure('Mean loss', (turn) => decimal(turn.mean, 3)),
        figure('sd', (turn) => decimal(turn.standardDeviation, 3)),
        figure('Losses', (turn) => compact(turn.seen)),
        figure('Unusable', (turn) => whole(turn.unusable)),
      ],
      this.watch.statistics.turns,
    );
  }

  // Dialogues and configuration

  async #drawDialogues() {
    const title = element('h2', {}, 'Read these first');
    fill(this.read, title, loading('dialogues'));
    try {
      const page = await get(`${runPath(this.name)}/dialogues`, { limit: FIRST_DIALOGUES });
      const all = address(['runs', this.name, 'dialogues']);
      fill(
        this.read,
        element('header', {}, title, element('a', { href: all }, 'Twenty to read')),
        page.progress < 1 && progress(page.progress, 'The list is being rebuilt'),
        page.dialogues.length === 0
          ? element('p', {}, 'Nothing to read yet.')
          : dialogueTable(page.dialogues, { linkOfSource: (source) => address(['runs', this.name, 'dialogues'], { source }) }),
      );
    } catch (problem) {
      fill(this.read, title, failed(problem, () => this.#drawDialogues()));
    }
  }

  #configuration() {
    const text = JSON.stringify(this.watch.run.configuration, null, 2);
    return element(
      'details',
      { class: 'card configuration' },
      element('summary', {}, element('h2', {}, 'Configuration')),
      element('p', { class: 'actions' }, copyButton(text, 'of the configuration', 'Copy JSON')),
      element('pre', { tabindex: '0' }, text),
    );
  }
}

const key = (kind, text) => element('span', { class: 'key' }, element('span', { class: `swatch ${kind}`, 'aria-hidden': 'true' }), text);

const legend = () =>
  element(
    'p',
    { class: 'legend' },
    key('loss', 'loss'),
    key('loss-band', 'lowest to highest step'),
    key('normal', 'normal \u00b1 1 sd'),
    key('warning', 'warning'),
    key('alarm', 'alarm'),
    key('rewound', 'rewound'),
  );

function scale(name) {
  const figure = FIGURES[name];
  const end = (value) => (name === 'weight' ? decimal(value, 0) : `${signed(value, 1)} sd`);
  return [
    element('span', {}, end(figure.low)),
    element('span', { class: `gradient ${name === 'weight' ? 'weights' : 'sds'}`, 'aria-hidden': 'true' }),
    element('span', {}, end(figure.high)),
    element('span', { class: 'says' }, figure.says),
  ];
}
