// Charts of the history: stacked areas or lines over time, with a cursor that all charts share, and small bars.

import { h, s, table } from "./dom.js";
import { clock, exact } from "./format.js";

const HEIGHT = 170;
const MARGIN = { top: 8, right: 8, bottom: 20, left: 52 };

/** The time under the cursor in milliseconds, or null. */
let cursor = null;
let redraw = () => {};
/** The frame that draws the cursor, if one is requested. */
let frame = null;

/** Returns round values from 0 to at least `max`. */
function linearTicks(max) {
  if (!(max > 0)) return [0, 1];
  const rough = max / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const steps = Math.ceil(max / step - 1e-9);
  return Array.from({ length: steps + 1 }, (_, at) => at * step);
}

/** Returns powers of ten around the values; the scale is logarithmic. */
function powerTicks(values) {
  const positive = values.filter((value) => value > 0);
  const low = positive.length ? Math.floor(Math.log10(Math.min(...positive)) + 1e-9) : 0;
  const high = positive.length ? Math.ceil(Math.log10(Math.max(...positive)) - 1e-9) : 1;
  return Array.from({ length: Math.max(high - low, 1) + 1 }, (_, at) => 10 ** (low + at));
}

/** Splits points at missing values and at gaps in time. */
function runs(points, gap) {
  const found = [];
  let last = null;
  for (const point of points) {
    if (point.high === null) {
      last = null;
      continue;
    }
    if (last === null || point.time - last.time > gap) found.push([]);
    found.at(-1).push(point);
    last = point;
  }
  return found;
}

const join = (points) => points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");

function drawSeries({ kind, style }, points, x, y, gap) {
  return runs(points, gap).map((run) => {
    const upper = run.map((point) => [x(point.time), y(point.high)]);
    if (upper.length === 1) upper.push([upper[0][0] + 1.5, upper[0][1]]);
    if (kind === "line") return s("polyline", { class: `line ${style}`, points: join(upper) });
    const lower = run.map((point) => [x(point.time), y(point.low)]).reverse();
    if (lower.length === 1) lower.unshift([lower[0][0] + 1.5, lower[0][1]]);
    return s("polygon", { class: `area ${style}`, points: join([...upper, ...lower]) });
  });
}

/** Returns the points of each series. Areas are stacked in their order. */
function layout(times, series) {
  const base = times.map(() => 0);
  return series.map(({ kind, values }) =>
    times.map((time, at) => {
      const value = values[at] ?? null;
      if (kind === "line" || value === null) return { time, low: 0, high: value };
      const low = base[at];
      base[at] += value;
      return { time, low, high: base[at] };
    }),
  );
}

function timeTicks(start, end) {
  const step = end - start > 480_000 ? 300_000 : 60_000;
  const first = Math.ceil(start / step) * step;
  return Array.from({ length: Math.floor((end - first) / step) + 1 }, (_, at) => first + at * step);
}

function nearest(times, time) {
  let best = -1;
  for (let at = 0; at < times.length; at += 1) {
    if (best < 0 || Math.abs(times[at] - time) < Math.abs(times[best] - time)) best = at;
  }
  return best;
}

/** Describes each series by its last and its highest value. */
function summary(title, times, series, format) {
  if (times.length === 0) return `${title}: no data yet.`;
  const parts = series.map(({ name, values }) => {
    const known = values.filter((value) => value !== null);
    if (known.length === 0) return `${name}: no data`;
    const max = known.reduce((a, b) => Math.max(a, b));
    return `${name}: now ${format(values.at(-1))}, highest ${format(max)} at ${clock(times[values.indexOf(max)])}`;
  });
  return `${title}. ${parts.join("; ")}.`;
}

function legend(series, at, format) {
  const entries = series.map(({ name, style, values }) =>
    h("li", null, h("span", { class: `swatch ${style}`, "aria-hidden": "true" }), ` ${name} `,
      h("b", null, at < 0 ? "–" : format(values[at]))));
  return h("ul", { class: "legend" }, entries);
}

/** Returns one row for each minute, newest first: the largest value of the minute. */
function minutes(title, times, series, format) {
  const rows = new Map();
  times.forEach((time, at) => {
    const minute = Math.floor(time / 60_000) * 60_000;
    const largest = rows.get(minute) ?? series.map(() => null);
    series.forEach(({ values }, which) => {
      if (values[at] !== null) largest[which] = Math.max(largest[which] ?? 0, values[at]);
    });
    rows.set(minute, largest);
  });
  const entries = [...rows].reverse().map(([minute, largest]) => ({
    key: String(minute),
    cells: [clock(minute, { seconds: false }), ...largest.map(format)],
  }));
  const columns = ["minute", ...series.map(({ name }) => ({ title: name, number: true }))];
  return h("details", null, h("summary", null, "Values as a table"), table(`${title}: highest value of each minute`, columns, entries));
}

/**
 * Returns a figure. `series` are {name, style, kind: "area" | "line", values}; `marks` are {time, text}. With `isLog` the
 * scale of values is logarithmic; all series are lines then. `format` and `tickText` return the texts of values and ticks.
 */
