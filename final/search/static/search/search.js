// Stage 1 · template: opens the WebSocket, shows its state in the badge, and
// says when the form is sent.
// Stage 7 · browser: sends the form without a reload, and shows what the socket
// brings. The database has the state of each search: messages that come twice or late
// do no harm, and the page asks for what it has missed.

const form = document.querySelector("#search-form");
const badge = document.querySelector("#socket-state");
const notices = document.querySelector("#notices");
const results = document.querySelector("#results");
const resultTemplate = document.querySelector("#result-template");

// Milliseconds.
const FIRST_WAIT = 500; // before the socket is opened again; then twice as long
const LONGEST_WAIT = 20_000;
const STEADY_AFTER = 5_000; // a socket that has lasted so long was a good one
const ASK_AFTER_GAP = 1_000;
const ASK_WHILE_UNFINISHED = 5_000;
const PATIENCE = 20_000; // with a server that takes a request and says nothing

const MOST_ASKED = 100; // at a time: an address has its limits

// The id of the visitor's user. A new visitor has none until the socket or the first
// question makes a guest.
let user = document.body.dataset.user;

// The user has changed in another tab: this page must no longer be used.
let isOver = false;

function showState(state, text) {
  badge.dataset.state = state;
  badge.textContent = text;
}

function showNotice(text, kind) {
  const notice = document.createElement("p");
  notice.className = kind;
  notice.textContent = text;
  notices.replaceChildren(notice);
}

// --- The searches on the page ---

// Chunks that arrived too early, by search and by number.
const chunksAhead = new Map();

function findItem(taskId) {
  return results.querySelector(`[data-task-id="${taskId}"]`);
}

function makeItem(search) {
  const item = document.importNode(resultTemplate.content, true).firstElementChild;
  const cancel = item.querySelector(".cancel");
  cancel.action = cancel.action.replace(item.dataset.taskId, search.task_id);
  const retry = item.querySelector(".retry");
  retry.elements.task_id.value = search.retry_id;
  retry.elements.query.value = search.query;
  for (const button of item.querySelectorAll("button")) {
    button.ariaLabel = `${button.textContent}: ${search.query}`;
  }
  item.dataset.taskId = search.task_id;
  item.dataset.order = search.order;
  item.dataset.sequence = -1;
  // The same order in each tab, in whatever order the news arrives.
  const older = [...results.children].find((other) => other.dataset.order < search.order);
  results.insertBefore(item, older ?? null);
  return item;
}

// If the focused button disappears, the next button of the search gets the focus, or the
// question.
function keepFocus(item, change) {
  const hadFocus = item.contains(document.activeElement);
  change();
  if (hadFocus && !document.activeElement.checkVisibility()) {
    const buttons = [...item.querySelectorAll("button")];
    const next = buttons.find((button) => button.checkVisibility());
    (next ?? form.elements.query).focus();
  }
}

function isFinished(item) {
  return !["pending", "running"].includes(item.dataset.status);
}

function applySearch(search) {
  let item = findItem(search.task_id);
  if (item === null) {
    if (!("newest" in results.dataset)) {
      return; // a page of older ones
    }
    item = makeItem(search);
  }
  if (search.sequence <= Number(item.dataset.sequence)) {
    return;
  }
  item.dataset.sequence = search.sequence;
  keepFocus(item, () => {
    item.dataset.status = search.status;
  });
  // A screen reader reads the whole answer, not word by word.
  item.ariaBusy = search.status === "running";
  // textContent, never innerHTML: an answer is text, whatever it contains.
  item.querySelector("h3").textContent = search.query;
  item.querySelector(".status").textContent = search.status_text;
  item.querySelector(".answer").textContent = search.answer;
  item.querySelector(".error").textContent = search.error;
  if (isFinished(item)) {
    chunksAhead.delete(search.task_id);
    console.info(
      `stage 7 · browser · ${search.task_id.slice(0, 8)} · the answer is in the page`,
    );
  } else {
    appendChunks(item);
  }
}

function applyChunk({ task_id, sequence, chunk }) {
  const item = findItem(task_id);
  if (item === null) {
    askSoon();
  } else if (!isFinished(item)) {
    if (!chunksAhead.has(task_id)) {
      chunksAhead.set(task_id, new Map());
    }
    chunksAhead.get(task_id).set(sequence, chunk);
    appendChunks(item);
  }
}

