// The searches, and where each was at which moment. All of it follows from their hops.

import { duration } from "./time.js";

const KEPT = 50;
const STAGES = ["", "template", "view", "queue", "worker", "signal", "consumer", "browser"];

// Searches by key, oldest first. `run` tells one start of the project from the next.
export const searches = new Map();

export function stageName(stage) {
  return `${stage} ${STAGES[stage]}`;
}

// Take in what came: a list of searches of one start of the project.
export function remember(run, found) {
  for (const search of found) {
    search.key = `${run}-${search.number}`;
    search.hops.sort((one, other) => one.time - other.time);
    searches.set(search.key, search);
  }
  while (searches.size > KEPT) searches.delete(searches.keys().next().value);
}

// Forget the searches of this start that the server no longer has: requests of another kind.
export function forgetOthers(run, numbers) {
  const known = new Set(numbers.map((number) => `${run}-${number}`));
  for (const key of [...searches.keys()]) {
    if (key.startsWith(`${run}-`) && !known.has(key)) searches.delete(key);
  }
}

// The station at which the search was after the hops up to `index` (all without it).
export function stationAt(search, index = search.hops.length - 1) {
  const hops = search.hops.slice(0, index + 1);
  const stage = Math.max(1, ...hops.map((hop) => hop.stage));
  const hasFrame = hops.some((hop) => hop.kind === "frame");
  return hasFrame ? 7 : stage;
}

export function isOver(search) {
  return ["arrived", "failed", "refused", "cancelled"].includes(search.state);
}

// How long the search has taken so far, in seconds.
export function lengthOf(search) {
  const ends = search.hops.map((hop) => hop.until);
  return Math.max(search.started, ...ends) - search.started;
}

// The search's state in words.
export function stateOf(search) {
  const stage = search.halt ? search.halt.stage : search.stage;
  const words = {
    travelling: `on its way, at ${stageName(search.stage)}`,
    waiting: `waits at ${stageName(search.stage)}`,
    stuck: `stuck at ${stageName(stage)}`,
    failed: `failed at ${stageName(stage)}`,
    refused: `refused at ${stageName(stage)}`,
    cancelled: "cancelled",
    arrived: `arrived after ${duration(lengthOf(search))}`,
  };
  return words[search.state] || search.state;
}

const HOPS = {
  message: "in the queue",
  "message failed": "message not sent",
  started: "task starts",
  asked: "waits for the API",
  answered: "API answers",
  row: "row saved",
  done: "task ended",
  eager: "task in the view",
  broadcast: "group_send",
  "broadcast failed": "group_send failed",
  got: "consumer",
};

// What a hop is called in the waterfall.
export function hopName(hop) {
  return `${hop.stage} ${HOPS[hop.kind] || hop.kind}`;
}

// What happens beside the search: the visitor gets a response, the task ends.
const BESIDE = ["response", "done"];

// The parts of the search's time: each hop lasts until the next one, or as long as it is
// repeated.
export function waterfallOf(search) {
  const whole = lengthOf(search) || 0.001;
  return search.hops.map((hop, index) => {
    const isBeside = hop.count > 1 || BESIDE.includes(hop.kind);
    const next = search.hops.slice(index + 1).find((one) => !BESIDE.includes(one.kind));
    const end = isBeside || !next ? hop.until : next.time;
    const seconds = Math.max(0, end - hop.time);
    return {
      hop,
      seconds,
      left: (hop.time - search.started) / whole,
      width: seconds / whole,
      // Nobody works on it: it waits for a worker, or for the API.
      waits: ["message", "taken", "asked"].includes(hop.kind),
    };
  });
}
