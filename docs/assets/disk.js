// A page that was opened from disk: no server finds the page of a folder there, and the
// browser forbids the search to load its index.
if (location.protocol === "file:") {
  for (const link of document.links) {
    if (link.protocol === "file:" && link.pathname.endsWith("/")) link.pathname += "index.html";
  }

  const note = document.createElement("div");
  note.className = "admonition note from-disk";
  note.innerHTML = `<p class="admonition-title">You have opened this page from disk</p>
    <p>The pages, their listings and their notes work, and the search does not. With it,
    <code translate="no">python3 -m tutorial docs</code> shows the site at
    <a href="http://127.0.0.1:8001">http://127.0.0.1:8001</a>.</p>`;
  document.querySelector("article")?.prepend(note);
}
