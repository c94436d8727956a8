// Reads the stream of the status, and connects again with back-off if it ends.

import { open, Problem } from "./api.js";

const FIRST_DELAY_MS = 500;
const LAST_DELAY_MS = 8000;
// The service sends an event every two seconds. A longer silence is a lost connection.
const SILENCE_MS = 12000;

/** Yields the events of a `text/event-stream` as {event, data}. A comment is an event without a name. */
async function* events(response, onBytes) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onBytes();
    const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = { event: "message", data: [] };
      for (const line of block.split("\n")) {
        const [, name, text] = /^([^:]*):? ?(.*)$/s.exec(line);
        if (name === "event") fields.event = text;
        if (name === "data") fields.data.push(text);
      }
      if (fields.data.length || fields.event !== "message") yield { event: fields.event, data: fields.data.join("\n") };
    }
  }
}

/**
 * Follows the status until `stop` is called. `on` has the functions `status(document, isFirst)`, `draining()` and
 * `lost(reason, delay)`. A response without a valid key leads to the form, which stops the stream.
 */
export function follow(on) {
  let isStopped = false;
  let controller = null;
  let wake = null;
  let delay = FIRST_DELAY_MS;

  async function connect() {
    controller = new AbortController();
    let watchdog;
    const onBytes = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => controller.abort(), SILENCE_MS);
    };
    onBytes();
    try {
      const response = await open("/status/stream", { signal: controller.signal });
      let isFirst = true;
      for await (const { event, data } of events(response, onBytes)) {
        if (isStopped) return null;
        if (event === "draining") on.draining();
        if (event !== "status") continue;
        on.status(JSON.parse(data), isFirst);
        isFirst = false;
        delay = FIRST_DELAY_MS;
      }
      return "the stream ended";
    } catch (fault) {
      if (fault instanceof Problem) return `${fault.message} (${fault.status})`;
      return fault.name === "AbortError" ? "no event arrived" : "the service does not respond";
    } finally {
      clearTimeout(watchdog);
      controller.abort();
    }
  }

  async function run() {
    while (!isStopped) {
      const reason = await connect();
      if (isStopped) return;
      const pause = delay * (0.75 + Math.random() / 2);
      on.lost(reason, pause);
      delay = Math.min(delay * 2, LAST_DELAY_MS);
      await new Promise((resolve) => {
        wake = resolve;
        setTimeout(resolve, pause);
      });
    }
  }

  run();
  return {
    /** Connects at once if the stream waits for its next attempt. */
    retry: () => wake?.(),
    stop() {
      isStopped = true;
      controller?.abort();
      wake?.();
    },
  };
}
