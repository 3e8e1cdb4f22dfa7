// For pages that are opened from disk, such as the pages in a pack. The browser does not let the search
// load its index, so remove the search. There is no server that responds to a link to a folder with the
// folder's index.html, so link to that file.
if (location.protocol === "file:") {
  const notice = document.createElement("div");
  notice.className = "admonition warning from-disk";
  notice.setAttribute("role", "note");
  notice.innerHTML =
    '<p class="admonition-title">Opened from disk: the search does not work</p>' +
    "<p>The pages, their listings and their notes work. To search them, type " +
    "<code translate='no'>python3 -m tutorial docs</code> in the tutorial's " +
    'folder, and open <a href="http://127.0.0.1:8001">http://127.0.0.1:8001</a>.</p>';
  document.querySelector(".md-content__inner")?.prepend(notice);
  document.querySelector(".md-search")?.remove();
  document.querySelector("label.md-header__button[for=__search]")?.remove();

  for (const link of document.querySelectorAll("a[href]")) {
    // In an SVG, `link.href` is not a string.
    const url = new URL(link.getAttribute("href"), document.baseURI);
    if (url.protocol === "file:" && url.pathname.endsWith("/")) {
      url.pathname += "index.html";
      link.setAttribute("href", url);
    }
  }
}
