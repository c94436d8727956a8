// The overview: health, load, latency, actors, dependencies and settings.

import { actorsPanel, breakersPanel, lanesPanel } from "./actors.js";
import { bar, timeChart } from "./charts.js";
import { h, table } from "./dom.js";
import { bytes, duration, exact, number, percent, UNKNOWN, words } from "./format.js";
import { state } from "./state.js";
import { badge, button, facts, figure, panel, since } from "./widgets.js";

const HEALTH_SIGNS = { ok: "✓", degraded: "▲", not_ready: "✕" };

export function healthBanner({ health }) {
  const problems = health.problems.map(({ severity, subject, detail, remedy, runbook }, at) =>
    h("li", { "data-key": `${subject} ${at}` },
      h("p", null, badge(severity), " ", h("code", null, subject), ` ${detail}`),
      h("p", { class: "remedy" }, h("b", null, "Do: "), remedy, runbook ? [" ", h("a", { href: `/docs/runbook#${runbook.toLowerCase()}`, target: "_blank", rel: "noopener" }, "Runbook")] : null)));
  const isCritical = health.problems.some(({ severity }) => severity === "critical");
  return h("section", { class: `health ${health.status} ${isCritical ? "critical" : ""}`, id: "health", "aria-labelledby": "health-title", "data-key": "health" },
    h("h1", { id: "health-title" }, h("span", { "aria-hidden": "true" }, HEALTH_SIGNS[health.status] ?? "•"), " ", h("span", { id: "summary" }, health.summary)),
    problems.length ? h("ol", null, problems) : null);
}

function tile(id, name, value, note, kind = null) {
  return h("div", { class: `tile ${kind ?? ""}`, id, "data-key": id }, h("dt", null, name), h("dd", null, value), h("dd", { class: "note" }, note));
}

function tiles({ requests, process, plans }) {
  const minute = requests.last_minute;
  const active = Object.values(plans.active).reduce((sum, value) => sum + value, 0);
  const memory = process.memory_limit_bytes ? `of ${bytes(process.memory_limit_bytes)}` : "no limit known";
  return h("dl", { class: "tiles", "data-key": "tiles", "aria-label": "Last minute" },
    tile("tile-requests", "requests / s", number(minute.requests_per_second), "last minute"),
    tile("tile-errors", "server errors", percent(minute.server_error_ratio), `${number(minute.shed_per_second)} shed / s`, minute.server_error_ratio > 0.01 ? "bad" : null),
    tile("tile-p50", "p50", duration(minute.p50_ms), "last minute"),
    tile("tile-p95", "p95", duration(minute.p95_ms), "last minute"),
    tile("tile-p99", "p99", duration(minute.p99_ms), "last minute"),
    tile("tile-flight", "in flight", number(requests.in_flight), `of ${number(requests.permits)} permits`, requests.in_flight >= requests.permits ? "bad" : null),
    tile("tile-memory", "memory", bytes(process.resident_memory_bytes), memory, process.resident_memory_bytes > 0.85 * (process.memory_limit_bytes ?? Infinity) ? "bad" : null),
    tile("tile-cpu", "CPU", number(process.cpu_cores_used), "cores used"),
    tile("tile-plans", "active plans", number(active), "not expired"));
}

function charts(status) {
  const { points } = state;
  const { step_seconds: step, minutes } = status.history;
  const end = Date.parse(status.timestamp);
  const times = points.map(({ at }) => Date.parse(at));
  // While the history is short, it fills the chart.
  const start = Math.max(end - minutes * 60_000, Math.min(times[0] ?? end, end - 120_000));
  const rate = (pick) => points.map((point) => { const value = pick(point); return value === null ? null : value / step; });
  const common = { times, start, end, step, marks: [{ time: Date.parse(status.process.started_at), text: "start" }] };
  const line = (name, style, pick) => ({ name, style, kind: "line", values: points.map(pick) });
  const area = (name, style, pick) => ({ name, style, kind: "area", values: rate(pick) });
  return h("div", { class: "charts", "data-key": "charts" },
    timeChart({
      ...common, id: "chart-requests", title: "Requests / s", format: number,
      series: [
        area("successful", "one", (p) => Math.max(p.requests - p.client_errors - p.server_errors, 0)),
        area("client errors", "three", (p) => p.client_errors),
        area("server errors", "bad", (p) => p.server_errors),
        { ...area("shed", "five", (p) => p.shed), kind: "line" },
      ],
    }),
    timeChart({
      ...common, id: "chart-latency", title: "Latency", format: duration, isLog: true,
      tickText: (ms) => (ms < 1000 ? `${ms} ms` : `${ms / 1000} s`),
      series: [line("p50", "one", (p) => p.p50_ms), line("p95", "two", (p) => p.p95_ms), line("p99", "three", (p) => p.p99_ms)],
    }),
    timeChart({
      ...common, id: "chart-plans", title: "Plans / s", format: number,
      series: [area("created", "two", (p) => p.plans_created), area("from a cache", "four", (p) => p.plans_cached)],
    }));
}

