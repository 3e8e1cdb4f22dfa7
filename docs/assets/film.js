// The film of the home page: starts when it is in view, and stops at its end. film.css
// defines what it shows. This script handles its start and its button.
function controlFilm(film) {
  const labels = { paused: "Play", playing: "Pause", ended: "Play again" };
  const button = film.querySelector("button");
  let isLeftAlone = true;

  function show(state) {
    film.dataset.state = state;
    button.textContent = labels[state];
  }

  function press() {
    isLeftAlone = false;
    if (film.dataset.state === "ended") {
      delete film.dataset.state;
      // Force a layout, so that the browser notices the change. Otherwise the animations stay at
      // their end.
      void film.offsetWidth;
    }
    show(film.dataset.state === "playing" ? "paused" : "playing");
  }

  async function start([entry]) {
    if (entry.isIntersecting) {
      observer.disconnect();
      const shown = [...film.querySelectorAll("img")].filter((image) => image.offsetWidth);
      await Promise.allSettled(shown.map((image) => image.decode()));
      if (isLeftAlone) {
        show("playing");
      }
    }
  }

  button.addEventListener("click", press);
  film.addEventListener("animationend", () => show("ended"));
  show("paused");
  button.hidden = false;
  const observer = new IntersectionObserver(start, { threshold: 0.25 });
  observer.observe(film);
}

document.querySelectorAll(".film").forEach(controlFilm);
