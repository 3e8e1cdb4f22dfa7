// Stage 7 · browser: what the page shows. The badge, the notice, and the list of searches.
//
// The database has the state of each search, so repeated or late messages do no harm.

export const form = document.querySelector("#search-form");
const badge = document.querySelector("#socket-state");
const notices = document.querySelector("#notices");
export const results = document.querySelector("#results");
const resultTemplate = document.querySelector("#result-template");

// The id of the visitor's user. A new visitor has none until the socket or the first
// question creates a guest.
let user = document.body.dataset.user;

export function showState(state, text) {
  badge.dataset.state = state;
  badge.textContent = text;
}

export function showNotice(text, kind) {
  const notice = document.createElement("p");
  notice.className = kind;
  notice.textContent = text;
  notices.replaceChildren(notice);
}

// Chunks that arrived too early, by search and by number.
const chunksAhead = new Map();

export function findItem(taskId) {
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
  // The order is the same in each tab, even if messages arrive in a different order.
  const older = [...results.children].find((other) => other.dataset.order < search.order);
  results.insertBefore(item, older ?? null);
  return item;
}

// If the focused button disappears, move the focus to the next button of the search.
// Without such a button, move the focus to the field for the question.
function keepFocus(item, change) {
  const hadFocus = item.contains(document.activeElement);
  change();
  if (hadFocus && !document.activeElement.checkVisibility()) {
    const buttons = [...item.querySelectorAll("button")];
    const next = buttons.find((button) => button.checkVisibility());
    (next ?? form.elements.query).focus();
  }
}

export function isFinished(item) {
  return !["pending", "running"].includes(item.dataset.status);
}

export function applySearch(search) {
  let item = findItem(search.task_id);
  if (item === null) {
    if (!("newest" in results.dataset)) {
      return; // only the first page of the list shows new searches
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
  // Otherwise a screen reader would read the answer word by word.
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

// The socket's module requests what is missing.
function missSomething() {
  results.dispatchEvent(new Event("missing"));
}

export function applyChunk({ task_id, sequence, chunk }) {
  const item = findItem(task_id);
  if (item === null) {
    missSomething();
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
    missSomething(); // an earlier chunk has not arrived
  }
}

// Removes a search that an operator has deleted.
export function removeItem(item) {
  if (item.contains(document.activeElement)) {
    form.elements.query.focus();
  }
  item.remove();
}

// Returns whether `id` belongs to the page's user. If the page has no user yet, the user
// with this id becomes the page's user.
export function isSameUser(id) {
  const name = String(id ?? "");
  if (user === "" && name !== "") {
    user = document.body.dataset.user = name;
  }
  return name === user;
}
