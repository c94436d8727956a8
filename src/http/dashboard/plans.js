// Plans: a form that plans or tries out, and the list of a user's plans.

import { call } from "./api.js";
import { h, render, table } from "./dom.js";
import { exact, words } from "./format.js";
import { planParts } from "./plan.js";
import { badge, panel, problemBox, time } from "./widgets.js";

const MODES = ["", "ltp", "greeks", "quote", "full", "depth20", "depth30", "depth50", "depth200"];
const LIST_MAX = 50;

/** The user whose plans were listed last, so that the way back from a plan shows the list again. */
let listedUser = "";

function select(id, label, options) {
  const entries = options.map(([value, text]) => h("option", { value }, text));
  return h("p", { class: "field" }, h("label", { for: id }, label), h("select", { id, name: id }, entries));
}

function input(id, label, attributes = {}, note = null) {
  return h("p", { class: "field" }, h("label", { for: id }, label),
    h("input", { id, name: id, type: "text", autocomplete: "off", spellcheck: "false", "aria-describedby": note ? `${id}-note` : null, ...attributes }),
    note ? h("span", { class: "note", id: `${id}-note` }, note) : null);
}

/** Returns the words of a text, which are separated by white space before an exchange, commas or line breaks. */
export function keysOf(text) {
  return text.split(/[\n,]+|\s+(?=[A-Z0-9]+:)/).map((key) => key.trim()).filter(Boolean);
}

/** Returns the body of the request. Empty fields are absent. */
function bodyOf(form) {
  const value = (name) => form.elements[name].value.trim();
  const whole = (name) => (value(name) === "" ? undefined : Number(value(name)));
  const text = (name) => (value(name) === "" ? undefined : value(name));
  return {
    plan_name: value("plan_name"),
    subscription_type: value("subscription_type"),
    instruments: keysOf(value("instruments")),
    broker: text("broker"),
    mode: text("mode"),
    min_mode: text("min_mode"),
    optimization_level: text("optimization_level"),
    filtering_strictness: text("filtering_strictness"),
    max_instruments: whole("max_instruments"),
    connections: whole("connections"),
    accounts: whole("accounts"),
    dry_run: form.elements.dry_run.checked ? true : undefined,
  };
}

function planForm(brokers) {
  const modes = MODES.map((mode) => [mode, mode || "default"]);
  return h("form", { id: "plan-form" },
    h("div", { class: "fields" },
      input("user_id", "User", { required: true, maxlength: 64, value: "operator" }),
      input("plan_name", "Name", { required: true, maxlength: 255, value: "From the dashboard" }),
      select("subscription_type", "Type", ["live_feed", "historical", "alerts"].map((type) => [type, words(type)])),
      select("broker", "Broker", [["", "any"], ...brokers.map((broker) => [broker, broker])]),
      select("mode", "Mode", modes),
      select("min_mode", "Lowest mode", modes.map(([value, text]) => [value, value ? text : "none"])),
      select("optimization_level", "Level", ["", "low", "moderate", "aggressive"].map((level) => [level, level || "setting"])),
      select("filtering_strictness", "Strictness", ["", "lenient", "moderate", "strict"].map((level) => [level, level || "setting"])),
      input("max_instruments", "Maximum", { type: "number", min: 1 }),
      input("connections", "Connections", { type: "number", min: 1, max: 256 }),
      input("accounts", "Accounts", { type: "number", min: 1, max: 16 })),
    h("p", { class: "field" }, h("label", { for: "instruments" }, "Instrument keys"),
      h("textarea", { id: "instruments", name: "instruments", rows: 6, required: true, spellcheck: "false", autocomplete: "off", "aria-describedby": "instruments-note", placeholder: "NSE:TCS\nNSE:RELIANCE" }),
      h("span", { class: "note", id: "instruments-note" }, "The most important first, one on each line or separated by commas. At most 5,000.")),
    h("p", { class: "check" }, h("input", { type: "checkbox", id: "dry_run", name: "dry_run", checked: true }), " ",
      h("label", { for: "dry_run" }, "Dry run: compute the plan and store nothing")),
    h("p", { class: "actions" }, h("button", { type: "submit", class: "primary" }, "Plan")),
    h("div", { id: "plan-result", "aria-live": "polite" }));
}

async function submit(form) {
  const result = form.querySelector("#plan-result");
  const pressed = form.querySelector("button[type=submit]");
  pressed.disabled = true;
  try {
    const answer = await call("/subscriptions/plan", { method: "POST", query: { user_id: form.elements.user_id.value.trim() }, body: bodyOf(form) });
    if (answer.status === "dry_run") {
      result.replaceChildren(h("h2", null, "Result of the dry run"), ...planParts({ ...answer.plan_data, plan_id: null }).filter(Boolean));
    } else {
      listedUser = answer.plan_data.user_id;
      location.hash = `#/plans/${answer.plan_id}`;
    }
  } catch (problem) {
    render(result, problemBox(problem));
  } finally {
    pressed.disabled = false;
  }
}

function planRows(plans) {
  return plans.map((plan) => ({
    key: plan.plan_id,
    cells: [
      h("a", { href: `#/plans/${plan.plan_id}`, class: "long" }, plan.plan_name),
      words(plan.subscription_type),
      badge(plan.status),
      `${exact(plan.estimated_cost)} USD`,
      time(plan.created_at),
      time(plan.expires_at),
    ],
  }));
}

async function list(user, holder) {
  try {
    const answer = await call("/subscriptions/plans", { query: { user_id: user, limit: LIST_MAX } });
    const { total, total_is_lower_bound: isMore } = answer.pagination;
    const caption = `Plans of ${user}: ${exact(total)}${isMore ? " or more" : ""}${total > LIST_MAX ? `, the last ${LIST_MAX} are shown` : ""}`;
    const columns = ["name", "type", "status", { title: "cost", number: true }, "created", "reused until"];
    render(holder, table(caption, columns, planRows(answer.plans), { empty: "This user has no plans." }));
    listedUser = user;
  } catch (problem) {
    render(holder, problemBox(problem));
  }
}

/** Shows the form and the list in `view`. */
export async function showPlans(view, isCurrent) {
  let brokers = [];
  try {
    const answer = await call("/brokers");
    brokers = answer.brokers.filter(({ supports }) => supports?.plans ?? true).map(({ broker_id: id }) => id);
  } catch (problem) {
    // The form works without the list: any broker.
    if (problem.status === 401) return;
  }
  if (!isCurrent()) return;
  const form = planForm(brokers);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(form);
  });
  const holder = h("div", { "aria-live": "polite" });
  const user = h("input", { id: "list-user", type: "search", required: true, maxlength: 64, "data-search": true, autocomplete: "off", value: listedUser });
  const search = h("form", { class: "row", id: "list-form" }, h("label", { for: "list-user" }, "User"), user, h("button", { type: "submit" }, "List plans"));
  search.addEventListener("submit", (event) => {
    event.preventDefault();
    list(user.value.trim(), holder);
  });
  view.replaceChildren(h("h1", null, "Plans"), panel("list", "Plans of a user", search, holder), panel("new", "Plan and explain", form));
  if (listedUser) await list(listedUser, holder);
}
