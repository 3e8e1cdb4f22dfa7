// Stage 1 · template: logs that the form is sent.
// Stage 7 · browser: sends the forms without a reload.

import { applySearch, findItem, form, isSameUser, results, showNotice } from "./page.js";

const PATIENCE = 20_000; // milliseconds to wait for the server's response

async function send(sent) {
  const headers = { Accept: "application/json" };
  const body = new FormData(sent);
  const signal = AbortSignal.timeout(PATIENCE);
  // The page stays open, and so does its socket. A reload would close the socket.
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
    location = form.action; // the first page of the list shows the new search
    return;
  }
  showNotice(data.notice, "success");
  applySearch(data.search);
  if (sent === form) {
    form.elements.task_id.value = data.next_task_id;
    form.elements.query.value = "";
  }
}

// The server may have received the form. Sending the form again does not start a second
// search.
function unconfirmed(error) {
  const remedy = "Send the form again: even if it arrives twice, it counts only once.";
  return `The server did not confirm that it received the form: ${error.message}. ${remedy}`;
}

document.addEventListener("submit", (event) => {
  const sent = event.target;
  const button = sent.querySelector("button");
  if (sent.method !== "post" || !sent.closest("main")) {
    return;
  }
  event.preventDefault();
  // Do not use `disabled`: the button would lose the focus.
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
