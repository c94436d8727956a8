// A plan: its connections against their limits, and every instrument that was lowered, replaced or left out.

import { call } from "./api.js";
import { bar } from "./charts.js";
import { h, render, table } from "./dom.js";
import { bytes, count, duration, exact, number, UNKNOWN, words } from "./format.js";
import { announce, badge, button, facts, panel, problemBox, showInDialog, time } from "./widgets.js";

const ROWS_FIRST = 12;
const ROWS_MAX = 200;
const MODE_STYLES = { ltp: "one", quote: "two", full: "three", greeks: "four", depth20: "five", depth30: "five", depth50: "six", depth200: "six" };
const MODE_ORDER = Object.keys(MODE_STYLES);
const styleOf = (mode) => MODE_STYLES[mode] ?? "plain";

/** Returns the parts of a bar for the modes of a connection. */
function modeParts(modes) {
  const entries = Object.entries(modes).sort(([a], [b]) => MODE_ORDER.indexOf(a) - MODE_ORDER.indexOf(b));
  return entries.map(([mode, value]) => ({ value, style: styleOf(mode), name: mode }));
}

/** Returns the limit on the instruments of a connection, if one is known. */
function connectionLimit(limits, connection) {
  const own = limits.filter(({ scope }) => scope === `connection ${connection}`);
  return own.find(({ limit }) => limit === "instruments_per_connection") ?? own.find(({ limit }) => limit.endsWith("instruments_per_connection"));
}

function connectionRow(connection, limits) {
  const limit = connectionLimit(limits, connection.connection);
  const parts = modeParts(connection.modes);
  const text = parts.map(({ name, value }) => `${exact(value)} ${name}`).join(", ");
  const against = limit ? `${exact(connection.instruments)} of ${exact(limit.allowed)}` : `${exact(connection.instruments)}, no limit known`;
  return h("li", { class: "connection", "data-connection": connection.connection },
    h("p", null,
      h("b", null, `Connection ${connection.connection}`), " ",
      h("span", { class: "against" }, against), " ", limit?.binding ? badge("warning", "limit reached") : null),
    bar(parts, limit?.allowed ?? null, `Connection ${connection.connection}: ${against} instruments. ${text}.`),
    h("p", { class: "note" }, `${text} · ${number(connection.messages_per_second)} messages / s · ${bytes(connection.bytes_per_second)} / s`));
}

function connections({ connections: all, limits }) {
  const groups = new Map();
  for (const connection of all) {
    const name = `Account ${connection.account}, endpoint ${connection.endpoint}`;
    groups.set(name, [...(groups.get(name) ?? []), connection]);
  }
  const modes = [...new Set(all.flatMap((connection) => Object.keys(connection.modes)))];
  const legend = h("ul", { class: "legend" }, modes.sort((a, b) => MODE_ORDER.indexOf(a) - MODE_ORDER.indexOf(b)).map((mode) =>
    h("li", null, h("span", { class: `swatch ${styleOf(mode)}`, "aria-hidden": "true" }), ` ${mode}`)));
  return panel("connections", `Connections (${exact(all.length)})`, legend,
    [...groups].map(([name, members]) => [h("h3", null, name), h("ol", { class: "connections" }, members.map((connection) => connectionRow(connection, limits)))]));
}

