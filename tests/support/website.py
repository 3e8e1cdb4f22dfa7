"""Builds and serves the site, searches it, and checks its pages with axe-core."""

import functools
import http.server
import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tutorial.paths import ROOT
from tutorial.runtime.exclusive import locked


@dataclass(frozen=True)
class Built:
    """The built site."""

    folder: Path
    output: str
    seconds: float  # CPU time, because other tests may keep the machine busy

    def pages(self) -> list[Path]:
        """Return the paths of the site's pages, not counting 404.html.

        404.html is left out because all its links begin at the root of the host.
        """
        found = sorted(self.folder.rglob("*.html"))
        return [page for page in found if page.name != "404.html"]

    def paths(self) -> list[str]:
        """Return the addresses of the pages, relative to the address of the site."""
        return [
            page.parent.relative_to(self.folder).as_posix().removeprefix(".")
            for page in self.pages()
        ]


def build(folder: Path, **variables: str) -> Built:
    """Build the site as `docs --build` does, but into `folder`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"} | variables,
        capture_output=True,
        text=True,
        timeout=180,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    return Built(folder, output, seconds)


def build_once(shared: Path) -> Built:
    """Build the site in the first test process that calls this function, and return it.

    Other test processes wait until the site is built. `shared` is a folder that all of
    them use.
    """
    folder, record = shared / "site", shared / "site.json"
    with locked(shared / "site.lock"):
        if not record.exists():
            built = build(folder)
            record.write_text(json.dumps([built.output, built.seconds]))
    return Built(folder, *json.loads(record.read_text()))


# A browser with this cookie gets the index of the search.
WANTS_INDEX = "index=wanted"
CONFIG = {"lang": ["en"], "separator": " ", "pipeline": []}
EMPTY_INDEX = json.dumps({"config": CONFIG, "docs": []}).encode()


class Files(http.server.SimpleHTTPRequestHandler):
    """Serves the files of a folder, but the index of the search only with the cookie.

    Each page that is loaded reads the index, which takes nearly half of its CPU time.
    """

    def do_GET(self) -> None:
        """Send the file, or an empty index."""
        is_wanted = WANTS_INDEX in self.headers.get("Cookie", "")
        if is_wanted or not self.path.endswith("/search_index.json"):
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(EMPTY_INDEX)))
        self.end_headers()
        self.wfile.write(EMPTY_INDEX)
        return None

    def log_message(self, *arguments) -> None:
        """Print nothing."""


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Run a file server for `folder` during the `with` block, and yield its address."""
    handler = functools.partial(Files, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


def search(page: Page, text: str) -> Locator:
    """Load the page with the index, search for `text`, and return the results' links.

    The whole text is entered in one action. If it was typed key by key, the theme would
    replace the links after each key, and a click on a replaced link would have no
    effect.
    """
    name, _, value = WANTS_INDEX.partition("=")
    host = urljoin(page.url, "/")  # a longer URL would limit the cookie to its folder
    page.context.add_cookies([{"name": name, "value": value, "url": host}])
    page.reload()
    field = page.get_by_role("textbox", name="Search", exact=True)
    field.fill(text)
    field.press("End")  # the theme reads the field when a key is released
    links = page.locator(".md-search-result__link")
    expect(links.first).to_be_visible(timeout=10_000)
    return links


# A script that shortens the listings in the page: it removes a line if earlier lines
# show all its colours. A long listing has thousands of words in a dozen colours, and
# axe-core would measure the contrast of each word.
ONE_LINE_OF_EACH_COLOUR = """() => {
  const seen = new Set();
  for (const line of document.querySelectorAll("pre code > *")) {
    const box = line.closest(".highlight, .diff-file");
    const colours = [line, ...line.querySelectorAll("*")].map((part) =>
      [box, line.parentElement, line, part.parentElement, part]
        .map((element) => `${element?.tagName}.${element?.className}`).join()
    );
    if (colours.every((colour) => seen.has(colour))) line.remove();
    colours.forEach((colour) => seen.add(colour));
  }
  // The page is shorter now: let the theme notice that.
  return new Promise((done) =>
    requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))
  );
}"""

# Whether the page has settled: the site's script has run, the keyboard can reach code
# that scrolls, and no CSS transition is running. (While a title fades in, its contrast
# is too low for axe-core.)
IS_SETTLED = """() =>
  document.querySelector(".md-search[aria-label]")
  && [...document.querySelectorAll("code")].every(
    (code) => !code.offsetParent || code.tabIndex === 0
      || code.scrollWidth <= code.clientWidth
      || getComputedStyle(code).overflowX !== "auto")
  && document.getAnimations().every((one) => !(one instanceof CSSTransition))"""


def settle(page: Page) -> None:
    """Wait until the look of the page does not change any more."""
    page.wait_for_function(IS_SETTLED)


# A script that marks a visible element if earlier visible elements look like it and its
# contents: they have the same tags, classes and styles, and so have their ancestors.
# Such text has the same contrast, and axe-core needs most of its time to measure it.
MARK_REPEATED_LOOKS = """() => {
  const seen = new Set(), looks = new Map();
  const look = (element) => {
    if (!element) return "";
    if (!looks.has(element)) {
      const style = element.getAttribute("style") ?? "";
      const own = `${element.tagName}.${element.getAttribute("class") ?? ""} ${style}`;
      looks.set(element, `${look(element.parentElement)}/${own}`);
    }
    return looks.get(element);
  };
  for (const element of document.body.querySelectorAll("*")) {
    if (!element.checkVisibility()) continue;
    const parts = [element, ...element.querySelectorAll("*")];
    if (parts.every((part) => seen.has(look(part)))) element.dataset.repeated = "";
    seen.add(look(element));
  }
}"""
UNMARK = """() => document.querySelectorAll("[data-repeated]").forEach(
  (element) => delete element.dataset.repeated
)"""


def serious(
    page: Page, *, inside: str = "html", only_contrast: bool = False
) -> list[tuple[str, list[str]]]:
    """Return the serious and critical problems that axe-core finds in the page.

    It checks its default rules, or only the contrast of colours. `inside` is a selector
    for the part of the page to check. Before the check, this function removes from the
    page each line of code if earlier lines show all its colours. Contrast is measured
    only once for elements of the same look.
    """
    settle(page)
    page.evaluate(ONE_LINE_OF_EACH_COLOUR)
    # The page is shorter now. So the theme may be fading a button in or out.
    settle(page)
    page.evaluate(MARK_REPEATED_LOOKS)
    once = {"include": [inside], "exclude": ["[data-repeated]"]}
    found = violations(page, once, runOnly=["color-contrast"])
    page.evaluate(UNMARK)
    if not only_contrast:
        others = {"color-contrast": {"enabled": False}}
        found += violations(page, inside, rules=others)
    return found


def violations(page: Page, inside: str | dict = "html", **options: Any) -> list[tuple]:
    """Return such problems, but check the page without changing it.

    `inside` and `options` are the context and the options of axe-core's `run`.
    """
    # Without `resultTypes`, axe-core also reports at length what is correct.
    options["resultTypes"] = ["violations"]
    found = Axe().run(page, context=inside, options=options).response
    return [
        (violation["id"], [node["html"][:160] for node in violation["nodes"][:3]])
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
