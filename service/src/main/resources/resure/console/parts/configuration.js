// Configurations, field by field.

/** Fields by their path, weighting.threshold, of what a replay tries as well. */
export function flat(configuration, before = '') {
  return Object.fromEntries(
    Object.entries(configuration).flatMap(([name, value]) =>
      value !== null && typeof value === 'object' ? Object.entries(flat(value, `${before}${name}.`)) : [[before + name, value]],
    ),
  );
}

/** Where two configurations differ, in the fields that the second one has. */
export function differences(ours, theirs) {
  const left = flat(ours);
  return Object.entries(flat(theirs))
    .filter(([field, value]) => left[field] !== value)
    .map(([field, value]) => ({ field, ours: left[field] ?? null, theirs: value }));
}
