// "When nothing happens": shows only the entries that match the typed text.

const field = document.querySelector("#symptom");
if (field) {
  offerSearch(field);
}

function offerSearch(field) {
  const status = field.parentElement.querySelector("[role=status]");
  const entries = [...document.querySelectorAll("article.mistake")].map((element) => ({
    element,
    // Each word has a space before it. `find` looks for a space followed by a typed word, so
    // a typed word matches only at the start of a word.
    text: ` ${words(element.textContent).join(" ")} `,
  }));

  function search() {
    const asked = [...new Set(words(field.value))];
    const { found, isWhole } = find(entries, asked, exceptionIn(field.value));
    for (const { element } of entries) {
      element.hidden = !found.has(element);
    }
    for (const { parts, members } of findSections(entries)) {
      const left = members.some((element) => found.has(element));
      for (const part of parts) {
        part.hidden = asked.length > 0 && !(left && part.tagName === "H2");
      }
    }
    status.textContent = inWords(asked, found.size, isWhole);
  }

  function inWords(asked, count, isWhole) {
    const all = `${entries.length} entries`;
    if (asked.length === 0) {
      return all;
    }
    if (count === 0) {
      return `None of ${all} has any of these words. Try a different word.`;
    }
    const [verb, fit] = count === 1 ? ["has", "fits"] : ["have", "fit"];
    return isWhole
      ? `${count} of ${all} ${verb} all of these words.`
      : `None of ${all} has all of these words; ${count} ${fit} best.`;
  }

  function showTarget(hash) {
    const target = hash.length > 1 && document.getElementById(decodeURIComponent(hash.slice(1)));
    if (target && target.closest("[hidden]")) {
      field.value = "";
      search();
      return target;
    }
    return null;
  }

  field.addEventListener("input", search);
  // A link to a hidden entry shows all entries again.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href*='#']");
    if (link && link.pathname === location.pathname) {
      showTarget(link.hash);
    }
  });
  window.addEventListener("hashchange", () => showTarget(location.hash)?.scrollIntoView());
  // The browser may restore the text from an earlier visit.
  window.addEventListener("pageshow", () => {
    search();
    showTarget(location.hash)?.scrollIntoView();
  });
  field.parentElement.hidden = false;
  search();
}

function words(text) {
  // Keep "at /" together, as in "NoReverseMatch at /", the first line of Django's error page.
  // A search for "at" alone would find entries that have nothing to do with this page.
  return text.toLowerCase().match(/\bat \/|[\p{L}\p{N}_]+/gu) ?? [];
}

// Return the name of the exception in "SyntaxError: invalid syntax" or "NoReverseMatch at /".
// If the message contains several names, return the last one: a traceback ends with the
// exception that was raised.
function exceptionIn(message) {
  return message.match(/\b[A-Z]\w*[A-Z]\w*[a-z]\w*(?=:| at \/)/g)?.at(-1).toLowerCase();
}

// Return the sections that contain entries: `members` are the entries of a section, and
// `parts` are its heading and its other elements.
function findSections(entries) {
  const sections = [];
  const known = new Set(entries.map((entry) => entry.element));
  let section = null;
  for (const element of entries[0].element.parentElement.children) {
    if (element.tagName === "H2") {
      section = { parts: [], members: [] };
      sections.push(section);
    }
    if (known.has(element)) {
      section?.members.push(element);
    } else {
      section?.parts.push(element);
    }
  }
  return sections.filter(({ members }) => members.length > 0);
}

// Return the entries that contain all words. A pasted message may contain the names of the
// reader's own files, so possibly no entry contains all words. Then return the entries with
// the rarest words. If some entries name the exception, search only those: the other words
// of the message may also occur in unrelated entries.
function find(entries, asked, exception) {
  const has = (entry, word) => entry.text.includes(` ${word}`);
  const naming = entries.filter((entry) => exception && has(entry, `${exception} `));
  const candidates = naming.length > 0 ? naming : entries;
  const whole = candidates.filter((entry) => asked.every((word) => has(entry, word)));
  if (whole.length > 0) {
    return { found: new Set(whole.map((entry) => entry.element)), isWhole: true };
  }
  const weights = asked.map((word) => {
    const count = entries.filter((entry) => has(entry, word)).length;
    return count ? Math.log(entries.length / count) : 0;
  });
  const scores = candidates.map((entry) =>
    asked.reduce((sum, word, at) => sum + (has(entry, word) ? weights[at] : 0), 0),
  );
  const best = Math.max(...scores);
  const near = candidates.filter((_, at) => best > 0 && scores[at] >= 0.8 * best);
  return { found: new Set(near.map((entry) => entry.element)), isWhole: false };
}
