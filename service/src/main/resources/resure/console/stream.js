// The events of a run as they happen. By fetch and not EventSource, which cannot send a token. While the page is hidden
// there is no stream: a browser has few connections to a server, and twenty forgotten tabs would take them all.

import { fetched } from './http.js';

/** The service says something every 15 s; after this long without a byte the connection is taken for dead. */
const SILENCE = 40_000;
const SHORTEST_PAUSE = 1000;
const LONGEST_PAUSE = 30_000;

/** Splits server-sent events out of text that comes in pieces (HTML Standard, section 9.2). */
export class EventParser {
  #rest = '';
  #id = null;
  #event = '';
  #data = [];

  /** Takes the next piece and returns the events that it completes. */
  take(piece) {
    const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop();
    const done = [];
    for (const line of lines) {
      if (line === '') {
        if (this.#data.length > 0) {
          done.push({ id: this.#id, event: this.#event || 'message', data: this.#data.join('\n') });
        }
        this.#event = '';
        this.#data = [];
      } else if (!line.startsWith(':')) {
        this.#field(line);
      }
    }
    return done;
  }

  #field(line) {
    const [, name, value = ''] = line.match(/^([^:]*)(?:: ?(.*))?$/s);
    if (name === 'id') {
      this.#id = value;
    } else if (name === 'event') {
      this.#event = value;
    } else if (name === 'data') {
      this.#data.push(value);
    }
  }
}

/**
 * Follows a stream until it is closed, again and again from the last event seen.
 *
 * @param path where the events are
 * @param onEvent is given each event's name and value
 * @param onState is told 'connecting', 'live', 'hidden', 'lost' (trying again) or 'ended' (for good, with the problem)
 * @returns a function that closes it
 */
export function follow(path, onEvent, onState) {
  let last = null;
  let pause = SHORTEST_PAUSE;
  let timer = null;
  let reading = null;
  let closed = false;
  let lost = false;

  const state = (name, problem = null) => {
    if (!closed) {
      onState(name, problem);
    }
  };

  async function connect() {
    const abort = new AbortController();
    reading = abort;
    if (!lost) {
      state('connecting');
    }
    try {
      await read(abort);
      again();
    } catch (problem) {
      if (reading !== abort) {
        return; // closed by us
      }
      if (problem.status >= 400 && problem.status < 500 && problem.status !== 429) {
        reading = null;
        state('ended', problem);
      } else {
        again();
      }
    }
  }

  async function read(abort) {
    let silence = null;
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(() => abort.abort(), SILENCE);
    };
    try {
      const headers = { Accept: 'text/event-stream', ...(last === null ? {} : { 'Last-Event-ID': last }) };
      heard();
      const answer = await fetched(path, { headers, signal: abort.signal });
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new EventParser();
      lost = false;
      state('live');
      for (;;) {
        const { value, done } = await reader.read();
        if (done) {
          return;
        }
        heard();
        pause = SHORTEST_PAUSE;
        for (const { id, event, data } of parser.take(value)) {
          last = id ?? last;
          onEvent(event, JSON.parse(data));
        }
      }
    } finally {
      clearTimeout(silence);
    }
  }

  function again() {
    reading = null;
    if (closed || document.hidden) {
      return;
    }
    lost = true;
    state('lost');
    // Spread out, so that a service that was away is not met by all pages at once.
    timer = setTimeout(connect, pause * (0.5 + Math.random()));
    pause = Math.min(LONGEST_PAUSE, pause * 2);
  }

  function stop() {
    clearTimeout(timer);
    const current = reading;
    reading = null;
    current?.abort();
  }

  function visibility() {
    stop();
    if (document.hidden) {
      state('hidden');
    } else {
      connect();
    }
  }

  document.addEventListener('visibilitychange', visibility);
  visibility();
  return () => {
    closed = true;
    document.removeEventListener('visibilitychange', visibility);
    stop();
  };
}
