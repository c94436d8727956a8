// Actions of operators. Each is confirmed in a dialog, which then shows the result.

import { call } from "./api.js";
import { h } from "./dom.js";
import { count, duration, words } from "./format.js";
import { state } from "./state.js";
import { announce, badge, closeButton, openDialog, problemBox, showInDialog } from "./widgets.js";

function succeed(name, result, answer) {
  showInDialog(name, h("div", { id: "result" }, result),
    h("p", { class: "note" }, `${duration(answer.response_time_ms)} · correlation id `, h("code", { class: "long" }, answer.correlation_id)));
  announce(`${name}: done`);
}

/** Asks for confirmation, then runs `act` with the form, and shows what `resultOf` makes of its answer. */
function confirm({ name, effect, fields = [], confirmText, isDangerous = false, act, resultOf }) {
  const error = h("div", { role: "alert" });
  const proceed = h("button", { type: "submit", class: isDangerous ? "danger" : "primary" }, confirmText);
  const form = h("form", null, h("h2", { id: "dialog-title" }, name), h("p", null, effect), fields, error,
    h("p", { class: "note" }, "The log records this action with the name of the API key."),
    h("p", { class: "actions" }, closeButton("Cancel"), proceed));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    proceed.disabled = true;
    error.replaceChildren();
    try {
      const answer = await act(form);
      succeed(name, resultOf(answer), answer);
    } catch (problem) {
      error.replaceChildren(problemBox(problem));
      proceed.disabled = false;
    }
  });
  openDialog(form);
  (form.querySelector("input") ?? proceed).focus();
}

function refreshSettings() {
  confirm({
    name: "Refresh settings",
    effect: "Reads all settings from the config service now, instead of at the next interval.",
    confirmText: "Refresh",
    act: () => call("/admin/settings/refresh", { method: "POST" }),
    resultOf: ({ outcome, detail }) => h("p", null, badge(outcome), ` ${detail ?? ""}`),
  });
}

const BREAKER_EFFECTS = {
  force_open: "Every call to the dependency is rejected at once until the breaker is reset.",
  force_closed: "Every call passes, even if the dependency fails, until the breaker is reset.",
  reset: "The breaker closes, forgets its calls, and decides again without force.",
};

function changeBreaker({ dependency, does }) {
  confirm({
    name: `${words(does).replace(/^./, (letter) => letter.toUpperCase())}: ${words(dependency)}`,
    effect: BREAKER_EFFECTS[does],
    confirmText: words(does).replace(/^./, (letter) => letter.toUpperCase()),
    isDangerous: does !== "reset",
    act: () => call(`/admin/breakers/${encodeURIComponent(dependency)}`, { method: "POST", body: { action: does } }),
    resultOf: (breaker) => h("p", null, badge(breaker.state), breaker.forced ? ` forced ${breaker.forced}` : " not forced"),
  });
}

function changeLogLevel() {
  const levels = ["error", "warn", "info", "debug", "trace"];
  const field = h("input", { id: "level", name: "level", required: true, list: "levels", autocomplete: "off", spellcheck: "false", value: state.status?.process.log_level ?? "info" });
  confirm({
    name: "Change the log level",
    effect: "The level is in effect at once, and until the process ends.",
    fields: [
      h("p", { class: "field" }, h("label", { for: "level" }, "Level or filter, such as info,registry_actors=debug"), field,
        h("datalist", { id: "levels" }, levels.map((level) => h("option", { value: level })))),
    ],
    confirmText: "Change",
    act: (form) => call("/admin/log-level", { method: "PUT", body: { level: form.elements.level.value.trim() } }),
    resultOf: ({ level, previous }) => h("p", null, h("code", null, previous), " → ", h("code", null, level)),
  });
}

function ingest({ broker }) {
  const modes = ["full_catalog", "incremental"].map((mode) => h("option", { value: mode }, words(mode)));
  confirm({
    name: `Ingest a file of ${broker}`,
    effect: "The file replaces the last accepted one if it passes all checks.",
    fields: [
      h("p", { class: "field" }, h("label", { for: "source" }, "Source: a file or URL; empty for the configured one"),
        h("input", { id: "source", name: "source", autocomplete: "off", spellcheck: "false", maxlength: 2000 })),
      h("p", { class: "field" }, h("label", { for: "ingest-mode" }, "Mode"), h("select", { id: "ingest-mode", name: "mode" }, modes)),
      h("p", { class: "check" }, h("input", { type: "checkbox", id: "force", name: "force" }), " ", h("label", { for: "force" }, "Overrule the checks that compare with the last file")),
    ],
    confirmText: "Ingest",
    act: (form) => call(`/brokers/${encodeURIComponent(broker)}/ingest`, {
      method: "POST",
      query: { force: form.elements.force.checked ? "true" : "" },
      body: { mode: form.elements.mode.value, source: form.elements.source.value.trim() || null },
    }),
    resultOf: ({ job_id: job, status }) => h("p", null, badge(status), " ", h("code", { class: "long" }, job), ". The catalog view shows its progress."),
  });
}

function dismiss({ broker }) {
  confirm({
    name: `Dismiss the rejected files of ${broker}`,
    effect: "All rejections until now no longer degrade the service. The last accepted file stays in service; no file is ingested.",
    confirmText: "Dismiss",
    act: () => call(`/brokers/${encodeURIComponent(broker)}/rejections`, { method: "DELETE" }),
    resultOf: ({ dismissed }) => h("p", null, `${count(dismissed, "rejection")} dismissed`),
  });
}

const SHORTCUTS = [
  ["/", "focus the search field, or the key field"],
  ["1", "overview"],
  ["2", "plans"],
  ["3", "catalog"],
  ["← →", "move the cursor of a focused chart; with Shift by a minute"],
  ["Esc", "close a dialog, leave a field"],
  ["?", "this list"],
];

export function showHelp() {
  showInDialog("Keyboard shortcuts",
    h("dl", { class: "shortcuts" }, SHORTCUTS.map(([keys, text]) => [h("dt", null, h("kbd", null, keys)), h("dd", null, text)])));
}

/** The function of each `data-action`. It gets the data of the element. */
export const ACTIONS = {
  refresh: refreshSettings,
  breaker: changeBreaker,
  "log-level": changeLogLevel,
  ingest,
  dismiss,
  help: showHelp,
};
