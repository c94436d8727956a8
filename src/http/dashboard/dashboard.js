// The page: key, stream, views and keyboard.

import { ACTIONS, showHelp } from "./actions.js";
import { forgetKey, hasKey, keepKey, useKey } from "./api.js";
import { catalogView } from "./catalog.js";
import { listenForCursor } from "./charts.js";
import { h, render } from "./dom.js";
import { duration } from "./format.js";
import { overview } from "./overview.js";
import { showPlan } from "./plan.js";
import { showPlans } from "./plans.js";
import { receive, reset, state } from "./state.js";
import { follow } from "./stream.js";
import { badge, closeDialog, problemBox, time } from "./widgets.js";

const element = (id) => document.getElementById(id);
let stream = null;
let route = parseRoute();
let nextAttempt = null;

function parseRoute() {
  const [, name = "", id] = location.hash.split("/");
  if (name === "plans") return id ? { view: "plan", id: decodeURIComponent(id) } : { view: "plans" };
  return { view: name === "catalog" ? "catalog" : "overview" };
}

const VIEWS = { overview, catalog: catalogView };
const TITLES = { overview: "Overview", catalog: "Catalog", plans: "Plans", plan: "Plan" };

/** Names the view in the title. A sign in front shows in other tabs that the service is not well. */
function drawTitle() {
  const status = state.contact === "lost" ? "lost" : state.status?.health.status;
  const sign = { degraded: "▲ ", not_ready: "✕ ", lost: "✕ " }[status] ?? "";
  document.title = `${sign}${TITLES[route.view]} – Instrument Registry`;
}

/** Draws the view if it shows the status. Plans do not follow the stream. */
function draw() {
  const view = VIEWS[route?.view];
  if (!view || !stream) return;
  if (state.status) render(element("view"), view(state.status));
  else render(element("view"), h("h1", null, TITLES[route.view]), h("p", { class: "note" }, "Waiting for the first status…"));
}

function enter() {
  route = parseRoute();
  state.filter = "";
  const entered = route;
  drawTitle();
  for (const link of element("nav").children) {
    const isHere = link.dataset.view === route.view || (route.view === "plan" && link.dataset.view === "plans");
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!stream) return;
  element("view").toggleAttribute("data-live", route.view in VIEWS);
  element("view").replaceChildren();
  const isCurrent = () => route === entered;
  if (route.view === "plans") showPlans(element("view"), isCurrent);
  else if (route.view === "plan") showPlan(element("view"), route.id, isCurrent);
  else draw();
}

function drawContact() {
  const { contact, lastContact, reason } = state;
  document.body.dataset.contact = contact;
  drawTitle();
  const at = lastContact === null ? null : new Date(lastContact).toISOString();
  const texts = {
    none: stream ? ["connecting…"] : [],
    live: [badge("ok", "live"), " ", time(at)],
    draining: [badge("warning", "draining"), " ", time(at)],
    lost: [badge("failed", "no contact")],
  };
  render(element("contact"), texts[contact]);
  const box = element("lost");
  const isLost = contact === "lost" || contact === "draining";
  box.hidden = !isLost;
  if (!isLost) return box.replaceChildren();
  const seconds = nextAttempt === null ? null : Math.max(Math.ceil((nextAttempt - Date.now()) / 1000), 0);
  const text = contact === "draining"
    ? ["The process is shutting down. This page connects again when the service is back."]
    : [at ? ["No contact since ", time(at), ": "] : "No contact: ", `${reason}. The figures below are old. `];
  // The countdown is not read aloud each second.
  const rest = seconds === null ? null : h("span", { "aria-hidden": "true" }, seconds === 0 ? "Connecting…" : `Next attempt in ${duration(seconds * 1000)}.`);
  return render(box, h("p", null, text, rest), contact === "lost" ? h("button", { type: "button", "data-action": "retry" }, "Connect now") : null);
}

function connect() {
  let isVerified = false;
  element("key-view").hidden = true;
  element("view").hidden = false;
  element("nav").hidden = false;
  element("forget").hidden = false;
  stream = follow({
    status(status, isFirst) {
      if (!isVerified) keepKey();
      isVerified = true;
      nextAttempt = null;
      receive(status, isFirst);
      drawContact();
      draw();
    },
    draining() {
      state.contact = "draining";
      drawContact();
    },
    lost(reason, delay) {
      nextAttempt = Date.now() + delay;
      state.contact = "lost";
      state.reason = reason;
      drawContact();
    },
  });
  drawContact();
  enter();
}

/** Leads back to the form, with the problem of the last key if there was one. */
function askForKey(problem = null) {
  stream?.stop();
  stream = null;
  forgetKey();
  reset();
  closeDialog();
  element("view").replaceChildren();
  element("view").hidden = true;
  element("nav").hidden = true;
  element("forget").hidden = true;
  element("key-view").hidden = false;
  render(element("key-error"), problem ? problemBox(problem) : null);
  drawContact();
  const field = element("key");
  field.value = "";
  field.setAttribute("aria-invalid", String(problem !== null));
  field.focus();
}

element("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(element("key").value.trim());
  element("key").value = "";
  connect();
  element("main").focus();
});

document.addEventListener("unauthorized", ({ detail }) => stream && askForKey(detail));

document.addEventListener("click", (event) => {
  const pressed = event.target.closest("[data-action]");
  if (!pressed) return;
  const { action } = pressed.dataset;
  if (action === "skip") {
    event.preventDefault();
    element("main").focus();
  }
  if (action === "forget") askForKey();
  if (action === "retry") stream?.retry();
  ACTIONS[action]?.(pressed.dataset);
});

document.addEventListener("input", ({ target }) => {
  if (target.id !== "filter") return;
  state.filter = target.value;
  draw();
});

const KEYS = {
  "/": () => (stream ? element("view").querySelector("[data-search]") : element("key"))?.focus(),
  "?": showHelp,
  1: () => { location.hash = "#/"; },
  2: () => { location.hash = "#/plans"; },
  3: () => { location.hash = "#/catalog"; },
};

document.addEventListener("keydown", (event) => {
  const isField = event.target.matches("input, textarea, select");
  if (event.key === "Escape" && isField && !element("dialog").open) event.target.blur();
  if (isField || event.ctrlKey || event.metaKey || event.altKey || element("dialog").open || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});

window.addEventListener("hashchange", () => {
  closeDialog();
  enter();
  if (stream) element("main").focus();
  window.scrollTo(0, 0);
});
window.addEventListener("resize", () => draw());
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && stream?.retry());
setInterval(() => state.contact === "lost" && drawContact(), 1000);
listenForCursor(element("view"), draw);

if (hasKey()) {
  connect();
} else {
  askForKey();
  enter();
}
