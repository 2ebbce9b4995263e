// Addresses within the console, #/runs/sft-42/dialogues?turn=3: what is looked at is in them, so that it can be linked
// to, reloaded and gone back to.

/** The parts of the path and the parameters of an address. */
export function read(hash = location.hash) {
  const [path, query = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  const parts = path.split('/').filter(Boolean).map(decoded);
  return { parts, query: new URLSearchParams(query) };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of parts, with the parameters that have a value. */
export function address(parts, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== '') {
      query.set(name, value);
    }
  }
  const text = query.toString();
  return '#/' + parts.map(encodeURIComponent).join('/') + (text ? '?' + text : '');
}

/** The same place with some parameters changed. */
export function changed(route, parameters) {
  return address(route.parts, { ...Object.fromEntries(route.query), ...parameters });
}

/** A whole number of a parameter; null where there is none. */
export function number(route, name) {
  const text = route.query.get(name);
  return text !== null && /^[0-9]{1,16}$/.test(text) ? Number(text) : null;
}