function appendChunks(item) {
  const ahead = chunksAhead.get(item.dataset.taskId) ?? new Map();
  const answer = item.querySelector(".answer");
  let sequence = Number(item.dataset.sequence);
  while (ahead.has(sequence + 1)) {
    sequence += 1;
    answer.textContent += ahead.get(sequence);
  }
  item.dataset.sequence = sequence;
  for (const number of ahead.keys()) {
    if (number <= sequence) {
      ahead.delete(number);
    }
  }
  if (ahead.size > 0) {
    askSoon(); // one between them is missing
  }
}

// --- What the socket brings, and what to ask for ---

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

// Whether this user is the page's. The first one becomes the page's.
function isSameUser(id) {
  const name = String(id ?? "");
  if (user === "" && name !== "") {
    user = document.body.dataset.user = name;
  }
  return name === user;
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
  // The answer has the newest ones anyway.
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

// A search that no longer exists: an operator has deleted it.
function removeItem(item) {
  if (item.contains(document.activeElement)) {
    form.elements.query.focus();
  }
  item.remove();
}

let timer = null;

function askSoon() {
  timer ??= setTimeout(() => {
    timer = null;
    if (!isOver) {
      // A server that is away is not asked each second.
      ask().catch(() => setTimeout(askSoon, ASK_WHILE_UNFINISHED));
    }
  }, ASK_AFTER_GAP);
}

// A message can get lost without anybody noticing.
setInterval(() => {
  // A slow server is not asked again before it has answered.
  if (!isOver && asking === 0 && ![...results.children].every(isFinished)) {
    ask().catch(() => {}); // the badge tells that the server is away
  }
}, ASK_WHILE_UNFINISHED);

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
    // Not all browsers at the same moment.
    reconnecting = setTimeout(reconnect, wait * (0.5 + Math.random() / 2));
  };
}

async function reconnect() {
  reconnecting = null;
  // The answer also tells whether the user is still the same.
  await ask().catch(() => {});
  if (!isOver) {
    connect();
  }
}

connect();

// A lost network closes nothing: the socket would seem open, and receive nothing.
addEventListener("offline", () => socket.close());
addEventListener("online", catchUp);

// The page was asleep, or is back from the browser's history: it may have missed
// messages.
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

// --- The forms ---

async function send(sent) {
  const headers = { Accept: "application/json" };
  const body = new FormData(sent);
  const signal = AbortSignal.timeout(PATIENCE);
  // The page stays, and its socket with it: a reload would close it.
  const response = await fetch(sent.action, { method: "POST", headers, body, signal });
  const type = response.headers.get("Content-Type") ?? "";
  if (!type.startsWith("application/json")) {
    throw new Error(`the server answered ${response.status}`);
  }
  const data = await response.json();
  if (!response.ok) {
    showNotice(data.error, "error");
    if (data.next_task_id && sent === form) {
      form.elements.task_id.value = data.next_task_id;
    }
    return;
  }
  if (!isSameUser(data.user)) {
    location.reload(); // the session had ended, and the user is a new guest
    return;
  }
  if (findItem(data.search.task_id) === null && !("newest" in results.dataset)) {
    location = form.action; // this is a page of older ones
    return;
  }
  showNotice(data.notice, "success");
  applySearch(data.search);
  if (sent === form) {
    form.elements.task_id.value = data.next_task_id;
    form.elements.query.value = "";
  }
}

// The server may have got the form all the same. Sent again, it is the same search.
function unconfirmed(error) {
  return `The server did not confirm this: ${error.message}. Send it again: it counts once.`;
}

document.addEventListener("submit", (event) => {
  const sent = event.target;
  const button = sent.querySelector("button");
  if (sent.method !== "post" || !sent.closest("main")) {
    return;
  }
  event.preventDefault();
  // Not `disabled`: that would take the focus away.
  if (button.ariaDisabled === "true") {
    return;
  }
  button.ariaDisabled = "true";
  send(sent)
    .catch((error) => showNotice(unconfirmed(error), "error"))
    .finally(() => {
      button.ariaDisabled = "false";
    });
  if (sent === form) {
    const { task_id, query } = form.elements;
    console.info(
      `stage 1 · template · ${task_id.value.slice(0, 8)} · the form sends "${query.value}"`,
    );
  }
});
