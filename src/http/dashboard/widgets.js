// Small parts that several views share.

import { h } from "./dom.js";
import { clock, duration, exact, number, UNKNOWN } from "./format.js";

const KINDS = {
  good: ["ok", "running", "closed", "completed", "kept", "created", "cached", "optimized", "validated"],
  warn: ["degraded", "restarting", "half_open", "at_capacity", "queued", "draft", "cancelled", "partial", "warning", "dry_run", "demonstration"],
  bad: ["not_ready", "unresponsive", "open", "failed", "critical", "error", "left_out"],
};
const SIGNS = { good: "✓", warn: "▲", bad: "✕", plain: "•" };

/** Returns a state as a word with a sign, so that color is not its only mark. */
export function badge(word, text = word) {
  const kind = Object.keys(KINDS).find((name) => KINDS[name].includes(word)) ?? "plain";
  return h("span", { class: `badge ${kind}` }, h("span", { "aria-hidden": "true" }, SIGNS[kind]), ` ${String(text ?? UNKNOWN).replaceAll("_", " ")}`);
}

/** Returns a number in short, with all digits in its title. */
export function figure(value) {
  const text = number(value);
  return h("span", { title: text === exact(value) ? null : exact(value) }, text);
}

/** Returns a time in the local zone. Its title has the time in UTC. */
export function time(value, options) {
  if (!value) return UNKNOWN;
  return h("time", { datetime: value, title: `${value} (UTC)` }, clock(value, options));
}

/** Returns the time since, such as `3 min ago`. */
export function since(value, now) {
  if (!value) return UNKNOWN;
  const passed = Math.max(Date.parse(now) - Date.parse(value), 0);
  const step = passed < 600_000 ? 1000 : 60_000;
  const text = passed < 2000 ? "just now" : `${duration(Math.floor(passed / step) * step)} ago`;
  return h("time", { datetime: value, title: `${value} (UTC)` }, text);
}

export function panel(id, title, ...children) {
  return h("section", { class: "panel", id, "data-key": id, "aria-labelledby": `${id}-title` }, h("h2", { id: `${id}-title` }, title), children);
}

/** Returns a list of names and values. An entry is [name, value, title]; a missing entry is skipped. */
export function facts(entries) {
  return h("dl", { class: "facts" }, entries.filter(Boolean).map(([name, value, title]) =>
    h("div", { "data-key": name }, h("dt", null, name), h("dd", { title }, value))));
}

export function button(text, action, data = {}, label = null) {
  const attributes = Object.fromEntries(Object.entries(data).map(([name, value]) => [`data-${name}`, value]));
  return h("button", { type: "button", "data-action": action, "aria-label": label, ...attributes }, text);
}

/** Returns a problem of the service with all its errors. */
export function problemBox(problem) {
  const errors = (problem.errors ?? []).slice(0, 50).map(({ pointer, detail }) => h("li", null, h("code", null, pointer || "/"), ` ${detail}`));
  return h("div", { class: "problem" },
    h("p", null, badge("failed", problem.code ?? "error"), ` ${problem.message}`),
    errors.length ? h("ul", null, errors) : null,
    h("p", { class: "note" },
      problem.correlationId ? ["correlation id ", h("code", null, problem.correlationId)] : null,
      problem.page ? [" ", h("a", { href: problem.page, target: "_blank", rel: "noopener" }, "Explanation")] : null));
}

/** Returns an announcement for screen readers. */
export function announce(text) {
  document.getElementById("announcement").textContent = text;
}

const dialog = () => document.getElementById("dialog");

/** Returns a button that closes the dialog. */
export function closeButton(text) {
  const close = h("button", { type: "button" }, text);
  close.addEventListener("click", () => dialog().close());
  return close;
}

/** Opens the dialog with this content, or replaces its content. */
export function openDialog(...content) {
  dialog().replaceChildren(...content);
  if (!dialog().open) dialog().showModal();
}

/** Shows content that only has to be read. */
export function showInDialog(title, ...content) {
  const close = closeButton("Close");
  openDialog(h("h2", { id: "dialog-title" }, title), ...content, h("p", { class: "actions" }, close));
  close.focus();
}

export function closeDialog() {
  if (dialog().open) dialog().close();
}
