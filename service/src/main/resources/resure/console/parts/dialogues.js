// Dialogues to read, least reliable first.

import { copyButton, drawing, element, nameText } from '../elements.js';
import { decimal, signed, whole } from '../format.js';
import { table } from './table.js';

const TALL = 22;
/** Wider bars as long as there is room for them. */
const cellWidth = (maxTurn) => (maxTurn < 32 ? 9 : 6);

/** Its turns' mean weights as a strip: as tall as the weight, so that a short one stands out. */
export function strip(turns, maxTurn) {
  const cell = cellWidth(maxTurn);
  const says = turns.map((turn) => `turn ${turn.turn} ${decimal(turn.meanWeight)}`).join(', ');
  const cells = turns.map((turn) => {
    const tall = turn.meanWeight === null ? 0 : Math.max(1.5, turn.meanWeight * TALL);
    return drawing(
      'g',
      { transform: `translate(${turn.turn * cell} 0)` },
      drawing('title', {}, `turn ${turn.turn}: weight ${decimal(turn.meanWeight)}, loss ${decimal(turn.meanLoss)}`),
      drawing('rect', { class: 'track', width: cell - 2, height: TALL, rx: 1 }),
      drawing('rect', { class: turn.meanWeight < 0.5 ? 'low' : 'value', y: (TALL - tall).toFixed(1), width: cell - 2, height: tall.toFixed(1), rx: 1 }),
    );
  });
  const wide = (maxTurn + 1) * cell;
  return drawing('svg', { class: 'strip', width: wide, height: TALL, viewBox: `0 0 ${wide} ${TALL}`, role: 'img', 'aria-label': `Mean weights: ${says}` }, cells);
}

/** A table of dialogues; `first` is the place of the first one. */
export function dialogueTable(dialogues, { first = 1, linkOfSource = null } = {}) {
  const maxTurn = Math.max(0, ...dialogues.flatMap((dialogue) => dialogue.turns.map((turn) => turn.turn)));
  return table(
    'Dialogues, least reliable first',
    [
      { name: '#', kind: 'place', cell: (dialogue) => whole(first + dialogues.indexOf(dialogue)) },
      {
        name: 'Dialogue',
        head: true,
        cell: (dialogue) => element('span', { class: 'copied' }, nameText(dialogue.dialogue), copyButton(dialogue.dialogue, 'the dialogue\u2019s id')),
      },
      { name: 'Weight by turn', cell: (dialogue) => strip(dialogue.turns, maxTurn) },
      {
        name: 'Source',
        kind: 'source',
        cell: (dialogue) =>
          dialogue.source === null
            ? element('em', {}, 'none')
            : linkOfSource
              ? element('a', { href: linkOfSource(dialogue.source) }, nameText(dialogue.source))
              : nameText(dialogue.source),
      },
      { name: 'Mean weight', numeric: true, cell: (dialogue) => decimal(dialogue.meanWeight) },
      { name: 'Excess', numeric: true, hint: 'Mean of (loss - mean) / sd over its losses', cell: (dialogue) => signed(dialogue.excess, 2) },
      { name: 'Visits', numeric: true, hint: 'Batches that it came in', cell: (dialogue) => whole(dialogue.visits) },
      { name: 'Unreliability', numeric: true, hint: 'What they are ordered by', cell: (dialogue) => decimal(dialogue.unreliability) },
    ],
    dialogues,
  );
}
