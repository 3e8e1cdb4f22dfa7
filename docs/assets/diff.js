// The diff explorer: opens the page of the two chosen steps, and shows each change in
// the view that the reader prefers. Runs at once, before the browser draws the diffs.
(() => {
  const chooser = document.querySelector(".diff-choose");

  chooser.addEventListener("submit", (event) => {
    event.preventDefault();
    const [one, other] = chooser.querySelectorAll("select");
    const [first, last] =
      one.selectedIndex < other.selectedIndex ? [one, other] : [other, one];
    const message = chooser.querySelector("[role=status]");
    if (one.value === other.value) {
      message.textContent = "Both steps are the same. Choose two different steps.";
    } else {
      message.textContent = "";
      location.assign(new URL(`${first.value}-${last.value}/`, chooser.action));
    }
  });

  // If the reader comes back to this page, show the page's own steps in the selects again.
  addEventListener("pageshow", () => chooser.reset());

  const views = [...document.querySelectorAll("input[name=diff-view]")];
  if (!views.length) return;

  const KEY = "diff-view";
  // The stylesheet uses the same width if no view is chosen.
  const roomy = matchMedia("(min-width: 60em)");

  function remembered() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // the browser has no storage
    }
  }

  function showView() {
    const usual = roomy.matches ? "side-by-side" : "unified";
    const wanted = views.find((view) => view.value === remembered());
    (wanted ?? views.find((view) => view.value === usual)).checked = true;
  }

  for (const view of views) {
    view.addEventListener("change", () => {
      try {
        localStorage.setItem(KEY, view.value);
      } catch {
        // without storage, the choice applies only to this page
      }
    });
  }
  // Make the columns focusable if they scroll, so that the arrow keys can scroll them.
  const width = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  addEventListener("DOMContentLoaded", () => {
    for (const box of document.querySelectorAll(".diff-sides")) width.observe(box);
  });

  roomy.addEventListener("change", showView);
  addEventListener("pageshow", showView);
  showView();
})();
