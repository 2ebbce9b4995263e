// The figures beneath the verdict.

import { element, fill, nameText } from '../elements.js';
import { compact, decimal, duration, percent, time, whole } from '../format.js';
import { now } from '../http.js';
import { bar } from './icons.js';

/** A row of figures; `update` with what is known, `tick` as time goes by. */
export class Facts {
  constructor() {
    this.age = element('dd');
    this.list = element('dl', { class: 'facts' });
  }

  update(run, statistics) {
    this.run = run;
    const usable = statistics.observations - (statistics.unusable ?? 0);
    const downWeighted = statistics.downWeighted === undefined ? null : statistics.downWeighted / usable;
    fill(
      this.list,
      fact('Last batch', this.age),
      fact('Step', element('dd', {}, run.step === null ? 'none' : whole(run.step)), run.step === null ? 'batches name no step' : null),
      fact('Attempt', element('dd', { class: 'text' }, run.attempt === null ? 'none' : nameText(run.attempt))),
      fact('Down-weighted', element('dd', {}, percent(downWeighted)), `of ${compact(usable)} losses`),
      fact('Effective-sample ratio', element('dd', {}, decimal(statistics.effectiveSampleRatio, 3)), bar(statistics.effectiveSampleRatio)),
      fact('Late batches', element('dd', {}, compact(run.lateBatches))),
      fact('Unusable losses', element('dd', {}, compact(statistics.unusable))),
      fact('Weighed by clients', element('dd', {}, compact(statistics.clientWeighted)), 'batches, fallbacks among them'),
    );
    this.tick();
  }

  tick() {
    const last = this.run?.lastBatchAt ?? null;
    fill(this.age, last === null ? 'never' : element('time', { datetime: last, title: time(last) }, `${duration(now() - Date.parse(last))} ago`));
  }
}

const fact = (name, value, more = null) =>
  element('div', { class: 'fact' }, element('dt', {}, name), value, more && element('dd', { class: 'more' }, more));
