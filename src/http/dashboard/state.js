// The last status, the history of fifteen minutes, and the contact with the service.

export const state = {
  status: null,
  points: [],
  /** Samples of figures that the status has for the present only, by name. */
  samples: new Map(),
  contact: "none",
  lastContact: null,
  reason: null,
  filter: "",
};

const SAMPLES_MAX = 60;

function sample(name, value) {
  const list = state.samples.get(name) ?? [];
  list.push(value ?? null);
  if (list.length > SAMPLES_MAX) list.shift();
  state.samples.set(name, list);
}

/** Adds the points of an event. The first event of a stream has all points that the process knows. */
function mergePoints(status, isFirst) {
  const { points, minutes } = status.history;
  // After a restart the process does not know the points before it, but this page does. Other replicas have other points.
  const previous = state.status;
  const hasRestarted = previous && Date.parse(status.process.started_at) >= Date.parse(previous.timestamp);
  const isSameProcess = previous && previous.process.started_at === status.process.started_at;
  const kept = isFirst && !hasRestarted && !isSameProcess ? [] : state.points;
  const byTime = new Map(kept.map((point) => [point.at, point]));
  for (const point of points) byTime.set(point.at, point);
  const oldest = Date.parse(status.timestamp) - minutes * 60_000;
  state.points = [...byTime.values()]
    .filter((point) => Date.parse(point.at) >= oldest)
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

export function receive(status, isFirst) {
  mergePoints(status, isFirst);
  state.status = status;
  state.contact = "live";
  state.lastContact = Date.now();
  state.reason = null;
  for (const actor of status.actors) {
    sample(`waiting ${actor.name}`, actor.waiting);
    sample(`rate ${actor.name}`, actor.handled_per_second);
  }
}

export function reset() {
  Object.assign(state, { status: null, points: [], contact: "none", lastContact: null, reason: null, filter: "" });
  state.samples.clear();
}
