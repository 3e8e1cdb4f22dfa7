// Stage 1 · template: opens the WebSocket, shows its state in the badge, and
// logs that the form is sent.

const form = document.querySelector("#search-form");
const badge = document.querySelector("#socket-state");

function showState(state, text) {
  badge.dataset.state = state;
  badge.textContent = text;
}

const scheme = location.protocol === "https:" ? "wss" : "ws";
const socket = new WebSocket(`${scheme}://${location.host}/ws/search/`);

socket.onopen = () => showState("live", "Live");
socket.onclose = () => showState("offline", "Offline: nobody answers the socket");

form.addEventListener("submit", () => {
  // The search has no id yet.
  console.info(`stage 1 · template · - · the form sends "${form.elements.query.value}"`);
});
