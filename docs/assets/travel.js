// Replays a recorded search: moves a token through the picture of the flow, hop by hop.
function controlTravel(travel) {
  const PACE = 1100; // ms
  const hops = [...travel.querySelectorAll(".travel__hops > li")];
  const buttons = travel.querySelector(".travel__buttons");
  const [back, play, forward] = buttons.querySelectorAll("button");
  let at = -1;
  let timer = null;

  function show() {
    hops.forEach((hop, index) => hop.toggleAttribute("data-here", index === at));
    const stages = hops.slice(0, at + 1).map((hop) => Number(hop.dataset.stage || 0));
    const stage = Math.max(0, ...stages);
    for (const picture of travel.querySelectorAll("svg")) {
      const token = picture.querySelector(".travel__token");
      token.setAttribute("visibility", stage ? "visible" : "hidden");
      if (stage) {
        const [x, y] = picture.dataset.places.split(" ")[stage - 1].split(",").map(Number);
        token.style.transform = `translate(${x}px, ${y - 28}px)`;
      }
    }
    back.disabled = at <= 0;
    forward.disabled = at >= hops.length - 1;
    play.textContent = timer ? "Pause" : "Play";
  }

  function pause() {
    clearInterval(timer);
    timer = null;
  }

  function go(to) {
    at = Math.min(Math.max(to, 0), hops.length - 1);
    if (at === hops.length - 1) pause();
    show();
  }

  back.addEventListener("click", () => { pause(); go(at - 1); });
  forward.addEventListener("click", () => { pause(); go(at + 1); });
  play.addEventListener("click", () => {
    if (timer) {
      pause();
      show();
      return;
    }
    timer = setInterval(() => go(at + 1), PACE);
    go(at >= hops.length - 1 ? 0 : at + 1);
  });
  buttons.hidden = false;
  show();
}

document.querySelectorAll(".travel").forEach(controlTravel);
