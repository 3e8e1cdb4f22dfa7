// The panels below the picture: searches, stations, processes, Redis, and the log.

import { clock, duration, offset } from "./time.js";
import { iconOf } from "./shapes.js";
import { hopName, searches, stageName, stateOf, waterfallOf } from "./story.js";

const LINES = 600; // the log has at most this many lines
const AT_ONCE = 12; // at most this many new lines at a time; the others are only counted

const UNOBSERVED = "The frame went to the browser. What the page does with it cannot be seen from here.";

// What each element shows. An element is drawn again only if its content changes.
const drawnBefore = new WeakMap();

const $ = (id) => document.getElementById(id);

// An element with text or children. Text is never parsed as HTML.
export function made(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

// The list of searches, newest first. `choose` is called with the search that is clicked.
export function drawList(run, selected, total, choose) {
  const list = $("list");
  const buttons = new Map([...list.querySelectorAll("button")].map((one) => [one.dataset.key, one]));
  const wanted = [...searches.values()].reverse();
  wanted.forEach((search, place) => {
    let button = buttons.get(search.key);
    if (!button) {
      button = made("button", { type: "button", "data-key": search.key });
      button.append(iconOf(search.number), made("span", { class: "question" }), made("span", { class: "state" }));
      button.addEventListener("click", () => choose(searches.get(button.dataset.key)));
    }
    buttons.delete(search.key);
    say(button.querySelector(".question"), `${search.number} · ${search.question}`);
    const isEarlier = !search.key.startsWith(`${run}-`);
    say(button.querySelector(".state"), isEarlier ? `before the restart: ${stateOf(search)}` : stateOf(search));
    button.className = `is-${search.state}`;
    button.setAttribute("aria-pressed", String(search === selected));
    const item = button.parentElement || made("li", {}, button);
    if (list.children[place] !== item) list.insertBefore(item, list.children[place] || null);
  });
  for (const button of buttons.values()) button.parentElement.remove();
  $("empty").hidden = wanted.length > 0;
  say($("total"), total > wanted.length ? `the last ${wanted.length} of ${total}` : "");
}

// Set the text only if it differs, because a screen reader reads every change aloud.
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// The hops of the search at each station, up to hop `index`.
export function drawDetail(search, index, now) {
  const hops = search ? search.hops.slice(0, index + 1) : [];
  say($("detail-name"), search ? `Search ${search.number}: ${search.question}` : "What happens to a search at each station");
  for (const station of document.querySelectorAll("section.station")) {
    const stage = Number(station.dataset.stage);
    const own = hops.filter((hop) => hop.stage === stage);
    const isUnobserved = stage === 7 && hops.some((hop) => hop.kind === "frame");
    const isLast = search && index >= search.hops.length - 1;
    const halt = isLast && search.halt?.stage === stage ? stateOf(search) : "";
    const content = JSON.stringify([search?.key, own, isUnobserved, halt]);
    const before = drawnBefore.get(station) || {};
    if (before.content === content) continue;
    const isSame = before.key === search?.key;
    drawnBefore.set(station, { content, key: search?.key });
    const list = station.querySelector(".hops");
    // Elements that the user has opened stay open.
    const open = isSame ? [...list.querySelectorAll("details")].map((one) => one.open) : [];
    const rows = own.map((hop, number) => hopOf(search, hop, open[number]));
    if (isUnobserved) rows.push(made("li", { class: "is-unobserved" }, UNOBSERVED));
    if (halt) rows.push(made("li", { class: "is-halt" }, `${halt}: the reason is below the picture.`));
    list.replaceChildren(...rows);
    station.classList.toggle("is-empty", rows.length === 0);
  }
  drawWaterfall(search, now);
}

function hopOf(search, hop, wasOpen) {
  const summary = made("summary", {}, made("time", {}, `+${offset(hop.time - search.started)}`), ` ${hop.text}`);
  if (hop.count > 1) summary.append(made("span", { class: "count" }, ` ${hop.count} times, the last at +${offset(hop.until - search.started)}`));
  const facts = made("dl");
  const where = hop.at ? [["line", hop.at]] : [];
  const process = [["process", `${hop.process} (${hop.pid})`]];
  for (const [name, value] of [...Object.entries(hop.facts), ...where, ...process]) {
    facts.append(made("dt", {}, name), made("dd", { translate: "no" }, String(value)));
  }
  const isNotable = hop.failed || ["form", "message", "broadcast", "frame"].includes(hop.kind);
  const isOpen = wasOpen ?? isNotable;
  const details = made("details", isOpen ? { open: "" } : {}, summary, facts);
  return made("li", { class: hop.failed ? "is-failed" : "" }, details);
}

function drawWaterfall(search, now) {
  const box = $("waterfall");
  box.hidden = !search || search.hops.length < 2;
  if (box.hidden) return;
  const parts = waterfallOf(search, now);
  box.setAttribute("aria-label", parts.map((part) => `${hopName(part.hop)}: ${duration(part.seconds)}`).join("; "));
  box.replaceChildren(...parts.map((part) => {
    const bar = made("span", { class: part.waits ? "bar waits" : "bar" });
    bar.style.setProperty("--left", part.left);
    bar.style.setProperty("--width", part.width);
    return made("div", { class: "row" }, made("span", { class: "name" }, hopName(part.hop)), made("span", { class: "track" }, bar), made("span", { class: "length" }, part.hop.count > 1 ? `${part.hop.count} times` : duration(part.seconds)));
  }));
}

// Text with code between backticks.
function withCode(text) {
  return text.split("`").map((part, place) => (place % 2 ? made("code", { translate: "no" }, part) : part));
}

// The title of a mistake, as a link to its entry. In a recording, it is plain text, because the
// site may not be running.
function titleOf(one, isRecorded) {
  const title = withCode(one.title);
  return isRecorded ? title : [made("a", { href: one.page }, ...title)];
}

// Show below the picture why the search gets no further, with a link to the page about the reason.
export function drawVerdict(search, isRecorded) {
  const box = $("verdict");
  const halt = search?.halt;
  const content = halt ? JSON.stringify([search.key, search.state, halt]) : "";
  if (drawnBefore.get(box) === content) return;
  drawnBefore.set(box, content);
  box.hidden = !halt;
  if (!halt) return;
  box.className = `is-${search.state}`;
  box.replaceChildren(made("p", { class: "title" }, `Search ${search.number}: ${stateOf(search)}`));
  if (halt.title) box.append(made("p", { class: "mistake" }, ...withCode(halt.title)));
  box.append(made("p", {}, ...withCode(halt.text)));
  if (["waiting", "ends"].includes(search.state)) return;
  if (halt.at) box.append(made("p", {}, "Where: ", made("code", { translate: "no" }, halt.at)));
  if (halt.fix) box.append(made("p", {}, ...withCode(halt.fix)));
  if (halt.others.length) {
    box.append(made("p", {}, "It may be one of these:"));
    box.append(made("ul", { class: "possible" }, ...halt.others.map((one) => made("li", {}, ...titleOf(one, isRecorded), ...withCode(`. ${one.sign}`)))));
  }
  if (halt.page && !isRecorded) box.append(made("p", {}, made("a", { href: halt.page }, "Read more"), " (shown by ", made("code", {}, "python3 -m tutorial docs"), ")"));
}

export function drawProcesses(processes) {
  $("processes").replaceChildren(...processes.map((one) => {
    const words = one.starts > 1 && one.state === "running" ? `running, start ${one.starts}` : one.state;
    const item = made("li", { class: `is-${one.state}` }, made("b", {}, one.name), ` ${words}`, made("small", {}, ` process ${one.pid}`));
    if (one.line) item.append(made("p", { translate: "no" }, one.line));
    if (one.older) item.append(made("p", { class: "older" }, "This process runs older code than your files contain. Start the project again."));
    return item;
  }));
}

// While the project is stopped, the state of its processes is unknown.
export function forgetProcesses() {
  $("processes").replaceChildren(made("li", {}, "Nothing is known while the project is stopped."));
}

export function drawCounts(counts) {
  const words = [
    [counts.requests, "form", "forms"],
    [counts.tasks, "task", "tasks"],
    [counts.frames, "frame", "frames"],
    [counts.sockets, "open WebSocket", "open WebSockets"],
  ];
  $("counts").textContent = words.map(([count, one, more]) => `${count} ${count === 1 ? one : more}`).join(" · ");
}

export function drawRedis(redis, now) {
  const parts = [];
  if (redis.error) parts.push(made("p", { class: "is-failed" }, redis.error));
  if (!redis.used) parts.push(made("p", {}, "This project uses no Redis yet."));
  for (const queue of redis.queues) {
    parts.push(made("h3", {}, `Queue ${queue.name}`, made("small", {}, ` ${queue.length} waiting`)));
    parts.push(made("ol", { class: "messages" }, ...queue.messages.map((one) => made(
      "li", { translate: "no" },
      made("b", {}, one.task.split(".").pop()), ` ${one.arguments} `,
      made("small", {}, `first seen ${duration(now - one.since)} ago`),
    ))));
  }
  if (redis.groups.length) {
    parts.push(made("h3", {}, "Groups", made("small", {}, ` ${redis.group_count}`)));
    parts.push(made("ul", { class: "groups" }, ...redis.groups.map((one) => made(
      "li", {}, made("b", { translate: "no" }, one.name),
      ` ${one.processes} ${one.processes === 1 ? "process" : "processes"}, ${one.sockets} ${one.sockets === 1 ? "socket" : "sockets"}`,
    ))));
  }
  if (!parts.length) parts.push(made("p", {}, "Nothing yet."));
  $("redis").replaceChildren(...parts);
}

// For each search, the number of its hops and its state when it was last logged.
const told = new Map();

// Add the new hops to the log.
export function drawLog(changed, atOnce = AT_ONCE) {
  const lines = [];
  for (const search of changed) {
    // The request may be a login, not a search: the response shows which of the two it is.
    if (search.hops.length < 2 && search.state === "travelling") continue;
    const before = told.get(search.key) || { hops: 0, state: "" };
    for (const hop of search.hops.slice(before.hops)) {
      lines.push(`${clock(hop.time)} · Search ${search.number} · ${stageName(hop.stage)} · ${hop.text}`);
    }
    const isNews = search.state !== before.state && search.state !== "travelling";
    if (isNews) lines.push(`Search ${search.number}: ${stateOf(search)}`);
    told.set(search.key, { hops: search.hops.length, state: search.state });
  }
  const log = $("log");
  const isAtEnd = log.scrollTop + log.clientHeight > log.scrollHeight - 20;
  const left = lines.length - atOnce;
  if (left > 0) lines.splice(atOnce, left, `… and ${left} more`);
  log.append(...lines.map((line) => made("p", {}, line)));
  while (log.children.length > LINES) log.firstElementChild.remove();
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}
