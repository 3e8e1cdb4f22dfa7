const askForm = document.getElementById("ask");
const notice = document.getElementById("notice");
const link = document.getElementById("link");
const answers = document.querySelector("#answers tbody");
const blankRow = document.getElementById("answer-row").content.firstElementChild;

const scheme = location.protocol === "https:" ? "wss:" : "ws:";
const socket = new WebSocket(`${scheme}//${location.host}/ws/board/`);

function showAnswer(id, texts) {
  const row = blankRow.cloneNode(true);
  row.dataset.id = id;
  [...row.cells].forEach((cell, index) => {
    cell.textContent = texts[index];
  });
  answers.querySelector(`[data-id="${id}"]`)?.remove();
  answers.prepend(row);
}

socket.addEventListener("open", () => {
  link.textContent = "live";
});

socket.addEventListener("close", () => {
  link.textContent = "offline, please reload";
});

socket.addEventListener("message", (message) => {
  const [kind, id, ...texts] = JSON.parse(message.data);
  if (kind === "answer") {
    showAnswer(id, texts);
    notice.value = "";
  }
});

askForm.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = askForm.querySelector("button");
  button.disabled = true;
  notice.value = "Sending";
  try {
    const response = await fetch(askForm.action, {
      method: "POST",
      body: new FormData(askForm),
    });
    if (response.ok) {
      askForm.elements.prompt_text.value = "";
      notice.value = "The studio is thinking";
    } else if (response.headers.get("Content-Type") === "application/json") {
      notice.value = (await response.json()).error;
    } else {
      notice.value = "Something went wrong";
    }
  } catch {
    notice.value = "The studio cannot be reached";
  } finally {
    button.disabled = false;
  }
});
