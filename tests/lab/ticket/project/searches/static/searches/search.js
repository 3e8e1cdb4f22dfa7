const form = document.querySelector("#search-form");
const notice = document.querySelector("#notice");
const results = document.querySelector("#results");
const template = document.querySelector("#result-template");

function addResult(question) {
  const result = template.content.cloneNode(true).firstElementChild;
  result.querySelector(".question").textContent = question;
  results.prepend(result);
  return result.querySelector(".answer");
}

function listen(id, output) {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/ws/search/${id}/`);
  let answered = false;

  socket.addEventListener("message", (event) => {
    const { answer } = JSON.parse(event.data);
    output.textContent = answer;
    answered = true;
    socket.close();
  });

  socket.addEventListener("close", () => {
    if (!answered) {
      output.textContent = "The connection was lost before the answer came.";
    }
  });
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const data = new FormData(form);
  const response = await fetch(form.action, { method: "POST", body: data });
  notice.textContent = response.ok ? "" : "The search could not be started.";
  if (!response.ok) {
    return;
  }

  const { id } = await response.json();
  listen(id, addResult(data.get("question")));
  form.reset();
});
