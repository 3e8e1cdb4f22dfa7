// The page of the map: reads the server's news or a recording, and replays searches.

import { drawPicture } from "./picture.js";
import { drawCounts, drawDetail, drawList, drawLog, drawProcesses, drawRedis, drawVerdict, forgetProcesses } from "./panels.js";
import { forgetOthers, remember, searches } from "./story.js";

const recorded = document.getElementById("recording");
const element = (id) => document.getElementById(id);

const page = {
  run: "",
  ahead: 0, // seconds by which the server's clock is ahead of the browser's
  total: 0,
  selected: null, // the key of the selected search; null: the newest
  replay: null, // { key, index, timer }
  redis: null,
};

function serverNow() {
  return Date.now() / 1000 + page.ahead;
}

function selectedSearch() {
  const newest = [...searches.values()].pop() || null;
  return searches.get(page.selected) || newest;
}

// Apply news from the server, and draw the parts that have changed.
function take(news) {
  page.ahead = news.now - Date.now() / 1000;
  page.now = news.now;
  page.last = { ...page.last, ...news };
  if (news.run) page.run = news.run;
  if (news.searches) remember(page.run, news.searches);
  if (news.numbers) forgetOthers(page.run, news.numbers);
  if (news.counts) {
    page.total = news.counts.searches;
    drawCounts(news.counts);
  }
  if (news.problem) element("link").textContent = news.problem;
  if (news.processes) drawProcesses(news.processes);
  if (news.redis) page.redis = news.redis;
  if (page.redis) drawRedis(page.redis, serverNow());
  // The first message contains all earlier searches: log all of their hops.
  if (news.searches) drawLog(news.searches, news.run ? Infinity : undefined);
  draw();
}

function draw() {
  const search = selectedSearch();
  const replay = page.replay;
  const index = replay ? replay.index : (search?.hops.length || 1) - 1;
  drawList(page.run, search, page.total, choose);
  drawDetail(search, index, recorded ? page.now : serverNow());
  drawVerdict(replay ? null : search, Boolean(recorded));
  drawPicture(serverNow(), page.run, search, replay ? search : null, index);
  drawControls(search, index);
}

function choose(search) {
  endReplay();
  page.selected = search.key;
  draw();
}

// The replay of one search, hop by hop.

function drawControls(search, index) {
  const replay = element("replay");
  replay.hidden = !search || search.hops.length < 2;
  if (replay.hidden) return;
  const last = search.hops.length - 1;
  element("hop").max = last;
  element("hop").value = index;
  element("hop").setAttribute("aria-valuetext", search.hops[index]?.text || "");
  // With `disabled`, the button would lose the keyboard focus.
  element("back").setAttribute("aria-disabled", String(index <= 0));
  element("forward").setAttribute("aria-disabled", String(index >= last));
  element("here").textContent = page.replay ? `Replay: ${search.hops[index].text}` : "";
  element("play").textContent = page.replay?.timer ? "Pause" : "Play";
  element("now").hidden = !page.replay;
}

function goTo(index) {
  const search = selectedSearch();
  if (!search) return;
  const last = search.hops.length - 1;
  page.selected = search.key;
  page.replay = { ...page.replay, index: Math.min(Math.max(0, index), last) };
  if (page.replay.index === last) pause();
  draw();
}

function place() {
  return page.replay ? page.replay.index : (selectedSearch()?.hops.length || 1) - 1;
}

function pause() {
  clearInterval(page.replay?.timer);
  if (page.replay) page.replay.timer = null;
}

function play() {
  if (page.replay?.timer) {
    pause();
    draw();
    return;
  }
  const last = (selectedSearch()?.hops.length || 1) - 1;
  goTo(place() >= last ? 0 : place());
  const pace = Number(element("pace").value);
  page.replay.timer = setInterval(() => goTo(place() + 1), pace);
  draw();
}

function endReplay() {
  pause();
  page.replay = null;
}

element("back").addEventListener("click", () => { pause(); goTo(place() - 1); });
element("forward").addEventListener("click", () => { pause(); goTo(place() + 1); });
element("play").addEventListener("click", play);
element("hop").addEventListener("input", (event) => { pause(); goTo(Number(event.target.value)); });
element("now").addEventListener("click", () => { endReplay(); page.selected = null; draw(); element("play").focus(); });
element("pace").addEventListener("change", () => { if (page.replay?.timer) { pause(); play(); } });

// In the list, the arrow keys move from one search to the next.
element("list").addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const buttons = [...element("list").querySelectorAll("button")];
  const next = buttons[buttons.indexOf(document.activeElement) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.click();
});

function setLarge(isLarge) {
  document.documentElement.classList.toggle("large", isLarge);
  element("large").setAttribute("aria-pressed", String(isLarge));
}

// The choice is stored, so it is still there after a reload. But the browser may block the storage.
element("large").addEventListener("click", () => {
  const isLarge = !document.documentElement.classList.contains("large");
  setLarge(isLarge);
  try { localStorage.setItem("large", String(isLarge)); } catch { /* not stored: the choice ends with a reload */ }
});
try { setLarge(localStorage.getItem("large") === "true"); } catch { /* the storage is blocked */ }

// A click on a station of the picture scrolls to the search's hops at that station.
for (const station of document.querySelectorAll(".flow a.station")) {
  station.addEventListener("click", (event) => {
    event.preventDefault();
    const target = document.querySelector(`section.station[data-stage="${station.dataset.stage}"]`);
    target.scrollIntoView({ block: "nearest" });
    target.tabIndex = -1;
    target.focus({ preventScroll: true });
  });
}

// The source of the data: the server, or a recording.

function connect() {
  const link = element("link");
  const stream = new EventSource("/events");
  stream.addEventListener("message", (event) => {
    link.textContent = "Live";
    link.className = "is-live";
    take(JSON.parse(event.data));
    keepTemplate().catch(() => {}); // without a template, the server makes the recording
  });
  stream.addEventListener("error", () => {
    link.textContent = "The project has stopped. Start it again, and the map reconnects.";
    link.className = "is-away";
    forgetProcesses();
    // After an HTTP error, the browser closes the stream and does not reconnect by itself.
    if (stream.readyState === EventSource.CLOSED) setTimeout(connect, 1000);
  });
}

// The page makes the recording, so that it can be saved after the project has stopped.
async function keepTemplate() {
  page.template ||= await (await fetch("/recording")).text();
}

element("save").addEventListener("click", (event) => {
  if (!page.template) return; // the link downloads the recording from the server
  event.preventDefault();
  const state = { ...page.last, now: serverNow(), run: page.run, searches: [...searches.values()] };
  // Escape "<", so that no text in the data can end the script element.
  const data = JSON.stringify(state).replaceAll("<", "\\u003c");
  const mark = 'id="recording">';
  const start = page.template.indexOf(mark) + mark.length;
  const before = page.template.slice(0, start);
  const after = page.template.slice(page.template.indexOf("</", start));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([before, data, after], { type: "text/html" }));
  link.download = `search-map-${new Date().toISOString().slice(0, 19).replaceAll(":", "")}.html`;
  link.click();
  URL.revokeObjectURL(link.href);
});

if (recorded) {
  const state = JSON.parse(recorded.textContent);
  const when = new Date(state.now * 1000).toLocaleString();
  element("link").textContent = `Recorded on ${when}`;
  element("save").hidden = true;
  take(state);
} else {
  connect();
  // Remove tokens of searches that have ended, and update ages.
  setInterval(() => { if (page.redis) { drawRedis(page.redis, serverNow()); draw(); } }, 1000);
}
