// Gives an accessible name to the theme's search dialog and to the numbers of the notes in
// a listing. Also makes these numbers reachable with the keyboard.
document.querySelector(".md-search")?.setAttribute("aria-label", "Search");

function nameNotes() {
  for (const sign of document.querySelectorAll("a.md-annotation__index:not([aria-label])")) {
    const number = sign.firstElementChild?.dataset.mdAnnotationId;
    sign.setAttribute("aria-label", `Note ${number}`);
    sign.removeAttribute("tabindex");
  }
}

new MutationObserver(nameNotes).observe(document.body, { childList: true, subtree: true });
nameNotes();

// A term of the glossary has a tooltip, which opens when the pointer is on the term. The
// first occurrence of each term can also be focused, so that the keyboard opens its tooltip.
function reachTerms() {
  const reached = new Set();
  for (const term of document.querySelectorAll("article abbr[title]")) {
    if (!reached.has(term.title) && !term.closest("a, h1, h2, h3, h4")) {
      reached.add(term.title);
      term.tabIndex = 0;
    }
  }
}

reachTerms();
