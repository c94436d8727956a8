// The dashboard in a browser, against the real service.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Browser, KEY, Load, Service, until, violations } from "./harness.mjs";

const VIEWS = ["#/", "#/plans", "#/catalog"];
let service;
let browser;
let load;
let plan;

before(async () => {
  service = await Service.start();
  browser = await Browser.start();
  load = new Load(service);
  plan = await service.planAtLimits("Depth <img src=x onerror=alert(1)>");
});

after(async () => {
  await load?.stop();
  await browser?.stop();
  await service?.stop();
});

const text = (page, selector) => page.locator(selector).first().innerText();
const close = (page) => page.context().close();

/** Presses a button that opens the dialog, fills its fields, confirms, and returns the text of the result. */
async function act(page, button, fields = {}) {
  await page.click(button);
  for (const [name, value] of Object.entries(fields)) await page.fill(`#dialog [name=${name}]`, value);
  await page.click("#dialog button[type=submit]");
  const result = await text(page, "#result");
  await page.keyboard.press("Escape");
  return result;
}

test("a wrong key leads back to the form with the problem", async () => {
  const page = await browser.open(service, { key: null });
  await page.fill("#key", "wrong");
  await page.keyboard.press("Enter");

  const problem = await text(page, "#key-error .problem");

  assert.match(problem, /unauthorized/);
  assert.match(problem, /header X-Internal-API-Key is missing or invalid/);
  assert.match(problem, /correlation id [0-9a-f-]{36}/);
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  await close(page);
});

test("the key is requested once and kept for the tab only", async () => {
  const page = await browser.open(service, { key: null });
  assert.equal(await page.getAttribute("#key", "type"), "password");
  await page.fill("#key", KEY);
  await page.keyboard.press("Enter");
  await page.waitForSelector("#summary");
  await page.reload();
  await page.waitForSelector("#summary");

  assert.equal(await page.evaluate(() => sessionStorage.getItem("instrument_registry_api_key")), KEY);
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  assert.equal(await page.evaluate(() => document.cookie), "");
  assert.ok(!page.url().includes(KEY));

  await page.click("#forget");
  await page.waitForSelector("#key-form");
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  await close(page);
});

test("figures change under load and equal those of the status", async () => {
  const page = await browser.open(service);
  await until(async () => Number.parseFloat(await text(page, "#tile-requests dd")) > 1, "requests in the last minute");
  const row = page.locator("#endpoints tr", { hasText: "POST …/instrument-registry/subscriptions/plan" }).first();
  const requests = async () => Number((await row.locator("td").first().innerText()).replace(/\D/g, ""));
  const first = await requests();
  await until(async () => (await requests()) > first, `more than ${first} requests`);
  // The first point is there when its step is over.
  await until(async () => /successful: now [\d.,]+/.test(await page.getAttribute("#chart-requests .plot", "aria-label")), "points in the chart");

  await load.stop();
  try {
    // The page has the figures of the last event, so both become equal when no request arrives.
    await until(async () => {
      const status = await service.status();
      const entry = status.endpoints.find(({ endpoint, method }) => method === "POST" && endpoint.endsWith("/subscriptions/plan"));
      return entry.requests === (await requests());
    }, "the requests of the status");
    const status = await service.status();
    assert.equal(await text(page, "#summary"), status.health.summary);
    for (const { name, restarts } of status.actors) {
      const cells = page.locator(`#actors tr[data-key="${name}"] td`);
      assert.equal(await cells.last().innerText(), String(restarts), name);
    }
    for (const { lane, permits } of status.lanes) {
      assert.ok((await text(page, `#lanes tr[data-key="${lane}"]`)).includes(`/ ${permits}`), lane);
    }
    for (const { dependency, state } of status.breakers) {
      assert.ok((await text(page, `[data-breaker=${dependency}] .badge`)).includes(state.replace("_", " ")), dependency);
    }
    for (const [broker, created] of Object.entries(status.plans.created_by_broker)) {
      const entry = page.locator("#plans li", { hasText: broker }).first();
      assert.equal(await entry.locator("b").innerText(), created.toLocaleString("en"), broker);
    }
  } finally {
    load = new Load(service);
  }
  assert.deepEqual(page.faults, []);
  await close(page);
});

test("the supervision tree lists every actor below its parent", async () => {
  const page = await browser.open(service);
  const { actors } = await service.status();

  const names = await page.locator("#actors tbody th code").allInnerTexts();

  assert.equal(names[0], "supervisor");
  for (const { name, parent } of actors) {
    assert.ok(names.includes(name), name);
    if (names.includes(parent)) assert.ok(names.indexOf(parent) < names.indexOf(name) || parent === name, name);
  }
  await page.fill("#filter", "cache");
  await until(async () => (await page.locator("#actors tbody tr").count()) === 1, "one actor");
  await close(page);
});