function sourceOf({ source, seen }) {
  const text = /^https?:/.test(source) ? h("a", { href: source, rel: "noreferrer noopener", target: "_blank", class: "long" }, source.replace(/^https?:\/\//, "")) : source;
  return [text, seen ? h("span", { class: "under" }, `checked on ${seen}`) : null];
}

function limitsPanel({ limits, needed }) {
  const rank = ({ binding, used, allowed }) => (binding ? 2 : allowed ? used / allowed : 0);
  const rows = [...limits].sort((a, b) => rank(b) - rank(a)).map((limit) => ({
    key: `${limit.limit} ${limit.scope}`,
    kind: limit.binding ? "attention" : null,
    cells: [
      [h("code", null, limit.limit), h("span", { class: "under" }, limit.scope)],
      [bar([{ value: limit.used, style: limit.binding ? "bad" : "one", name: "used" }], limit.allowed, `${exact(limit.used)} of ${exact(limit.allowed)}`),
        h("span", { class: "under" }, `${exact(limit.used)} of ${exact(limit.allowed)}`)],
      limit.binding ? badge("warning", "nothing left") : `${exact(limit.allowed - limit.used)} left`,
      sourceOf(limit),
    ],
  }));
  return panel("limits", "Limits",
    needed ? h("p", { class: "remedy", id: "needed" }, h("b", null, "Needed: "), needed.text) : null,
    table("Limits of the broker and the settings, and their use", ["limit", "use", "left", "source"], rows, { hideCaption: true }));
}

/** Returns a list of rows with a filter. At first it shows 12, and at most 200. */
function longList(id, caption, columns, entries, textOf, cellsOf) {
  const holder = h("div", null);
  const field = h("input", { type: "search", id: `${id}-filter`, autocomplete: "off" });
  const more = h("button", { type: "button" });
  let max = ROWS_FIRST;
  const show = () => {
    const filter = field.value.trim().toLowerCase();
    const found = entries.filter((entry) => textOf(entry).toLowerCase().includes(filter));
    const rows = found.slice(0, max).map((entry, at) => ({ key: String(at), cells: cellsOf(entry) }));
    const rest = found.length > rows.length ? h("p", { class: "note" }, `${exact(rows.length)} of ${exact(found.length)} are shown.`) : null;
    render(holder, table(caption, columns, rows, { empty: "Nothing matches the filter.", hideCaption: true }), rest);
    more.hidden = max === ROWS_MAX || found.length <= max;
    more.textContent = `Show ${exact(Math.min(found.length, ROWS_MAX))}`;
  };
  field.addEventListener("input", show);
  more.addEventListener("click", () => {
    max = ROWS_MAX;
    show();
    holder.firstElementChild.focus();
  });
  show();
  const filter = entries.length > ROWS_FIRST ? h("p", { class: "filter" }, h("label", { for: field.id }, "Filter"), " ", field) : null;
  return [filter, holder, more];
}

function explainButton(plan, instrument) {
  return plan.plan_id ? button("Explain", "explain", { instrument }, `Explain ${instrument}`) : "";
}

function leftOut(plan) {
  const { rejected } = plan;
  if (rejected.length === 0) return panel("left-out", "Left out", h("p", { class: "empty" }, "Nothing was left out."));
  const reasons = new Map();
  for (const { reason } of rejected) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const sorted = [...reasons].sort((a, b) => b[1] - a[1]);
  const chart = h("ul", { class: "distribution" }, sorted.map(([reason, value]) =>
    h("li", null, h("span", null, words(reason)), bar([{ value, style: "three", name: words(reason) }], sorted[0][1], `${words(reason)}: ${exact(value)}`), h("b", null, exact(value)))));
  return panel("left-out", `Left out (${exact(rejected.length)})`, chart,
    longList("rejected", "Instruments that were left out", ["instrument", "reason", "detail", "suggestions", "why"], rejected,
      ({ instrument, reason, detail }) => `${instrument} ${reason} ${detail}`,
      (entry) => [
        h("code", { class: "long" }, entry.instrument), words(entry.reason),
        [entry.detail, entry.limit ? h("span", { class: "under" }, "limit ", h("code", null, entry.limit)) : null],
        entry.suggestions.length ? h("ul", { class: "plain" }, entry.suggestions.map((key) => h("li", null, h("code", null, key)))) : "",
        explainButton(plan, entry.instrument),
      ]));
}

function changedModes(plan, id, title, caption, entries) {
  if (entries.length === 0) return null;
  const hasLimit = entries.some(({ limit }) => limit);
  return panel(id, `${title} (${exact(entries.length)})`,
    longList(id, caption, ["instrument", "from", "to", ...(hasLimit ? ["because of the limit"] : []), "why"], entries,
      ({ instrument, from, to }) => `${instrument} ${from} ${to}`,
      (entry) => [h("code", null, entry.instrument), entry.from, entry.to, ...(hasLimit ? [h("code", null, entry.limit ?? "")] : []), explainButton(plan, entry.instrument)]));
}

function instruments(plan) {
  const keys = plan.instruments;
  if (keys.length === 0) return panel("instruments", "Instruments", h("p", { class: "empty" }, "The plan holds no instrument."));
  return panel("instruments", `Instruments (${exact(keys.length)})`,
    h("details", { open: keys.length <= 20 }, h("summary", null, "Show the instruments"),
      longList("kept", "Instruments of the plan", ["instrument", "why"], keys, (key) => key, (key) => [h("code", null, key), explainButton(plan, key)])));
}

function head(plan) {
  const { allocation } = plan;
  const ready = allocation?.time_to_ready_ms ?? null;
  const complete = allocation?.time_to_complete_ms ?? null;
  const assumed = allocation?.assumed ?? [];
  return h("section", { class: "panel", "aria-label": "Summary of the plan" },
    facts([
      ["status", badge(plan.plan_id ? plan.status : "dry_run")],
      ["user", h("span", { class: "long" }, plan.user_id)],
      ["type", words(plan.subscription_type)],
      allocation ? ["broker", `${allocation.broker}, tier ${allocation.tier}`] : ["broker", "none"],
      ["kept", exact(plan.instruments.length)],
      ["lowered", allocation ? exact(allocation.lowered.length) : UNKNOWN],
      ["left out", exact(plan.rejected.length)],
      ["cost", `${exact(plan.estimated_cost)} USD / day`],
      ready === null ? null : ["time to ready", duration(ready)],
      allocation?.requests ? ["requests", `${exact(allocation.requests)}, ${duration(complete)}`] : null,
      plan.plan_id ? ["created", time(plan.created_at)] : null,
      plan.plan_id ? ["reused until", time(plan.expires_at)] : null,
    ]),
    plan.metadata.warnings?.length ? [h("h2", null, "Warnings"), h("ul", { class: "plain" }, plan.metadata.warnings.map((text) => h("li", null, text)))] : null,
    assumed.length ? h("p", { class: "note" }, "Figures that rest on assumptions: ", assumed.join(", "), ".") : null);
}

/** Returns all parts of a plan, stored or of a dry run. `extra` follows the instruments that were left out. */
export function planParts(plan, extra = null) {
  const { allocation } = plan;
  return [
    head(plan),
    allocation?.connections.length ? connections(allocation) : null,
    allocation ? limitsPanel(allocation) : null,
    allocation ? changedModes(plan, "lowered", "Lowered modes", "Instruments whose mode a limit lowered", allocation.lowered) : null,
    allocation ? changedModes(plan, "substituted", "Replaced modes", "Instruments whose mode the broker does not offer", allocation.substituted) : null,
    leftOut(plan),
    extra,
    instruments(plan),
  ];
}

function explanation(answer) {
  const { limit, would_displace: displaced, mode } = answer;
  return h("div", { class: "explanation" },
    h("p", null, badge(answer.decision), " ", h("code", { class: "long" }, answer.instrument), ` ${answer.detail}`),
    facts([
      answer.reason ? ["reason", words(answer.reason)] : null,
      limit ? ["limit", `${limit.limit} (${limit.scope}): ${exact(limit.used)} of ${exact(limit.allowed)}`] : null,
      mode?.requested ? ["mode", `requested ${mode.requested}${mode.substitute ? `, replaced by ${mode.substitute}` : ""}${mode.planned ? `, planned ${mode.planned}` : ""}`] : null,
      answer.broker_token ? ["token", h("code", null, answer.broker_token)] : null,
      displaced ? ["would displace", displaced.lowered_to ? `${displaced.instrument}, lowered to ${displaced.lowered_to}` : displaced.instrument] : null,
      answer.represented_by ? ["represented by", h("code", null, answer.represented_by)] : null,
      answer.priority !== undefined ? ["priority", `${answer.priority}${answer.pinned ? ", pinned" : ""}`] : null,
      ["catalog", catalogChange(answer.catalogue)],
      ["basis", words(answer.basis)],
    ]),
    answer.alternatives?.length ? [h("h3", null, "Alternatives"), h("ul", { class: "plain" }, answer.alternatives.map((entry) => h("li", null, alternative(entry))))] : null);
}

function catalogChange({ has_changed: hasChanged, differences }) {
  if (!hasChanged) return "has not changed";
  return differences.length ? `has changed: ${differences.map(words).join(", ")}` : "has changed, but not this instrument";
}

function alternative({ instrument, mode, broker, detail }) {
  const request = [instrument, mode, broker && `at ${broker}`].filter(Boolean).join(" ");
  return [h("code", null, request), ` ${detail}`];
}

/** Returns the explanation of a key, or the problem. */
async function explain(id, instrument) {
  try {
    return explanation(await call(`/subscriptions/plans/${encodeURIComponent(id)}/explain`, { query: { instrument } }));
  } catch (problem) {
    return problemBox(problem);
  }
}

function explainPanel(id) {
  const field = h("input", { id: "explained", type: "text", required: true, "data-search": true, autocomplete: "off", spellcheck: "false", maxlength: 100 });
  const result = h("div", { id: "explanation", role: "status" });
  const form = h("form", { class: "row" }, h("label", { for: "explained" }, "Instrument key"), field, h("button", { type: "submit", class: "primary" }, "Explain"));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    render(result, await explain(id, field.value.trim()));
  });
  return panel("explain", "Explain a key", h("p", { class: "note" }, "Why a key of the request is in the plan, or why it is not."), form, result);
}

/** Shows the plan with this id in `view`. */
export async function showPlan(view, id, isCurrent) {
  render(view, h("h1", null, "Plan"), h("p", { class: "note" }, "Loading…"));
  let plan;
  try {
    ({ plan } = await call(`/subscriptions/plans/${encodeURIComponent(id)}`));
  } catch (problem) {
    if (isCurrent()) render(view, h("h1", null, "Plan"), problemBox(problem), h("p", null, h("a", { href: "#/plans" }, "Back to the plans")));
    return;
  }
  if (!isCurrent()) return;
  const body = h("div", { class: "plan" },
    h("h1", null, h("span", { class: "long" }, plan.plan_name)),
    h("p", { class: "note" }, h("code", { class: "long" }, plan.plan_id), " · ", plan.description),
    planParts(plan, explainPanel(id)));
  body.addEventListener("click", async (event) => {
    const pressed = event.target.closest("[data-action=explain]");
    if (pressed) showInDialog("Explanation", await explain(id, pressed.dataset.instrument));
  });
  view.replaceChildren(body);
  announce(`${plan.plan_name}: ${count(plan.instruments.length, "instrument")} kept, ${exact(plan.rejected.length)} left out`);
}
