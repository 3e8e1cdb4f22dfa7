const box = document.querySelector("#toast");
let timer;

export function toast(text) {
  clearTimeout(timer);
  box.textContent = text;
  box.hidden = false;
  timer = setTimeout(() => {
    box.hidden = true;
  }, 4000);
}
