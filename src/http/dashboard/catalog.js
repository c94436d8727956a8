// The catalog: files of the brokers, their differences and rejections, and the jobs that ingest them.

import { bar } from "./charts.js";
import { h, table } from "./dom.js";
import { count, UNKNOWN, words } from "./format.js";
import { state } from "./state.js";
import { badge, button, facts, figure, panel, since, time } from "./widgets.js";

function difference(diff) {
  if (diff === null) return UNKNOWN;
  const kinds = Object.entries(diff).filter(([, value]) => value > 0).sort((a, b) => b[1] - a[1]);
  if (kinds.length === 0) return "no change";
  return h("ul", { class: "chips" }, kinds.map(([kind, value]) => h("li", null, `${words(kind)} `, h("b", null, figure(value)))));
}

function brokerRow(broker, now) {
  const age = broker.age_days === 0 ? "today" : `${count(broker.age_days, "day")} old`;
  return {
    key: broker.broker_id,
    kind: broker.refusal ? "attention" : null,
    cells: [
      h("code", null, broker.broker_id),
      [broker.file_date ?? UNKNOWN, broker.age_days === null ? null : h("span", { class: "under" }, age)],
      [broker.version ?? UNKNOWN, broker.loaded_at ? h("span", { class: "under" }, since(broker.loaded_at, now)) : null],
      figure(broker.active_tokens),
      difference(broker.last_diff),
      button("Ingest", "ingest", { broker: broker.broker_id }, `Ingest a file of ${broker.broker_id}`),
    ],
  };
}

function refusals(brokers) {
  return brokers.filter(({ refusal }) => refusal).map(({ broker_id: broker, refusal }) =>
    h("article", { class: "card open", "data-key": broker },
      h("h3", null, badge("failed", "rejected"), " ", h("code", null, broker), " ", h("span", { class: "long" }, refusal.source)),
      h("p", { class: "note" }, time(refusal.refused_at), ". The last accepted file stays in service."),
      h("ul", { class: "plain" }, refusal.faults.map((fault) => h("li", null, fault))),
      h("p", { class: "actions" },
        button("Ingest", "ingest", { broker }, `Ingest another file of ${broker}`),
        button("Dismiss", "dismiss", { broker }, `Dismiss the rejected files of ${broker}`))));
}

/** Returns the errors of a job: a list of texts, or their number. */
function faultsOf({ errors }) {
  if (!Array.isArray(errors)) return errors ? figure(errors) : "";
  return errors.length ? h("ul", { class: "plain" }, errors.map((text) => h("li", null, text))) : "";
}

function jobRow(job, now) {
  const progress = job.progress ?? 0;
  const style = job.status === "failed" ? "bad" : job.status === "completed" ? "two" : "one";
  return {
    key: job.job_id,
    kind: job.status === "failed" ? "attention" : null,
    cells: [
      h("code", { title: job.job_id }, `…${job.job_id.slice(-8)}`),
      h("code", null, job.broker_id),
      words(job.mode),
      badge(job.status),
      [bar([{ value: progress, style, name: "progress" }], 100, `progress ${progress} %`), h("span", { class: "under" }, `${progress} %`)],
      figure(job.processed_instruments),
      since(job.created_at, now),
      faultsOf(job),
    ],
  };
}

export function catalogView(status) {
  const { catalog, jobs, timestamp } = status;
  const filter = state.filter.trim().toLowerCase();
  const brokers = catalog.brokers.filter(({ broker_id: id }) => id.includes(filter));
  const brokerColumns = ["broker", "file date", "version", { title: "active tokens", number: true }, "last difference", "action"];
  const jobColumns = ["job", "broker", "mode", "status", "progress", { title: "instruments", number: true }, "created", "errors"];
  const rejected = refusals(brokers);
  return [
    h("h1", { "data-key": "title" }, "Catalog"),
    h("section", { class: "panel", "data-key": "summary", "aria-label": "Catalog in service" },
      facts([
        ["version", [catalog.version ?? UNKNOWN, " ", catalog.is_demonstration ? badge("demonstration") : null]],
        ["instruments", figure(catalog.instruments)],
        ["published", catalog.published_at ? since(catalog.published_at, timestamp) : UNKNOWN],
      ]),
      catalog.is_demonstration ? h("p", { class: "remedy" }, h("b", null, "Do: "), "ingest a broker's file. The demonstration catalog has no tokens.") : null),
    h("p", { class: "filter", "data-key": "filter" }, h("label", { for: "filter" }, "Filter brokers and jobs"), " ", h("input", { id: "filter", type: "search", "data-search": true, autocomplete: "off" })),
    rejected.length ? panel("refusals", "Rejected files", h("div", { class: "cards wide" }, rejected)) : null,
    panel("brokers", "Files of brokers", table("Last accepted file of each broker", brokerColumns, brokers.map((broker) => brokerRow(broker, timestamp)), { empty: "No broker matches.", hideCaption: true })),
    panel("jobs", "Jobs", table("Last jobs, newest first", jobColumns, jobs.filter((job) => job.broker_id.includes(filter)).map((job) => jobRow(job, timestamp)), { empty: "No job yet. Ingest a file to start one." })),
  ];
}
