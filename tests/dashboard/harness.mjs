// The service with a Redis of its own, load, and pages in headless Chromium.

import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(process.env.DASHBOARD_MODULES);
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export const KEY = "key-of-the-dashboard-test";
const BASE = "/api/v1/internal/instrument-registry";
// The bound of each wait. A wait ends with its event.
const WAIT_MS = 90_000;

/** Returns the first true result of `check`, which is repeated until the bound. A failure of it is repeated, too. */
export async function until(check, what, bound = WAIT_MS) {
  const end = Date.now() + bound;
  let last;
  while (Date.now() < end) {
    try {
      last = await check();
      if (last) return last;
    } catch (fault) {
      last = fault;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`expected ${what}, got ${last instanceof Error ? last.message : JSON.stringify(last)}`);
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** A program that can be stopped and started again. */
class Program {
  constructor(command, args, environment, log) {
    Object.assign(this, { command, args, environment, log, child: null });
  }

  start() {
    const output = openSync(this.log, "a");
    this.child = spawn(this.command, this.args, { env: { PATH: process.env.PATH, ...this.environment }, stdio: ["ignore", output, output] });
    this.exited = new Promise((resolve) => this.child.once("exit", resolve));
  }

  async stop(signal = "SIGTERM") {
    if (!this.child) return;
    this.child.kill(signal);
    await this.exited;
    this.child = null;
  }
}

export class Service {
  static async start(environment = {}) {
    const service = new Service();
    service.folder = mkdtempSync(join(tmpdir(), "dashboard-"));
    service.log = join(service.folder, "log");
    const [port, redisPort] = [await freePort(), await freePort()];
    service.url = `http://127.0.0.1:${port}`;
    service.redis = new Program("redis-server", ["--bind", "127.0.0.1", "--port", String(redisPort), "--save", "", "--appendonly", "no"], {}, join(service.folder, "redis.log"));
    service.process = new Program(process.env.DASHBOARD_BINARY, ["serve"], {
      PORT: String(port), INTERNAL_API_KEY: KEY, DATA_DIR: join(service.folder, "data"), REDIS_URL: `redis://127.0.0.1:${redisPort}`, ...environment,
    }, service.log);
    service.redis.start();
    await service.launch();
    return service;
  }

  /** Starts the process and waits until it is ready. */
  async launch() {
    this.process.start();
    await until(async () => (await fetch(`${this.url}/ready`)).ok, "a service that is ready");
  }

  async stop() {
    await this.process.stop();
    await this.redis.stop("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }

  readLog() {
    return existsSync(this.log) ? readFileSync(this.log, "utf8") : "";
  }

  /** Sends a request and returns the document, of a problem as well. */
  async call(method, path, body) {
    const response = await fetch(this.url + BASE + path, {
      method, headers: { "X-Internal-API-Key": KEY, "Content-Type": "application/json" }, body: body && JSON.stringify(body),
    });
    return response.json();
  }

  /** Uploads a file of a broker. */
  async upload(broker, file) {
    const response = await fetch(`${this.url}${BASE}/brokers/${broker}/ingest`, {
      method: "POST", headers: { "X-Internal-API-Key": KEY, "Content-Type": "application/octet-stream" }, body: file,
    });
    return response.json();
  }

  status() {
    return this.call("GET", "/status");
  }

  async keys(count) {
    const { instruments } = await this.call("GET", `/instruments?exchange=NFO&limit=${count}`);
    return instruments.map(({ instrument_key: key }) => key);
  }

  /** Creates a plan with limits that lower modes and leave out instruments, and returns its document. */
  async planAtLimits(name) {
    const instruments = [...(await this.keys(320)), "NSE:NO SUCH SHARE"];
    const answer = await this.call("POST", "/subscriptions/plan?user_id=desk", {
      plan_name: name, subscription_type: "live_feed", broker: "dhan", mode: "depth20", filtering_strictness: "lenient",
      max_instruments: 300, instruments,
    });
    return answer.plan_data;
  }
}

/** Sends plan requests, a tenth of them with a fault, until it is stopped. `pause` returns the milliseconds between two. */
export class Load {
  constructor(service, pause = () => 10) {
    this.isStopped = false;
    this.done = this.#run(service, pause);
  }

  async #run(service, pause) {
    const keys = await service.keys(200);
    const brokers = [undefined, undefined, "kite", "upstox", "dhan"];
    for (let sent = 0; !this.isStopped; sent += 1) {
      const first = (sent * 7) % 190;
      const instruments = sent % 10 === 9 ? [] : keys.slice(first, first + 1 + (sent % 9));
      const type = ["live_feed", "live_feed", "historical", "alerts"][sent % 4];
      const body = { plan_name: "Load", subscription_type: type, broker: brokers[sent % 5], filtering_strictness: "lenient", instruments };
      // While the service is down, requests fail.
      await service.call("POST", `/subscriptions/plan?user_id=user${sent % 7}`, body).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, pause()));
    }
  }

  async stop() {
    this.isStopped = true;
    await this.done;
  }
}

export class Browser {
  static async start() {
    const browser = new Browser();
    browser.chromium = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
    return browser;
  }

  stop() {
    return this.chromium.close();
  }

  /** Opens the dashboard, with the key unless `key` is null. `page.faults` collects errors and outside requests. */
  async open(service, { hash = "#/", key = KEY, ...options } = {}) {
    const page = await this.openPath(service, `/dashboard${hash}`, { key, ...options });
    if (key !== null) await page.waitForSelector("#view h1");
    return page;
  }

  /** Opens a page of the service. */
  async openPath(service, path, { key = null, width = 1280, height = 900, colorScheme = "light", reducedMotion = "reduce" } = {}) {
    const context = await this.chromium.newContext({ viewport: { width, height }, colorScheme, reducedMotion });
    if (key !== null) await context.addInitScript((value) => sessionStorage.setItem("instrument_registry_api_key", value), key);
    const page = await context.newPage();
    page.setDefaultTimeout(WAIT_MS);
    page.faults = [];
    page.on("pageerror", (fault) => page.faults.push(`error: ${fault.message}`));
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) page.faults.push(`console: ${message.text()}`);
    });
    page.on("request", (request) => {
      if (!request.url().startsWith(`${service.url}/`)) page.faults.push(`outside request: ${request.url()}`);
    });
    await page.goto(service.url + path);
    return page;
  }
}

/** Returns the violations of axe-core as texts. */
export async function violations(page) {
  await page.evaluate(AXE);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.map(({ impact, id, nodes }) => `${impact} ${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
}