function distribution(title, values) {
  const entries = Object.entries(values).sort((a, b) => b[1] - a[1]);
  const max = Math.max(...entries.map(([, value]) => value), 0);
  const rows = entries.map(([name, value]) => h("li", { "data-key": name },
    h("span", null, words(name)), bar([{ value, style: "one", name: words(name) }], max, `${words(name)}: ${exact(value)}`), h("b", null, figure(value))));
  return h("div", { "data-key": title }, h("h3", null, title), rows.length ? h("ul", { class: "distribution" }, rows) : h("p", { class: "empty" }, "No plans yet."));
}

function cachesPanel({ caches, batches }) {
  const { l1, l2 } = caches;
  const ratio = (value, name) => [percent(value), bar([{ value: value ?? 0, style: "two", name }], 1, `${name} ${percent(value)}`)];
  return panel("caches", "Caches and batches",
    h("h3", null, "L1, memory of the process"),
    facts([
      ["hit ratio", ratio(l1.hit_ratio, "L1 hit ratio")],
      ["size", [`${bytes(l1.bytes)} of ${bytes(l1.bytes_max)}`, bar([{ value: l1.bytes ?? 0, style: "one", name: "bytes" }], l1.bytes_max, `L1 size ${bytes(l1.bytes)} of ${bytes(l1.bytes_max)}`)]],
      ["plans", figure(l1.entries)],
    ]),
    h("h3", null, "L2, Redis"),
    l2 === null ? h("p", { class: "empty" }, "Redis is not configured.") : facts([
      ["hit ratio", ratio(l2.hit_ratio, "L2 hit ratio")],
      ["failed / min", number(l2.failed_per_minute)],
      ["skipped / min", number(l2.skipped_per_minute)],
    ]),
    h("h3", null, "Batches of new plans"),
    facts([
      ["rows", `p50 ${number(batches.rows_p50)}, p99 ${number(batches.rows_p99)}`],
      ["duration", `p50 ${duration(batches.duration_p50_ms)}, p99 ${duration(batches.duration_p99_ms)}`],
      ["batches / s", number(batches.per_second)],
    ]));
}

function endpointsPanel({ endpoints }) {
  const filter = state.filter.trim().toLowerCase();
  const rows = endpoints.filter(({ method, endpoint }) => `${method} ${endpoint}`.toLowerCase().includes(filter)).map((entry) => ({
    key: `${entry.method} ${entry.endpoint}`,
    cells: [
      h("code", { class: "path" }, `${entry.method} ${entry.endpoint.replace("/api/v1/internal/", "…/")}`),
      figure(entry.requests), figure(entry.client_errors), figure(entry.server_errors),
      duration(entry.p50_ms), duration(entry.p95_ms), duration(entry.p99_ms),
    ],
  }));
  const columns = ["endpoint", ...["requests", "client errors", "server errors", "p50", "p95", "p99"].map((title) => ({ title, number: true }))];
  return panel("endpoints", "Endpoints", table("Last 15 minutes, busiest first", columns, rows, { empty: filter ? "No endpoint matches the filter." : "No request in the last 15 minutes." }));
}

function processPanel({ process, timestamp, catalog }) {
  return panel("process", "Process",
    facts([
      ["version", process.version],
      ["started", since(process.started_at, timestamp)],
      ["backend", process.backend],
      ["threads", exact(process.threads)],
      ["catalog", [`version ${catalog.version ?? UNKNOWN}, `, figure(catalog.instruments), " instruments ", catalog.is_demonstration ? badge("demonstration") : null]],
      ["log level", [h("code", { id: "log-level" }, process.log_level), " ", button("Change", "log-level", {}, "Change the log level")]],
    ]));
}

function settingsPanel({ settings }) {
  const origins = Object.entries(settings.origins);
  return panel("settings", "Settings",
    facts([
      ["last read", settings.age_seconds === null ? "never" : `${duration(settings.age_seconds * 1000)} ago`],
      ...origins.map(([origin, value]) => [`from ${words(origin)}`, exact(value)]),
    ]),
    settings.refused.length
      ? [h("h3", null, badge("warning", "rejected values")), h("ul", { class: "plain" }, settings.refused.map((text) => h("li", { "data-key": text }, h("code", null, text))))]
      : h("p", { class: "note" }, "No value was rejected."),
    h("p", { class: "actions" }, button("Refresh settings", "refresh")));
}

export function overview(status) {
  return [
    healthBanner(status),
    tiles(status),
    charts(status),
    h("p", { class: "filter", "data-key": "filter" }, h("label", { for: "filter" }, "Filter actors and endpoints"), " ", h("input", { id: "filter", type: "search", "data-search": true, autocomplete: "off" })),
    actorsPanel(status),
    breakersPanel(status),
    h("div", { class: "columns", "data-key": "columns" },
      cachesPanel(status),
      lanesPanel(status),
      panel("plans", "Plans", distribution("Active, by type", status.plans.active), distribution("Created since the start, by broker", status.plans.created_by_broker)),
      processPanel(status),
      settingsPanel(status)),
    endpointsPanel(status),
  ];
}
