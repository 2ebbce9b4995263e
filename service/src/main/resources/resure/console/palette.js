// Colours of what is drawn on canvases, from the style sheet's custom properties: one place for both themes. Hues are
// told apart with every kind of colour blindness, and none of them is the only bearer of a meaning.

const dark = matchMedia('(prefers-color-scheme: dark)');
let known = new Map();

/** The value of a custom property, `loss` for `--loss`. */
export function colour(name) {
  if (!known.has(name)) {
    known.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  }
  return known.get(name);
}

/** Calls back when the theme changes. Returns a function that ends it. */
export function onTheme(callback) {
  const changed = () => {
    known = new Map();
    callback();
  };
  dark.addEventListener('change', changed);
  return () => dark.removeEventListener('change', changed);
}

const RAMP = 64;

/** A function from [0, 1] to colours that go evenly through those named. */
export function ramp(...names) {
  const stops = names.map((name) => rgb(colour(name)));
  const colours = Array.from({ length: RAMP + 1 }, (_, i) => {
    const at = (i / RAMP) * (stops.length - 1);
    const below = Math.min(stops.length - 2, Math.floor(at));
    const mixed = stops[below].map((value, k) => Math.round(value + (stops[below + 1][k] - value) * (at - below)));
    return `rgb(${mixed.join(',')})`;
  });
  return (share) => colours[Math.round(Math.max(0, Math.min(1, share)) * RAMP)];
}

function rgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}
