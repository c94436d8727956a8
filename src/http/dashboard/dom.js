// Builds and updates elements. Data becomes text nodes and attributes only, never markup.

const SVG = "http://www.w3.org/2000/svg";

/** Returns the children as a flat list without null, undefined and false. */
function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...flat(children));
  return element;
}

/** Returns an HTML element. Children may be nested arrays; null, undefined and false are skipped. */
export function h(tag, attributes, ...children) {
  return build(document.createElement(tag), attributes, children);
}

/** Returns an SVG element. */
export function s(tag, attributes, ...children) {
  return build(document.createElementNS(SVG, tag), attributes, children);
}

/**
 * Returns a table in a region that scrolls sideways; a narrow screen shows each row as a block with the titles of its cells.
 * A row is {key, cells, kind}; the first cell is its header. The roles remain if CSS changes the display of the elements.
 */
export function table(caption, columns, rows, { empty = "No entries.", hideCaption = false } = {}) {
  const all = columns.map((column) => (typeof column === "string" ? { title: column } : column));
  const heads = all.map(({ title, number, hint }) =>
    h("th", { scope: "col", role: "columnheader", class: number ? "number" : null, title: hint }, title));
  const cell = (content, at) => at === 0
    ? h("th", { scope: "row", role: "rowheader" }, content)
    : h("td", { role: "cell", class: all[at].number ? "number" : null, "data-title": all[at].title }, content);
  const body = rows.length
    ? rows.map(({ key, cells, kind }) => h("tr", { role: "row", "data-key": key, class: kind }, cells.map(cell)))
    : h("tr", { role: "row" }, h("td", { role: "cell", colspan: columns.length, class: "empty" }, empty));
  return h("div", { class: "scroll", role: "region", "aria-label": caption, tabindex: "0" },
    h("table", { role: "table", class: columns.length > 3 ? "stack" : null },
      h("caption", { class: hideCaption ? "hidden" : null }, caption),
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads)),
      h("tbody", { role: "rowgroup" }, body)));
}

const keyOf = (node) => node.dataset?.key;
const isSame = (a, b) => a.nodeName === b.nodeName && keyOf(a) === keyOf(b);

/** Changes `from` to equal `to` and keeps equal nodes, so that focus, selection and open details survive an update. */
export function patch(from, to) {
  if (from.nodeType === Node.TEXT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !(name === "open" && from.nodeName === "DETAILS")) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  patchChildren(from, [...to.childNodes]);
}

function patchChildren(parent, children) {
  let current = parent.firstChild;
  for (const child of children) {
    let match = current;
    if (keyOf(child) !== undefined) {
      while (match && !isSame(match, child)) match = match.nextSibling;
    }
    if (match && isSame(match, child)) {
      if (match === current) current = current.nextSibling;
      else parent.insertBefore(match, current);
      patch(match, child);
    } else {
      parent.insertBefore(child, current);
      if (current && keyOf(current) === undefined && keyOf(child) === undefined) {
        const replaced = current;
        current = current.nextSibling;
        replaced.remove();
      }
    }
  }
  while (current) {
    const rest = current.nextSibling;
    current.remove();
    current = rest;
  }
}

/** Replaces the content of an element, and keeps nodes that do not change. */
export function render(element, ...children) {
  const nodes = flat(children).map((child) => (child instanceof Node ? child : document.createTextNode(child)));
  patchChildren(element, nodes);
}
