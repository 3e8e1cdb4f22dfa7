// Stage 1 · template: opens the WebSocket, and shows its state in the badge.
// Stage 7 · browser: applies the socket's messages to the page, and requests what the
// page has missed.

import {
  applyChunk,
  applySearch,
  form,
  isFinished,
  isSameUser,
  removeItem,
  results,
  showNotice,
  showState,
} from "./page.js";

// Milliseconds.
const FIRST_WAIT = 500; // the wait before the first reconnect; it doubles each time
const LONGEST_WAIT = 20_000;
const STEADY_AFTER = 5_000; // a socket that stays open this long resets the wait
const ASK_AFTER_GAP = 1_000;
const ASK_WHILE_UNFINISHED = 5_000;
const PATIENCE = 20_000; // how long to wait for the server's response

const MOST_ASKED = 100; // searches in one request: the length of a URL is limited

// The user has changed in another tab: this page must no longer be used.
let isOver = false;

// --- The socket ---

let socket;
let failures = 0;
let reconnecting = null; // the timer

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/ws/search/`);
  let openedAt = Infinity;

  socket.onopen = () => {
    openedAt = Date.now();
    showState("live", "Live");
  };

  socket.onmessage = (event) => {
    const data = JSON.parse(event.data);
    if ("searches" in data) {
      applySnapshot(data);
    } else if ("chunk" in data) {
      applyChunk(data);
    } else {
      applySearch(data);
    }
  };

  socket.onclose = () => {
    if (isOver) {
      return;
    }
    showState("offline", "Offline: reconnecting");
    if (Date.now() - openedAt > STEADY_AFTER) {
      failures = 0;
    }
    const wait = Math.min(FIRST_WAIT * 2 ** failures, LONGEST_WAIT);
    failures += 1;
    // Random, so that not all browsers reconnect at the same moment.
    reconnecting = setTimeout(reconnect, wait * (0.5 + Math.random() / 2));
  };
}

async function reconnect() {
  reconnecting = null;
  // The response also shows whether the user is still the same.
  await ask().catch(() => {});
  if (!isOver) {
    connect();
  }
}

connect();

// When the network is lost, the browser keeps the socket: the badge would stay Live.
addEventListener("offline", () => socket.close());
addEventListener("online", catchUp);

// The tab was in the background, or the visitor has returned to the page through the
// browser's history: the page may have missed messages.
addEventListener("pageshow", (event) => {
  if (event.persisted) {
    catchUp();
  }
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") {
    catchUp();
  }
});

function catchUp() {
  failures = 0;
  if (reconnecting !== null) {
    clearTimeout(reconnecting);
    reconnect();
  } else if (!isOver) {
    askSoon();
  }
}

// --- What the page has missed ---

function applySnapshot(snapshot) {
  if (!isSameUser(snapshot.user)) {
    isOver = true;
    socket.close();
    showState("offline", "Signed out");
    showNotice("You have signed out, or signed in as another user. Load the page again.", "error");
    return;
  }
  snapshot.searches.forEach(applySearch);
}

let asking = 0;

async function ask() {
  asking += 1;
  try {
    await requestSnapshot();
  } finally {
    asking -= 1;
  }
}

async function requestSnapshot() {
  const headers = { Accept: "application/json" };
  const signal = AbortSignal.timeout(PATIENCE);
  // The response always contains the newest searches. Unfinished ones may be older.
  const unfinished = [...results.children].filter((item) => !isFinished(item));
  const waiting = unfinished.slice(0, MOST_ASKED);
  const ids = waiting.map((item) => ["waiting", item.dataset.taskId]);
  const address = `${form.action}?${new URLSearchParams(ids)}`;
  const response = await fetch(address, { headers, signal });
  if (!response.ok) {
    return;
  }
  const snapshot = await response.json();
  applySnapshot(snapshot);
  if (!isOver) {
    const known = new Set(snapshot.searches.map((search) => search.task_id));
    waiting.filter((item) => !known.has(item.dataset.taskId)).forEach(removeItem);
  }
}

let timer = null;

function askSoon() {
  timer ??= setTimeout(() => {
    timer = null;
    if (!isOver) {
      // Wait longer while the server is down.
      ask().catch(() => setTimeout(askSoon, ASK_WHILE_UNFINISHED));
    }
  }, ASK_AFTER_GAP);
}

results.addEventListener("missing", askSoon);

// Messages can get lost without an error.
setInterval(() => {
  // Do not send another request while a slow server has not responded to the last one.
  if (!isOver && asking === 0 && ![...results.children].every(isFinished)) {
    ask().catch(() => {}); // the badge shows that the server is down
  }
}, ASK_WHILE_UNFINISHED);
