// Numbers, ages and times as text. What does not exist is an en dash.

export const NONE = '\u2013';

const WHOLE = new Intl.NumberFormat('en');
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const TIME = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

const missing = (value) => value === null || value === undefined || !Number.isFinite(value);

export const whole = (value) => (missing(value) ? NONE : WHOLE.format(value));

/** 31 thousand as 31K: where a column of figures is to be taken in at a glance. */
export const compact = (value) => (missing(value) ? NONE : value < 10000 ? WHOLE.format(value) : COMPACT.format(value));

export const decimal = (value, digits = 2) => (missing(value) ? NONE : value.toFixed(digits).replace('-', '\u2212'));

export const signed = (value, digits = 1) => {
  if (missing(value)) {
    return NONE;
  }
  const text = Math.abs(value).toFixed(digits);
  return Number(text) === 0 ? text : (value < 0 ? '\u2212' : '+') + text;
};

/** A share as per cent; what is more than nothing is never shown as nothing. */
export const percent = (share) => {
  if (missing(share)) {
    return NONE;
  }
  const value = share * 100;
  return value === 0 ? '0 %' : value < 0.1 ? '< 0.1 %' : (value < 10 ? value.toFixed(1) : value.toFixed(0)) + ' %';
};

/** How long milliseconds are, in the one or two units that matter. */
export function duration(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 100) {
    return `${seconds} s`;
  }
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) {
    return `${minutes} min`;
  }
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}

export const time = (instant) => (instant ? TIME.format(new Date(instant)) : NONE);

/** A step, or several: 4,100 or 4,100 to 4,120. */
export const steps = (from, to) => (from === to ? whole(from) : `${whole(from)} to ${whole(to)}`);

/** A list in a sentence: 3, 7 and 9. */
export const listed = (values) =>
  values.length < 2 ? values.join('') : `${values.slice(0, -1).join(', ')} and ${values.at(-1)}`;
