// Texts of numbers, durations and times. A null is unknown.

export const UNKNOWN = "–";
const isMissing = (value) => value === null || value === undefined || Number.isNaN(value);

/** Returns a number with at most three significant digits: 0.34, 12.3, 4,096, 1.2 M. */
export function number(value) {
  if (isMissing(value)) return UNKNOWN;
  const size = Math.abs(value);
  for (const [limit, unit] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e5, "k"]]) {
    const divisor = unit === "k" ? 1e3 : limit;
    if (size >= limit) return `${(value / divisor).toLocaleString("en", { maximumSignificantDigits: 3 })} ${unit}`;
  }
  if (size >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString("en");
  return value.toLocaleString("en", { maximumSignificantDigits: size < 1 ? 2 : 3 });
}

/** Returns a number with all its digits. */
export function exact(value) {
  return isMissing(value) ? UNKNOWN : value.toLocaleString("en", { maximumFractionDigits: 4 });
}

/** Returns a duration of so many milliseconds. */
export function duration(ms) {
  if (isMissing(ms)) return UNKNOWN;
  if (ms < 1000) return `${number(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${number(Math.round(seconds * 10) / 10)} s`;
  const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = parts.findIndex(([size]) => seconds >= size);
  const [[major, majorUnit], minor] = [parts[first], parts[first + 1]];
  const rest = minor ? Math.floor((seconds % major) / minor[0]) : 0;
  return `${Math.floor(seconds / major).toLocaleString("en")} ${majorUnit}${rest ? ` ${rest} ${minor[1]}` : ""}`;
}

/** Returns a ratio as a percentage. A ratio that is not 0 is never shown as 0 %, and one below 1 never as 100 %. */
export function percent(ratio) {
  if (isMissing(ratio)) return UNKNOWN;
  if (ratio > 0 && ratio < 0.001) return "< 0.1 %";
  if (ratio < 1 && ratio > 0.999) return "> 99.9 %";
  return `${(ratio * 100).toLocaleString("en", { maximumFractionDigits: 1 })} %`;
}

export function bytes(value) {
  if (isMissing(value)) return UNKNOWN;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  while (value >= 1024 && at < units.length - 1) [value, at] = [value / 1024, at + 1];
  return `${number(Math.round(value * 10) / 10)} ${units[at]}`;
}

/** Returns a time of day, with the date if it is not today. */
export function clock(time, { seconds = true } = {}) {
  if (isMissing(time)) return UNKNOWN;
  const date = new Date(time);
  const options = { hour: "2-digit", minute: "2-digit", hour12: false };
  if (seconds) options.second = "2-digit";
  const isToday = date.toDateString() === new Date().toDateString();
  const day = isToday ? "" : `${date.toLocaleDateString("en", { day: "numeric", month: "short" })} `;
  return day + date.toLocaleTimeString("en", options);
}

/** Returns a word of the API as prose: `over_limit` becomes `over limit`. */
export function words(text) {
  return isMissing(text) ? UNKNOWN : String(text).replaceAll("_", " ");
}

/** Returns `1 instrument` or `5 instruments`. */
export function count(value, noun) {
  return `${exact(value)} ${noun}${value === 1 ? "" : "s"}`;
}