test("the page of a plan shows connections, limits and reasons", async () => {
  const page = await browser.open(service, { hash: `#/plans/${plan.plan_id}` });
  const { allocation, rejected } = plan;
  await page.waitForSelector("#connections");

  // Markup in a name is a text.
  assert.equal(await text(page, "h1 .long"), plan.plan_name);
  assert.equal(await page.locator("#view img").count(), 0);
  for (const { connection, instruments } of allocation.connections) {
    const limit = allocation.limits.find(({ scope, limit: name }) => scope === `connection ${connection}` && name.endsWith("instruments_per_connection"));
    const label = await page.getAttribute(`[data-connection="${connection}"] .bar`, "aria-label");
    assert.ok(label.includes(`${instruments} of ${limit.allowed.toLocaleString("en")}`), label);
  }
  assert.ok(allocation.lowered.length > 0 && rejected.length > 0);
  assert.ok((await text(page, "#lowered h2")).includes(`(${allocation.lowered.length})`));
  assert.ok((await text(page, "#left-out h2")).includes(`(${rejected.length})`));
  assert.equal(await text(page, "#needed"), `Needed: ${allocation.needed.text}`);

  await page.fill("#explained", rejected[0].instrument);
  await page.keyboard.press("Enter");
  const explained = await text(page, "#explanation .explanation");
  assert.ok(explained.includes("left out") && explained.includes(rejected[0].detail), explained);
  await page.click("#lowered [data-action=explain]");
  await until(async () => (await text(page, "#dialog")).includes(allocation.lowered[0].instrument), "an explanation");
  assert.deepEqual(page.faults, []);
  await close(page);
});

test("the form computes a dry run, then creates the plan", async () => {
  const page = await browser.open(service, { hash: "#/plans" });
  await page.fill("#user_id", "browser");
  await page.selectOption("#broker", "kite");
  await page.fill("#instruments", "NSE:TCS, NSE:RELIANCE\nNSE:NIFTY 50\nNSE:RELAINCE");
  await page.click("#plan-form button[type=submit]");
  await page.waitForSelector("#plan-result #connections");
  assert.match(await text(page, "#plan-result #left-out"), /NSE:RELAINCE/);

  await page.uncheck("#dry_run");
  await page.click("#plan-form button[type=submit]");
  await page.waitForURL(/#\/plans\/plan_[0-9a-f]{32}$/);
  await page.waitForSelector("#connections");
  await page.goBack();
  await page.waitForSelector("#list table");
  assert.equal(await page.locator("#list tbody tr").count(), 1);
  assert.deepEqual(page.faults, []);

  await page.fill("#instruments", "NSE:TCS");
  await page.fill("#user_id", "not a user id");
  await page.click("#plan-form button[type=submit]");
  assert.match(await text(page, "#plan-result .problem"), /validation failed[\s\S]*user_id/);
  await close(page);
});

test("actions are confirmed, shown and logged without the key", async () => {
  const page = await browser.open(service);

  assert.match(await act(page, "#process [data-action=log-level]", { level: "info,registry_actors=debug" }), /→\s*info,registry_actors=debug/);
  await until(async () => (await text(page, "#log-level")) === "info,registry_actors=debug", "the level in the panel");
  await act(page, "#process [data-action=log-level]", { level: "info" });
  assert.match(await act(page, "#settings [data-action=refresh]"), /ok|partial|not configured/);
  assert.match(await act(page, "[data-breaker=redis] [data-does=force_open]"), /forced open/);
  await until(async () => (await text(page, "[data-breaker=redis]")).includes("forced open"), "a forced breaker");
  assert.match(await act(page, "[data-breaker=redis] [data-does=reset]"), /not forced/);
  await page.click("[data-breaker=redis] [data-does=force_open]");
  await page.keyboard.press("Escape");
  assert.equal((await service.status()).breakers.find(({ dependency }) => dependency === "redis").forced, null);

  const log = service.readLog();
  const audited = log.split("\n").filter((line) => /"audit":true/.test(line));
  assert.ok(audited.length >= 5, `${audited.length} lines`);
  assert.ok(!log.includes(KEY));
  assert.deepEqual(page.faults, []);
  await close(page);
});

test("an ingest starts from the catalog and appears among the jobs", async () => {
  const page = await browser.open(service, { hash: "#/catalog" });
  await page.click("[data-action=ingest][data-broker=kite]");
  await page.fill("#dialog [name=source]", "/no/such/file");
  await page.click("#dialog button[type=submit]");

  assert.match(await text(page, "#dialog .problem"), /validation failed/);
  assert.match(await text(page, "#dialog .problem"), /source/);
  await close(page);
});

test("a rejected file is dismissed", async () => {
  await service.upload("upstox", "no file of a broker");
  const page = await browser.open(service, { hash: "#/catalog" });

  await page.waitForSelector("#refusals");
  assert.match(await act(page, "[data-action=dismiss][data-broker=upstox]"), /1 rejection dismissed/);
  await until(async () => (await page.locator("#refusals").count()) === 0, "no rejected file");
  assert.deepEqual(page.faults, []);
  await close(page);
});

test("the pages of the documents are accessible and fit 400 px", async () => {
  for (const [width, colorScheme] of [[1280, "light"], [400, "dark"]]) {
    for (const name of ["manual", "runbook", "operating", "errors"]) {
      const page = await browser.openPath(service, `/docs/${name}`, { width, colorScheme });

      assert.deepEqual(await violations(page), [], `${name} ${width} ${colorScheme}`);
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, name);
      assert.deepEqual(page.faults, []);
      await close(page);
    }
  }
});

