// Turns the page about the flow into a stepper: it shows one stage at a time, and highlights
// this stage in the picture. Without this script, the page shows all stages, and the picture
// links to them.

function makeStepper(picture, stages) {
  const titles = stages.map((stage) => {
    const heading = stage.querySelector("h2").cloneNode(true);
    heading.querySelectorAll(".headerlink").forEach((link) => link.remove());
    return heading.textContent;
  });
  let at = 0;
  let showsAll = false;

  function button(name, words, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = name;
    made.textContent = words;
    made.addEventListener("click", act);
    return made;
  }

  const back = button("flow-back", "Back", () => go(at - 1));
  const forward = button("flow-forward", "Forward", () => go(at + 1));
  const all = button("flow-all", "Show all", () => {
    showsAll = !showsAll;
    update();
  });
  const state = document.createElement("p");
  state.setAttribute("role", "status");

  const bar = document.createElement("div");
  bar.className = "flow-bar";
  bar.append(back, forward, state, all);

  const stepper = document.createElement("div");
  stepper.className = "flow-stepper";
  stepper.setAttribute("role", "group");
  stepper.setAttribute("aria-label", "The flow, stage by stage");
  picture.before(stepper);
  stepper.append(picture, bar, ...stages);

  function update() {
    stages.forEach((stage, number) => {
      stage.classList.toggle("is-away", !showsAll && number !== at);
    });
    light(showsAll ? null : at + 1);
    back.hidden = forward.hidden = showsAll;
    // Do not use `disabled`: the button would lose the focus after it is pressed.
    back.setAttribute("aria-disabled", at === 0);
    forward.setAttribute("aria-disabled", at === stages.length - 1);
    all.textContent = showsAll ? "One by one" : "Show all";
    const [name, rest] = titles[at].split(/(?=:)/);
    const more = document.createElement("span");
    more.className = "flow-name";
    more.textContent = rest;
    const count = showsAll ? `All ${stages.length} stages` : `${name} of ${stages.length}`;
    state.replaceChildren(count, ...(showsAll ? [] : [more]));
  }

  function light(stage) {
    if (stage === null) {
      delete picture.dataset.lit;
    } else {
      picture.dataset.lit = stage;
    }
    let process = null;
    for (const part of picture.querySelectorAll("[data-stage]")) {
      const own = Number(part.dataset.stage);
      const isLit = stage === null || own === stage;
      part.classList.toggle("is-lit", isLit);
      part.classList.toggle("is-done", !isLit && own < stage);
      part.classList.toggle("is-ahead", !isLit && own > stage);
      if (part.matches(".station")) {
        part.removeAttribute("aria-current");
        if (own === stage) {
          part.setAttribute("aria-current", "step");
          process = part.dataset.process;
        }
      }
    }
    for (const lane of picture.querySelectorAll(".lane")) {
      lane.classList.toggle("is-here", lane.dataset.process === process);
    }
  }

  function go(number) {
    if (showsAll || number === at || number < 0 || number >= stages.length) {
      return;
    }
    at = number;
    update();
    history.replaceState(history.state, "", `#${stages[at].querySelector("h2").id}`);
    reveal();
  }

  // Scroll to the picture or, if the heading of the stage is then still below the window, to the
  // heading.
  function reveal() {
    const heading = stages[at].querySelector("h2");
    const top = stepper.getBoundingClientRect().top;
    if (top < 0 || heading.getBoundingClientRect().bottom > innerHeight) {
      stepper.scrollIntoView();
    }
    if (heading.getBoundingClientRect().bottom > innerHeight) {
      heading.scrollIntoView();
    }
  }

  function follow() {
    const target = document.getElementById(location.hash.slice(1));
    const number = stages.findIndex((stage) => stage.contains(target));
    if (target === null || number < 0) {
      return;
    }
    if (showsAll) {
      at = number;
      return;
    }
    at = number;
    update();
    if (target.matches("h2")) {
      reveal();
    } else {
      target.scrollIntoView();
    }
  }

  stepper.addEventListener("keydown", (event) => {
    const isPlain = !(event.altKey || event.ctrlKey || event.metaKey || event.shiftKey);
    const moves = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: stages.length - 1 };
    const isOurs = event.target.closest(".flow, .flow-bar") && event.key in moves;
    if (isPlain && isOurs && !showsAll) {
      event.preventDefault();
      go(moves[event.key]);
    }
  });
  addEventListener("hashchange", follow);
  // On load, the browser scrolls to the anchor of the address. Scroll again after that, because the
  // stepper has moved the stages.
  addEventListener("load", follow);
  update();
  follow();
}

{
  const picture = document.querySelector(".flow-of-stages");
  const stages = [...document.querySelectorAll(".flow-stage")];
  if (picture && stages.length) {
    makeStepper(picture, stages);
  }
}
