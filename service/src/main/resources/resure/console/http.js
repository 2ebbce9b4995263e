// Requests to the service, with this tab's token, and its problems as errors.

import { askToken, token } from './token.js';

/** What the service said instead of an answer (RFC 9457), or that it could not be reached (status 0). */
export class Problem extends Error {
  constructor(status, title, detail, type = '') {
    super(title);
    this.status = status;
    this.detail = detail;
    this.type = type.replace('urn:resure:problem:', '');
  }
}

const TRIES = 3;
let ahead = 0;

/** The service's clock, by its last answer: ages are true where this machine's clock is not. */
export const now = () => Date.now() + ahead;

/** The path of a run, or of what is under it. */
export const runPath = (run, ...rest) => ['/v1/runs', encodeURIComponent(run), ...rest].join('/');

/** Sends a GET and returns the response where it is a success or 304; asks for a token when it has to. */
export async function fetched(path, { headers = {}, signal } = {}) {
  for (let tried = 1; ; tried++) {
    const used = token();
    const answer = await reach(path, { ...headers, ...(used === null ? {} : { Authorization: `Bearer ${used}` }) }, signal);
    const date = Date.parse(answer.headers.get('Date') ?? '');
    // To the second, which the header has: a smaller difference is none.
    ahead = Number.isNaN(date) || Math.abs(date - Date.now()) < 1500 ? 0 : date - Date.now();
    if (answer.ok || answer.status === 304) {
      return answer;
    }
    if (answer.status === 401 && (token() !== used || (await askToken(used !== null)))) {
      continue;
    }
    if ((answer.status === 429 || answer.status === 503) && tried < TRIES) {
      await pause(1000 * Number(answer.headers.get('Retry-After') ?? 1), signal);
      continue;
    }
    throw await problem(answer);
  }
}

async function reach(path, headers, signal) {
  try {
    return await fetch(path, { headers, signal, cache: 'no-store' });
  } catch (error) {
    if (error.name === 'AbortError') {
      throw error;
    }
    throw new Problem(0, 'The service cannot be reached', 'Is it running, and is the network there? This page tries again when you ask it to.');
  }
}

async function problem(answer) {
  try {
    const said = await answer.json();
    return new Problem(answer.status, said.title, said.detail, said.type);
  } catch {
    return new Problem(answer.status, `The service answered ${answer.status}`, 'It gave no reason.');
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/** The JSON at a path; parameters that are null are left out, arrays repeated. */
export async function get(path, parameters = {}, signal) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of [value].flat()) {
      if (one !== null && one !== undefined && one !== '') {
        query.append(name, one);
      }
    }
  }
  const text = query.toString();
  const answer = await fetched(text ? `${path}?${text}` : path, { headers: { Accept: 'application/json' }, signal });
  return answer.json();
}
