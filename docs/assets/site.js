// Names two things that the theme leaves unnamed: its search dialog, and the signs of
// the notes in a listing, which a keyboard must also reach.
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

// The terms of the glossary have tooltips for a pointer. The first occurrence of each
// term also has one for the keyboard.
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