test("keyboard alone reaches every view, field and dialog", async () => {
  const page = await browser.open(service);
  const focused = () => page.evaluate(() => document.activeElement.id);

  await page.keyboard.press("/");
  assert.equal(await focused(), "filter");
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  assert.match(await text(page, "#dialog"), /Keyboard shortcuts/);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#dialog[open]").count(), 0);
  await page.keyboard.press("2");
  await page.waitForSelector("#plan-form");
  await page.keyboard.press("/");
  assert.equal(await focused(), "list-user");
  await page.keyboard.press("Escape");
  await page.keyboard.press("3");
  await page.waitForSelector("#brokers");
  await page.keyboard.press("1");
  await page.waitForSelector("#chart-latency");
  await page.focus("#chart-latency .plot");
  await page.keyboard.press("ArrowLeft");
  await page.waitForSelector("#chart-latency .cursor", { state: "attached" });
  await page.reload();
  await page.waitForSelector("#summary");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "main");
  assert.deepEqual(page.faults, []);
  await close(page);
});

test("axe-core finds nothing, light and dark, wide and narrow", async () => {
  for (const [width, colorScheme] of [[1280, "light"], [1280, "dark"], [400, "light"], [400, "dark"]]) {
    for (const hash of [...VIEWS, `#/plans/${plan.plan_id}`]) {
      const page = await browser.open(service, { hash, width, colorScheme });
      if (hash.endsWith(plan.plan_id)) await page.waitForSelector("#connections");
      if (hash === "#/") await page.waitForSelector("#summary");
      assert.deepEqual(await violations(page), [], `${hash} ${width} ${colorScheme}`);
      await page.keyboard.press("?");
      assert.deepEqual(await violations(page), [], `dialog of ${hash} ${width} ${colorScheme}`);
      await close(page);
    }
    const page = await browser.open(service, { key: null, width, colorScheme });
    assert.deepEqual(await violations(page), [], `form ${width} ${colorScheme}`);
    await close(page);
  }
});

test("no view scrolls sideways at 400 px", async () => {
  for (const hash of [...VIEWS, `#/plans/${plan.plan_id}`]) {
    const page = await browser.open(service, { hash, width: 400 });
    if (hash.endsWith(plan.plan_id)) await page.waitForSelector("#connections");
    if (hash === "#/") await page.waitForSelector("#summary");

    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 400, hash);
    await close(page);
  }
});

test("a killed Redis opens its breaker, and the page shows the remedy", async () => {
  const page = await browser.open(service);
  const healthy = await text(page, "#summary");
  await service.redis.stop("SIGKILL");

  await page.waitForSelector("[data-breaker=redis].open, [data-breaker=redis].half_open");
  await page.waitForSelector("#health .remedy");
  assert.notEqual(await text(page, "#summary"), healthy);
  assert.match(await text(page, "#health"), /redis[\s\S]*Do:/);
  assert.match(await text(page, "[data-breaker=redis]"), /next trial/);
  const link = page.locator("#health a[href*=runbook]").first();
  assert.equal(await link.getAttribute("href"), "/docs/runbook#instrumentregistryredisunavailable");
  const [section] = await Promise.all([page.waitForEvent("popup"), link.click()]);
  assert.match(await text(section, "h3:target"), /InstrumentRegistryRedisUnavailable/);

  service.redis.start();
  await page.waitForSelector("[data-breaker=redis].closed");
  await until(async () => (await text(page, "#summary")) === healthy, "the summary of before");
  assert.deepEqual(page.faults, []);
  await close(page);
});

test("the page survives a restart of the service", async () => {
  const page = await browser.open(service);
  await page.waitForSelector("#summary");
  const started = (await service.status()).process.started_at;
  await service.process.stop();

  await page.waitForSelector("[data-contact=lost] #lost:not([hidden])");
  assert.match(await text(page, "#lost"), /No contact since/);
  assert.equal(await page.locator("#summary").count(), 1);

  await service.launch();
  await page.waitForSelector("[data-contact=live]");
  await until(async () => (await page.getAttribute("#process time", "datetime")) !== started, "the new process");
  assert.equal(await page.locator("#lost:not([hidden])").count(), 0);
  // The browser logs each attempt to connect that failed.
  const faults = page.faults.filter((fault) => !/net::ERR_(CONNECTION_REFUSED|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE|CONNECTION_RESET)/.test(fault));
  assert.deepEqual(faults, []);
  await close(page);
});
