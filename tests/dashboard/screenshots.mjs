// Takes the pictures of the documents, in light and dark: screenshots.mjs FOLDER

import { mkdirSync, statSync } from "node:fs";
import { join } from "node:path";

import { Browser, Load, Service, until } from "./harness.mjs";

const BYTES_MAX = 150_000;
// The charts need some history.
const LOAD_SECONDS = 180;
const folder = process.argv[2];

async function take(page, name) {
  const path = join(folder, `${name}.png`);
  await page.screenshot({ path });
  const { size } = statSync(path);
  console.log(`${path}: ${size} bytes`);
  if (size > BYTES_MAX) throw new Error(`expected at most ${BYTES_MAX} bytes, got ${size}: ${path}`);
}

const service = await Service.start();
const browser = await Browser.start();
let load;
try {
  mkdirSync(folder, { recursive: true });
  const began = Date.now();
  // The rate rises and falls.
  load = new Load(service, () => 12 + 10 * Math.sin((Date.now() - began) / 15_000));
  const plan = await service.planAtLimits("Depth of index options");
  await until(async () => {
    const { history } = await service.status();
    return Date.parse(history.points.at(-1).at) - Date.parse(history.points[0].at) >= LOAD_SECONDS * 1000;
  }, "a history", LOAD_SECONDS * 1500);
  for (const colorScheme of ["light", "dark"]) {
    const overview = await browser.open(service, { width: 1200, height: 1000, colorScheme });
    await overview.waitForSelector("#summary");
    // The sparklines of actors begin when the page is opened.
    await until(async () => (await overview.locator("#actors .spark polyline").count()) > 0, "sparklines");
    await take(overview, `dashboard-${colorScheme}`);
    await overview.context().close();
    const page = await browser.open(service, { hash: `#/plans/${plan.plan_id}`, width: 1200, height: 1000, colorScheme });
    await page.waitForSelector("#connections");
    await take(page, `dashboard-plan-${colorScheme}`);
    await page.context().close();
  }
} finally {
  await load?.stop();
  await browser.stop();
  await service.stop();
}
