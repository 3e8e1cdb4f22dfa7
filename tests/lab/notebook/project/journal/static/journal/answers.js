const list = document.getElementById("questions");
const offline = document.getElementById("offline");

function pendingItems() {
  return Array.from(list.querySelectorAll('[data-status="pending"]'));
}

function socketUrl() {
  const url = new URL("/ws/answers/", window.location.href);
  url.protocol = window.location.protocol === "https:" ? "wss:" : "ws:";
  for (const item of pendingItems()) {
    url.searchParams.append("pending", item.dataset.question);
  }
  return url;
}

function fillIn({ question, status, label, text }) {
  const item = pendingItems().find(
    (candidate) => Number(candidate.dataset.question) === question,
  );
  if (!item) {
    return;
  }
  item.dataset.status = status;
  item.querySelector(".status").textContent = label;
  item.querySelector(".answer").textContent = text;
}

const socket = new WebSocket(socketUrl());
socket.addEventListener("message", (event) => fillIn(JSON.parse(event.data)));
socket.addEventListener("close", () => {
  offline.hidden = false;
});
