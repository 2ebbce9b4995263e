// What is known of one run, kept up to date while its page is looked at: the run, its statistics, its history, and how
// live all that is. Pages draw it; nothing here knows of a page.

import { History } from './history.js';
import { get, now, runPath } from './http.js';
import { follow } from './stream.js';

/** Statistics are asked for at most this often, however fast steps come. */
const STATISTICS_EVERY = 3000;
const RUN_EVERY = 1000;
/** History is asked for again once this share of it came step by step, and at most this often. */
const LIVE_SHARE = 0.15;
const HISTORY_EVERY = 20_000;
/** While rows are rebuilt. */
const PROGRESS_EVERY = 2000;

export class Watch {
  #abort = new AbortController();
  #close = null;
  #timers = new Map();
  #asked = new Map();

  /**
   * Watches a run.
   *
   * @param points stretches of history to ask for
   * @param onChange is told what is new: 'run', 'statistics', 'history', 'steps' (history has grown), 'connection',
   *     'deleted'
   */
  constructor(name, points, onChange) {
    this.name = name;
    this.points = points;
    this.onChange = onChange;
    this.window = { from: null, to: null };
    this.connection = 'connecting';
    this.run = null;
    this.statistics = null;
    this.history = null;
    this.historyProblem = null;
  }

  /** Gets everything once and begins to follow. */
  async open(window) {
    this.window = window;
    const path = runPath(this.name);
    const [run, statistics] = await Promise.all([
      get(path, {}, this.#abort.signal),
      get(`${path}/statistics`, {}, this.#abort.signal),
      this.#readHistory(),
    ]);
    this.run = run;
    this.statistics = statistics;
    if (this.#abort.signal.aborted) {
      return;
    }
    this.connection = run.state === 'finished' ? 'finished' : 'connecting';
    if (run.state !== 'finished') {
      this.#close = follow(
        `${path}/events`,
        (event, value) => this.#take(event, value),
        (state, problem) => this.#connected(state, problem),
      );
    }
    this.#followProgress();
  }

  close() {
    this.#abort.abort();
    this.#close?.();
    this.#timers.forEach(clearTimeout);
  }

  /** Looks at other steps. */
  async look(window) {
    this.window = window;
    await this.#readHistory();
    this.onChange('history');
  }

  async #readHistory() {
    const { from, to } = this.window;
    try {
      const answer = await get(
        `${runPath(this.name)}/history`,
        { points: this.points, fromStep: from, toStep: to },
        this.#abort.signal,
      );
      if (this.window.from === from && this.window.to === to) {
        this.history = new History(answer, { from, to });
        this.historyProblem = null;
      }
    } catch (problem) {
      if (problem.name === 'AbortError') {
        return;
      }
      this.historyProblem = problem;
    }
  }

  #connected(state, problem) {
    const before = this.connection;
    this.connection = state;
    if (problem?.status === 404 && problem.type === 'unknown-run') {
      this.#take('deleted', {});
      return;
    }
    if (state === 'live' && before !== 'live') {
      // What happened while nobody listened.
      this.#later('run', 0, () => this.#refresh('run'));
      this.#later('statistics', 0, () => this.#refresh('statistics'));
      if (this.history !== null && this.history.sequence < this.run.sequence) {
        this.#later('history', 1000, () => this.look(this.window));
      }
    }
    this.onChange('connection');
  }

  #take(event, value) {
    if (event === 'step') {
      // A step is told when it is closed, by a batch of a newer one; which that is, the run says.
      this.run.lastBatchAt = new Date(now()).toISOString();
      this.#later('run', RUN_EVERY, () => this.#refresh('run'));
      if (this.history?.append(value)) {
        this.onChange('steps');
        if (this.history.appended > LIVE_SHARE * this.points) {
          this.#later('history', HISTORY_EVERY, () => this.look(this.window));
        }
      }
      this.#later('statistics', STATISTICS_EVERY, () => this.#refresh('statistics'));
      this.onChange('run');
    } else if (event === 'warning' || event === 'alarm') {
      this.history?.mark(event, value, value.step, value.turn);
      this.#later('statistics', 0, () => this.#refresh('statistics'));
      this.onChange('steps');
    } else if (event === 'rewound') {
      // The step before is open again and will be told again, too.
      this.history?.cut(value.nextStep - 1);
      this.onChange('steps');
      this.#later('history', 500, () => this.look(this.window));
      this.#later('run', 0, () => this.#refresh('run'));
      this.#later('statistics', 0, () => this.#refresh('statistics'));
    } else if (event === 'finished') {
      this.#close?.();
      this.connection = 'finished';
      this.#later('run', 0, () => this.#refresh('run'));
      this.onChange('connection');
    } else if (event === 'deleted') {
      this.#close?.();
      this.connection = 'ended';
      this.onChange('deleted');
    }
  }

  async #refresh(what) {
    try {
      const path = what === 'run' ? runPath(this.name) : `${runPath(this.name)}/${what}`;
      const answer = await get(path, {}, this.#abort.signal);
      if (answer.sequence !== this[what].sequence) {
        this[what] = answer;
        this.onChange(what);
      }
    } catch {
      // The next step asks again; the connection says whether what is shown is old.
    }
  }

  #followProgress() {
    if (this.history !== null && this.history.progress < 1) {
      this.#later('history', PROGRESS_EVERY, async () => {
        await this.look(this.window);
        this.#followProgress();
      });
    }
  }

  /** Does something once, not sooner than a while after it was done the last time. */
  #later(what, every, action) {
    if (this.#timers.has(what)) {
      return;
    }
    const wait = Math.max(0, (this.#asked.get(what) ?? 0) + every - Date.now());
    this.#timers.set(
      what,
      setTimeout(() => {
        this.#timers.delete(what);
        this.#asked.set(what, Date.now());
        if (!this.#abort.signal.aborted) {
          action();
        }
      }, wait),
    );
  }
}