export function timeChart({ id, title, times, start, end, step, series, format, tickText = format, isLog = false, marks = [] }) {
  const width = Math.max(document.getElementById(id)?.querySelector(".plot")?.clientWidth || 400, 200);
  const stacked = layout(times, series);
  const highs = stacked.flat().map((point) => point.high).filter((value) => value !== null);
  const ticks = isLog ? powerTicks(highs) : linearTicks(Math.max(0, ...highs));
  const [right, bottom] = [width - MARGIN.right, HEIGHT - MARGIN.bottom];
  const x = (time) => MARGIN.left + ((time - start) / (end - start)) * (right - MARGIN.left);
  const scale = isLog ? (value) => Math.log10(Math.max(value, ticks[0])) : (value) => value;
  const [low, high] = [scale(ticks[0]), scale(ticks.at(-1))];
  const y = (value) => bottom - ((scale(value) - low) / (high - low)) * (bottom - MARGIN.top);
  const at = cursor === null || times.length === 0 ? times.length - 1 : nearest(times, cursor);
  const grid = ticks.map((tick) => [
    s("line", { class: "grid", x1: MARGIN.left, x2: right, y1: y(tick), y2: y(tick) }),
    s("text", { class: "tick", x: MARGIN.left - 6, y: y(tick) + 4, "text-anchor": "end" }, tickText(tick)),
  ]);
  const hours = timeTicks(start, end).filter((time) => x(time) > MARGIN.left + 14 && x(time) < right - 12).map((time) => s(
    "text", { class: "tick", x: x(time), y: HEIGHT - 4, "text-anchor": "middle" }, clock(time, { seconds: false })));
  const shown = marks.filter(({ time }) => time > start && time < end).map(({ time, text }) => [
    s("line", { class: "mark", x1: x(time), x2: x(time), y1: MARGIN.top, y2: bottom }),
    s("text", { class: "tick", x: x(time) + 4, y: MARGIN.top + 10, "text-anchor": x(time) > right - 60 ? "end" : "start" }, text),
  ]);
  const pointer = cursor !== null && at >= 0
    ? s("line", { class: "cursor", x1: x(times[at]), x2: x(times[at]), y1: MARGIN.top, y2: bottom })
    : null;
  const drawing = s("svg", {
    class: "plot", role: "img", tabindex: "0", viewBox: `0 0 ${width} ${HEIGHT}`, height: HEIGHT, "aria-label": summary(title, times, series, format),
    "data-chart": id, "data-start": start, "data-end": end, "data-step": step, "data-width": width,
  }, grid, hours, series.map((one, which) => drawSeries(one, stacked[which], x, y, step * 1000 * 2.5)), shown, pointer);
  const when = at < 0 ? "no data yet" : cursor === null ? "now" : clock(times[at]);
  return h("figure", { class: "panel chart", id, "data-key": id },
    h("figcaption", null, h("h2", null, title), h("span", { class: "note" }, when)),
    drawing, legend(series, at, format), minutes(title, times, series, format));
}

function moveCursor(time) {
  if (time === cursor) return;
  if (frame === null) frame = requestAnimationFrame(() => { frame = null; redraw(); });
  cursor = time;
}

/** Lets pointer and arrow keys move the cursor of all charts. `draw` draws them. */
export function listenForCursor(root, draw) {
  redraw = draw;
  const plotOf = (event) => event.target.closest?.("[data-chart]");
  root.addEventListener("pointermove", (event) => {
    const plot = plotOf(event);
    if (!plot) return moveCursor(null);
    const box = plot.getBoundingClientRect();
    const [start, end] = [Number(plot.dataset.start), Number(plot.dataset.end)];
    const inner = box.width - MARGIN.left - MARGIN.right;
    const share = Math.min(Math.max((event.clientX - box.left - MARGIN.left) / inner, 0), 1);
    return moveCursor(start + share * (end - start));
  });
  root.addEventListener("pointerleave", () => moveCursor(null));
  root.addEventListener("focusout", (event) => plotOf(event) && moveCursor(null));
  root.addEventListener("keydown", (event) => {
    const plot = plotOf(event);
    const direction = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!plot || !direction) return;
    event.preventDefault();
    const step = Number(plot.dataset.step) * 1000 * (event.shiftKey ? 12 : 1);
    const [start, end] = [Number(plot.dataset.start), Number(plot.dataset.end)];
    moveCursor(Math.min(Math.max((cursor ?? end) + direction * step, start), end));
  });
}

/**
 * Returns a bar of parts [{value, style, name}] against a maximum. Without a maximum the bar is full. `label` is its text
 * for readers who do not see it.
 */
export function bar(parts, max, label) {
  const total = parts.reduce((sum, { value }) => sum + value, 0);
  const whole = Math.max(max ?? total, total, Number.MIN_VALUE);
  let at = 0;
  const drawn = parts.filter(({ value }) => value > 0).map(({ value, style, name }) => {
    const part = s("rect", {
      class: `part ${style}`, x: `${((at / whole) * 100).toFixed(2)}%`, y: 0, height: "100%",
      width: `${Math.max((value / whole) * 100, 0.6).toFixed(2)}%`,
    }, s("title", null, `${name}: ${exact(value)}`));
    at += value;
    return part;
  });
  return s("svg", { class: "bar", role: "img", "aria-label": label }, s("rect", { class: "track", width: "100%", height: "100%" }), drawn);
}

/** Returns a line without axes of the last values. */
export function spark(values, label) {
  const known = (values ?? []).map((value) => value ?? 0);
  if (known.length < 2) return h("span", { class: "spark" });
  const max = Math.max(...known, 1e-9);
  const points = known.map((value, at) => [79 - ((known.length - 1 - at) / 59) * 78, 17 - (value / max) * 15]);
  return s("svg", { class: "spark", role: "img", "aria-label": label, viewBox: "0 0 80 18", width: 80, height: 18 },
    s("polyline", { class: "line one", points: join(points) }));
}
