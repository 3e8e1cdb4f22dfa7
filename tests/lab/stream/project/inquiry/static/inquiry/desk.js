"use strict";

const form = document.querySelector("#ask");
const notice = document.querySelector("#notice");
const feed = document.querySelector("#feed");
const blank = document.querySelector("#entry").content;
const entries = new Map();

const frames = {
  start({ search }) {
    const entry = blank.cloneNode(true).querySelector("article");
    entry.dataset.status = search.status;
    entry.querySelector("h2").textContent = search.question;
    entries.set(search.id, entry);
    feed.prepend(entry);
    notice.textContent = "";
  },
  delta({ search, delta }) {
    entries.get(search.id)?.querySelector(".answer").append(delta);
  },
  end({ search }) {
    const entry = entries.get(search.id);
    if (entry) entry.dataset.status = search.status;
    entries.delete(search.id);
  },
};

function listen() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/ws/desk/`);
  const heartbeat = setInterval(() => {
    if (socket.readyState === WebSocket.OPEN) socket.send("ping");
  }, 20000);
  socket.addEventListener("open", () => {
    document.body.dataset.socket = "open";
  });
  socket.addEventListener("message", (message) => {
    const { event } = JSON.parse(message.data);
    frames[event.kind]?.(event.payload);
  });
  socket.addEventListener("close", () => {
    document.body.dataset.socket = "closed";
    clearInterval(heartbeat);
    setTimeout(listen, 2000);
  });
}

form.addEventListener("submit", async (submission) => {
  submission.preventDefault();
  const body = new FormData(form);
  form.reset();
  notice.textContent = "Thinking…";
  const response = await fetch(form.action, { method: "POST", body });
  if (!response.ok) notice.textContent = "Your question could not be sent.";
});

listen();
