// Stage 1 · template: opens the WebSocket, shows its state in the badge, and
// logs that the form is sent.
// Stage 7 · browser: sends the form without a reload, and puts each answer that
// the socket brings into the page.

const form = document.querySelector("#search-form");
const badge = document.querySelector("#socket-state");
const notices = document.querySelector("#notices");
const results = document.querySelector("#results");
const resultTemplate = document.querySelector("#result-template");

function showState(state, text) {
  badge.dataset.state = state;
  badge.textContent = text;
}

const scheme = location.protocol === "https:" ? "wss" : "ws";
const socket = new WebSocket(`${scheme}://${location.host}/ws/search/`);

socket.onopen = () => showState("live", "Live");
socket.onclose = () => showState("offline", "Offline: nobody answers the socket");

socket.onmessage = (event) => {
  const data = JSON.parse(event.data);
  const item = resultTemplate.content.cloneNode(true);
  // textContent, never innerHTML: an answer is text, whatever it contains.
  item.querySelector("h3").textContent = data.query;
  item.querySelector(".answer").textContent = data.answer;
  item.querySelector(".error").textContent = data.error;
  results.prepend(item);
  const id = data.task_id.slice(0, 8);
  console.info(`stage 7 · browser · ${id} · the answer is in the page`);
};

function showNotice(text) {
  const notice = document.createElement("p");
  notice.className = "error";
  notice.textContent = text;
  notices.replaceChildren(notice);
}

async function send() {
  // The page stays open, and so does its socket. A reload would close the socket.
  const response = await fetch(form.action, { method: "POST", body: new FormData(form) });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const newNotices = page.querySelector("#notices");
  if (newNotices === null) {
    throw new Error(`it responded with status ${response.status}`);
  }
  notices.replaceChildren(...newNotices.childNodes);
  if (response.ok) {
    form.reset();
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send().catch((error) => {
    showNotice(`The server did not confirm your question: ${error.message}`);
  });
  // The search has no id yet.
  console.info(`stage 1 · template · - · the form sends "${form.elements.query.value}"`);
});
