// How elements are made: text becomes text nodes, always. Nothing in the console parses a string as HTML, and the
// page's Content-Security-Policy (trusted types) would refuse it.

const SVG = 'http://www.w3.org/2000/svg';

/** An element with attributes (on...: listeners; null and false: left out) and children (text, nodes, arrays, null). */
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same of SVG. */
export function drawing(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) {
      made.addEventListener(name.slice(2), value);
    } else if (value === true) {
      made.setAttribute(name, '');
    } else if (value !== null && value !== undefined && value !== false) {
      made.setAttribute(name, value);
    }
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Puts children in place of what an element had. */
export function fill(parent, ...children) {
  parent.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return parent;
}

// Controls, and what is invisible or changes the direction of what follows.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

function shown(character) {
  const code = character.codePointAt(0);
  return code < 0x20
    ? String.fromCharCode(0x2400 + code)
    : 'U+' + code.toString(16).toUpperCase().padStart(4, '0');
}

/**
 * An id as a person can read it: of dialogues, sources, attempts and labels, which may be any text. It cannot reorder
 * what stands around it, and what would not be seen is written out.
 */
export function nameText(text) {
  const made = element('bdi', { class: 'name', title: text });
  let end = 0;
  for (const found of text.matchAll(UNSEEN)) {
    made.append(text.slice(end, found.index), element('span', { class: 'unseen' }, shown(found[0])));
    end = found.index + found[0].length;
  }
  made.append(text.slice(end));
  return made;
}

/** The same as plain text, for where elements cannot be: canvases, labels of controls. */
export function namePlain(text, longest = 60) {
  const visible = text.replaceAll(UNSEEN, (character) => (character.codePointAt(0) < 0x20 ? shown(character) : '\u00b7'));
  const characters = [...visible];
  return characters.length > longest ? characters.slice(0, longest - 1).join('') + '\u2026' : visible;
}

/** Says something to who listens to the page instead of looking at it. */
export function announce(text) {
  document.getElementById('announcement').textContent = text;
}

async function copy(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Without TLS, on another machine than this one, there is no clipboard to write to but by selecting.
  const area = element('textarea', { class: 'unseen-text', 'aria-hidden': 'true' });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (!done) {
    throw new Error('copying is not possible here');
  }
}

/** A button that copies a text; who does not see where it stands is told the label and `what`. */
export function copyButton(text, what, label = 'Copy') {
  const button = element('button', { type: 'button', class: 'copy', 'aria-label': `${label} ${what}` }, label);
  button.addEventListener('click', async () => {
    try {
      await copy(text);
      button.textContent = 'Copied';
      announce('Copied');
    } catch {
      button.textContent = 'Select it by hand';
    }
    setTimeout(() => (button.textContent = label), 1600);
  });
  return button;
}
