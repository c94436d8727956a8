// The supervision tree, circuit breakers and lanes of the database.

import { bar, spark } from "./charts.js";
import { h, table } from "./dom.js";
import { count, duration, exact, number, percent, UNKNOWN, words } from "./format.js";
import { state } from "./state.js";
import { badge, button, facts, figure, panel, since } from "./widgets.js";

/** Returns the actors in the order of their tree, each with its depth. An actor with an unknown parent is at the root. */
function tree(actors) {
  const names = new Set(actors.map(({ name }) => name));
  const seen = new Set();
  const rows = [];
  const add = (actor, depth) => {
    if (seen.has(actor.name)) return;
    seen.add(actor.name);
    rows.push({ actor, depth });
    for (const child of actors) if (child.parent === actor.name) add(child, depth + 1);
  };
  for (const actor of actors) if (!names.has(actor.parent) || actor.parent === actor.name) add(actor, 0);
  for (const actor of actors) add(actor, 0);
  return rows;
}

function usage(actor) {
  if (actor.permits === null) return exact(actor.in_flight);
  const label = `${exact(actor.in_flight)} of ${exact(actor.permits)} permits`;
  const style = actor.in_flight >= actor.permits ? "three" : "one";
  return [bar([{ value: actor.in_flight ?? 0, style, name: "in flight" }], actor.permits, label), h("span", { class: "under" }, `${number(actor.in_flight)} / ${number(actor.permits)}`)];
}

function actorRow({ actor, depth }) {
  const { name, detail } = actor;
  const label = h("span", { class: `branch depth-${Math.min(depth, 4)}` }, h("code", null, name));
  return {
    key: name,
    kind: actor.state === "running" ? null : "attention",
    cells: [
      [label, detail ? h("span", { class: "under" }, detail) : null],
      badge(actor.state),
      [figure(actor.waiting), " ", spark(state.samples.get(`waiting ${name}`), `${name}: waiting messages of the last two minutes`)],
      usage(actor),
      duration(actor.response_time_ms),
      duration(actor.wait_p99_ms),
      duration(actor.handle_p99_ms),
      [number(actor.handled_per_second), " ", spark(state.samples.get(`rate ${name}`), `${name}: handled messages of the last two minutes`)],
      figure(actor.restarts),
    ],
  };
}

export function actorsPanel(status) {
  const filter = state.filter.trim().toLowerCase();
  const known = tree(status.actors);
  const actors = known.some(({ actor }) => actor.name === "supervisor") ? known : known.map(({ actor, depth }) => ({ actor, depth: depth + 1 }));
  const rows = actors.filter(({ actor }) => actor.name.toLowerCase().includes(filter)).map(actorRow);
  if (actors !== known && !filter) rows.unshift({ key: "supervisor", cells: [h("code", null, "supervisor"), ...Array(8).fill("")] });
  const columns = [
    "actor", "state",
    { title: "waiting", number: true, hint: "messages in the mailbox" },
    { title: "in flight", number: true, hint: "calls in progress of the permits" },
    { title: "response", number: true, hint: "time of the last health check" },
    { title: "wait p99", number: true, hint: "time in the mailbox" },
    { title: "handle p99", number: true, hint: "time in the handler" },
    { title: "handled / s", number: true },
    { title: "restarts", number: true },
  ];
  const unwell = status.actors.filter((actor) => actor.state !== "running").length;
  const caption = `${count(status.actors.length, "actor")}, ${unwell ? `${unwell} not running normally` : "all running"}, ${count(status.actors.reduce((sum, { restarts }) => sum + (restarts ?? 0), 0), "restart")}`;
  return panel("actors", "Supervision tree", table(caption, columns, rows, { empty: "No actor matches the filter." }));
}

const BREAKER_NOTES = {
  closed: "Calls pass.",
  open: "Calls are rejected at once.",
  half_open: "One probe is in progress.",
};

function breakerCard(breaker, now) {
  const { dependency, forced } = breaker;
  const ratio = (value, name) => [name, [h("span", null, percent(value)), bar([{ value: value ?? 0, style: value >= 0.5 ? "bad" : "four", name }], 1, `${dependency}: ${name} ${percent(value)}`)]];
  const next = breaker.state === "closed" || breaker.next_trial_ms === null ? UNKNOWN : `in ${duration(breaker.next_trial_ms)}`;
  const actions = [["force_open", "Force open"], ["force_closed", "Force closed"], ["reset", "Reset"]];
  return h("article", { class: `card ${breaker.state}`, "data-key": dependency, "data-breaker": dependency },
    h("h3", null, words(dependency), " ", badge(breaker.state), forced ? badge("warning", `forced ${forced}`) : null),
    h("p", { class: "note" }, breaker.detail ?? BREAKER_NOTES[breaker.state] ?? ""),
    facts([
      ratio(breaker.failure_ratio, "failures"),
      ratio(breaker.slow_ratio, "slow calls"),
      ["calls in window", figure(breaker.calls_in_window)],
      ["opened", since(breaker.opened_at, now)],
      ["next trial", next],
    ]),
    h("p", { class: "actions" }, actions.map(([action, text]) => button(text, "breaker", { dependency, does: action }, `${text}: breaker of ${words(dependency)}`))));
}

export function breakersPanel(status) {
  const cards = status.breakers.map((breaker) => breakerCard(breaker, status.timestamp));
  return panel("breakers", "Circuit breakers", cards.length ? h("div", { class: "cards" }, cards) : h("p", { class: "empty" }, "No dependency is configured."));
}

export function lanesPanel(status) {
  const rows = status.lanes.map((lane) => {
    const isLate = lane.oldest_wait_ms > lane.oldest_wait_ms_max;
    return {
      key: lane.lane,
      kind: isLate ? "attention" : null,
      cells: [
        h("code", null, lane.lane),
        figure(lane.waiting),
        usage(lane),
        [duration(lane.oldest_wait_ms), h("span", { class: "under" }, `at most ${duration(lane.oldest_wait_ms_max)}`)],
      ],
    };
  });
  const columns = ["lane", { title: "waiting", number: true }, { title: "in flight", number: true }, { title: "oldest wait", number: true }];
  return panel("lanes", "Lanes of the database", table("Calls of the database by lane", columns, rows, { empty: "The database has no lanes yet.", hideCaption: true }));
}
