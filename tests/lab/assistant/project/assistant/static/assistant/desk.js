import { csrfToken } from "./csrf.js";
import { toast } from "./toast.js";

const form = document.querySelector("#ask");
const list = document.querySelector("#questions");
const template = document.querySelector("#card");
const live = document.querySelector("#live");

const find = (id) => list.querySelector(`[data-question="${id}"]`);

function add(id) {
  const card = template.content.firstElementChild.cloneNode(true);
  card.dataset.question = id;
  list.prepend(card);
  return card;
}

function show({ id, text, status, answer }) {
  const card = find(id) ?? add(id);
  card.dataset.status = status;
  card.querySelector("h2").textContent = text;
  if (status === "answered") {
    card.querySelector("p").textContent = answer;
  } else if (status === "failed") {
    card.querySelector("p").textContent = "No answer this time.";
  }
}

function listen() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}${live.dataset.socket}`);
  socket.addEventListener("open", () => {
    live.textContent = "Live";
  });
  socket.addEventListener("message", (event) => {
    const question = JSON.parse(event.data);
    show(question);
    toast(question.status === "answered" ? "Answered." : "That did not work.");
  });
  socket.addEventListener("close", () => {
    live.textContent = "Connecting…";
    setTimeout(listen, 2000);
  });
}

async function send() {
  const response = await fetch(form.dataset.endpoint, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "X-CSRFToken": csrfToken(),
    },
    body: JSON.stringify(Object.fromEntries(new FormData(form))),
  });
  if (response.status !== 202) {
    toast("Your question could not be sent.");
    return;
  }
  form.reset();
  const question = await response.json();
  if (!find(question.id)) {
    show(question);
    toast("Sent. The answer will appear below.");
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send().catch(() => toast("The server cannot be reached."));
});

listen();
