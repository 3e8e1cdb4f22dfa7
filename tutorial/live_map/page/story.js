// Stores the searches, and computes the station of a search after each of its hops.

import { duration } from "./time.js";

const KEPT = 50;
const STAGES = ["", "template", "view", "queue", "worker", "signal", "consumer", "browser"];

// Searches by key, oldest first. Each start of the project has an id (`run`). A key consists of
// this id and the number of the search.
export const searches = new Map();

export function stageName(stage) {
  return `${stage} ${STAGES[stage]}`;
}

// Store the searches in `found`. They belong to the start of the project whose id is `run`.
export function remember(run, found) {
  for (const search of found) {
    search.key = `${run}-${search.number}`;
    search.hops.sort((one, other) => one.time - other.time);
    searches.set(search.key, search);
  }
  while (searches.size > KEPT) searches.delete(searches.keys().next().value);
}

// Delete the searches that the server has removed, for example because they were logins and not
// searches. `run` is the id of the project's start, and `numbers` lists its searches to keep.
export function forgetOthers(run, numbers) {
  const known = new Set(numbers.map((number) => `${run}-${number}`));
  for (const key of [...searches.keys()]) {
    if (key.startsWith(`${run}-`) && !known.has(key)) searches.delete(key);
  }
}

// The station of the search after the hop with this index: by default, after its last hop.
export function stationAt(search, index = search.hops.length - 1) {
  const hops = search.hops.slice(0, index + 1);
  const stage = Math.max(1, ...hops.map((hop) => hop.stage));
  const hasFrame = hops.some((hop) => hop.kind === "frame");
  return hasFrame ? 7 : stage;
}

export function isOver(search) {
  return ["arrived", "failed", "refused", "cancelled", "undelivered", "ends"].includes(search.state);
}

// How long the search has taken so far, in seconds.
export function lengthOf(search) {
  const ends = search.hops.map((hop) => hop.until);
  return Math.max(search.started, ...ends) - search.started;
}

// The search's state as text.
export function stateOf(search) {
  const stage = search.halt ? search.halt.stage : search.stage;
  // The token stays at the station of the last hop.
  const place = stage > search.stage ? `on the way to ${stageName(stage)}` : `at ${stageName(stage)}`;
  const words = {
    travelling: `on its way, at ${stageName(search.stage)}`,
    waiting: `waits at ${stageName(search.stage)}`,
    ends: `ends at ${stageName(search.stage)}`,
    stuck: `stuck ${place}`,
    failed: `failed ${place}`,
    refused: `refused ${place}`,
    cancelled: "cancelled",
    undelivered: "answered, but no open page got it",
    arrived: `arrived after ${duration(lengthOf(search))}`,
  };
  return words[search.state] || search.state;
}

const HOPS = {
  "got failed": "no method for type",
  "consumer failed": "consumer raises",
  "task failed": "task raises",
  "view failed": "view raises",
  "api failed": "API call fails",
  "handler failed": "handler raises",
  message: "in the queue",
  "message failed": "message not sent",
  started: "task starts",
  asked: "waits for the API",
  answered: "API answers",
  row: "row saved",
  done: "task ended",
  eager: "view runs the task",
  broadcast: "group_send",
  "broadcast failed": "group_send failed",
  got: "consumer",
};

// The name of a hop in the waterfall.
export function hopName(hop) {
  if (hop.kind === "response failed") return `${hop.stage} status ${hop.facts.status}`;
  return `${hop.stage} ${HOPS[hop.kind] || hop.kind}`;
}

// Hops that are not part of the search's path: the response to the visitor, the task's end.
const BESIDE = ["response", "done"];
// Hops after which no process works on the search.
const WAITS = ["message", "taken", "asked"];

function lastOf(search) {
  return search.hops.filter((hop) => !BESIDE.includes(hop.kind)).pop();
}

// The bars of the waterfall, one for each hop. A bar normally ends at the next hop, or, in eager
// mode, when the task ends. The bar of a repeated hop ends at the last repetition. So does the bar
// of a hop that is not part of the search's path: if it was not repeated, its bar has no length.
export function waterfallOf(search, now) {
  const last = search.hops[search.hops.length - 1];
  // The search is still waiting, in the queue or for the API.
  const goesOn = !isOver(search) && WAITS.includes(lastOf(search)?.kind);
  const whole = Math.max(lengthOf(search), goesOn && last ? now - search.started : 0) || 0.001;
  return search.hops.map((hop, index) => {
    const isBeside = hop.count > 1 || BESIDE.includes(hop.kind);
    const isEager = hop.kind === "eager";
    const next = search.hops
      .slice(index + 1)
      .find(({ kind }) => !BESIDE.includes(kind) || (isEager && kind === "done"));
    const open = goesOn && !next && !isBeside ? Math.max(now, hop.until) : hop.until;
    const end = isBeside || !next ? open : next.time;
    const seconds = Math.max(0, end - hop.time);
    return {
      hop,
      seconds,
      left: (hop.time - search.started) / whole,
      width: seconds / whole,
      // No process works on the search: it waits for a worker or for the API.
      waits: WAITS.includes(hop.kind),
    };
  });
}
