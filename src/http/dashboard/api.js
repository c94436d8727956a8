// Calls of the API with the key of this tab.

const STORED = "instrument_registry_api_key";
const ROOT = location.pathname.replace(/\/dashboard$/, "");
export const BASE = `${ROOT}/api/v1/internal/instrument-registry`;

let key = sessionStorage.getItem(STORED);

export const hasKey = () => key !== null;

/** Uses a key that is not verified yet. */
export function useKey(value) {
  key = value;
}

/** Keeps the key in use until the tab is closed. */
export function keepKey() {
  if (key !== null) sessionStorage.setItem(STORED, key);
}

export function forgetKey() {
  key = null;
  sessionStorage.removeItem(STORED);
}

/** A problem document of the service. */
export class Problem extends Error {
  constructor(status, document) {
    super(document.detail ?? `the service responded with status ${status}`);
    this.status = status;
    this.code = document.code ?? null;
    this.correlationId = document.correlation_id ?? null;
    this.errors = document.errors ?? [];
    // A page of this service that explains the code, or `about:blank`.
    this.page = document.type?.startsWith("/") ? ROOT + document.type : null;
  }
}

async function problemOf(response) {
  const document = await response.json().catch(() => ({}));
  document.correlation_id ??= response.headers.get("X-Correlation-ID");
  return new Problem(response.status, document);
}

/** Sends a request and returns the response if its status is a success. Otherwise throws a problem. */
export async function open(path, { method = "GET", body, query, signal } = {}) {
  const entries = Object.entries(query ?? {}).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const search = entries.length ? `?${new URLSearchParams(entries)}` : "";
  const headers = { "X-Internal-API-Key": key ?? "" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const text = body === undefined ? undefined : JSON.stringify(body);
  const response = await fetch(BASE + path + search, { method, headers, body: text, signal, cache: "no-store" });
  if (!response.ok) {
    const problem = await problemOf(response);
    if (problem.status === 401) document.dispatchEvent(new CustomEvent("unauthorized", { detail: problem }));
    throw problem;
  }
  return response;
}

/** Sends a request and returns the document of the response. */
export async function call(path, options) {
  return (await open(path, options)).json();
}
