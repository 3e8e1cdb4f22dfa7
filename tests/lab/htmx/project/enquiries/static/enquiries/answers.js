"use strict";

(() => {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const early = new Map();

  function place(fragment) {
    const placeholder = document.getElementById(fragment.id);
    if (placeholder) {
      placeholder.replaceWith(fragment);
      early.delete(fragment.id);
    } else {
      early.set(fragment.id, fragment);
    }
  }

  function receive(event) {
    const template = document.createElement("template");
    template.innerHTML = event.data;
    Array.from(template.content.children).forEach(place);
  }

  function connect() {
    const socket = new WebSocket(`${scheme}://${location.host}/ws/answers/`);
    socket.addEventListener("message", receive);
    socket.addEventListener("close", () => setTimeout(connect, 2000));
  }

  document.body.addEventListener("htmx:afterSettle", () => {
    Array.from(early.values()).forEach(place);
  });

  connect();
})();
