"""The handout: all pages of the steps in one page, which a browser prints as a PDF."""

import re
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from tutorial.problem import Problem
from tutorial.project.steps import Step, steps
from tutorial.runtime import browser
from tutorial.site import build

CSS = Path(__file__).with_name("handout.css")
# No server has this name: the browser gets each file from the folder of the site.
HOST = "http://handout.invalid/"
# The handout is next to the pages of the steps, so that the relative addresses in these
# pages stay valid.
ADDRESS = "steps/handout/"

ARTICLE = re.compile(r'(<article class="md-content_[^>]*>)(.*?)(</article>)', re.S)
FIGURE = re.compile(r'<figure class="flow.*?</figure>', re.S)
TITLE = re.compile(r"<title>.*?</title>", re.S)
# The link to the diff explorer at the start of a step's page. The handout does not
# contain the explorer.
DIFF = re.compile(r" · <a [^>]*>All changes</a>")
LINE_ANCHOR = re.compile(r'<a id="__codelineno[^>]*></a>')
TAG = re.compile(r"<[a-z][^<>]*>")
NAME = re.compile(r'\b(id|for|name)="([^"]*)"')
LINK = re.compile(r'\bhref="([^"]*)"')

# Returns true once the theme has replaced the marks of all notes, and all pictures are
# loaded.
IS_READY = r"""() =>
  document.querySelector(".md-search[aria-label]")
  && [...document.querySelectorAll("pre code .c1, pre code .cm, pre code .c")].every(
    (comment) => !/\(\d+\)!/.test(comment.textContent))
  && [...document.images].every((image) => image.complete)"""
UNFOLD = """() => {
  document.querySelectorAll("details").forEach((one) => { one.open = true; });
  document.querySelectorAll("img").forEach((one) => { one.loading = "eager"; });
}"""
NUMBER = """(numbers) => {
  for (const link of document.querySelectorAll(".handout-contents a")) {
    link.lastElementChild.textContent = numbers[link.hash.slice(1)] ?? "";
  }
}"""
PATIENCE = 60_000  # milliseconds to wait for IS_READY


def write_pdf(file: Path) -> None:
    """Write the handout of all steps to `file`.

    Raises Problem if there is no browser, if the site cannot be built, or if the file
    cannot be written.
    """
    if not file.parent.is_dir() or file.is_dir():
        raise Problem(f"{file} cannot be written: name a file in a folder that exists.")
    program = browser.present_browser()
    if program is None:
        raise Problem(
            "A PDF needs Chromium or Chrome, and there is none on this machine.\n"
            "Install it (on Debian and Ubuntu: apt install chromium), then run the"
            " same command again. Or print the pages of the site in your own browser."
        )
    with tempfile.TemporaryDirectory(prefix="tutorial-handout-") as folder:
        site = Path(folder)
        build.build(site)
        pdf = printed(site, program)
    try:
        file.write_bytes(pdf)
    except OSError as error:
        raise Problem(f"{file} cannot be written: {error.strerror}.") from None


def printed(site: Path, program: str) -> bytes:
    """Return the handout of a built site as a PDF, printed by the browser `program`.

    Raises Problem if the browser does not start.
    """
    with browser.launch(program) as chromium:
        page = chromium.new_page(color_scheme="light")
        show(page, site)
        options = {"prefer_css_page_size": True, "outline": True, "tagged": True}
        # A stylesheet cannot insert page numbers: they are known only after printing.
        numbers = first_pages(page.pdf(**options))
        page.evaluate(NUMBER, numbers)
        return page.pdf(**options)


def first_pages(pdf: bytes) -> dict[str, int]:
    """Return the page number of each named destination in Chromium's PDF.

    In this PDF, only places that are the target of a link have a name.
    """
    text = pdf.decode("latin-1")
    pages = re.findall(r"^(\d+) 0 obj\n<</Type /Page\n", text, re.M)
    places = re.findall(r"^(?:<<)?/([\w-]+) \[(\d+) 0 R /XYZ", text, re.M)
    return {name: pages.index(page) + 1 for name, page in places if page in pages}


def show(page, site: Path) -> None:
    """Open the handout of a built site in a page of Playwright, ready to be printed."""
    html = assemble(site)

    def answer(route) -> None:
        path = unquote(urlsplit(route.request.url).path).removeprefix("/")
        if path == ADDRESS:
            route.fulfill(body=html, content_type="text/html; charset=utf-8")
        elif (site / path).is_file():
            route.fulfill(path=site / path)
        else:
            route.fulfill(status=404)

    page.route(f"{HOST}**", answer)
    page.goto(HOST + ADDRESS)
    page.evaluate(UNFOLD)
    page.wait_for_function(IS_READY, timeout=PATIENCE)


def assemble(site: Path) -> str:
    """Return the HTML of the handout: a title, the contents, and the steps' pages."""
    frame = (site / address(steps()[0]) / "index.html").read_text()
    flow = FIGURE.search((site / "flow" / "index.html").read_text())[0]
    head = frame[: frame.index("</head>")]
    description = re.search(r'<meta name="description" content="([^"]*)"', head)[1]
    parts = [*_title(description, LINK.sub("", flow))]
    parts += [_chapter(site, step) for step in steps()]
    style = f"<style>{CSS.read_text()}{''.join(map(_running_title, steps()))}</style>"
    html = ARTICLE.sub(lambda found: found[1] + "\n".join(parts) + found[3], frame, 1)
    html = TITLE.sub("<title>Real-time search: the seven steps</title>", html, 1)
    return html.replace("</head>", f"{style}</head>", 1)


def address(step: Step) -> str:
    """Return the address of a step's page, relative to the address of the site."""
    return f"steps/{step.name}-{step.stage}/"


def _title(description: str, flow: str) -> Iterator[str]:
    yield '<section class="handout-title"><h1>Real-time search</h1>'
    yield f"<p>{description}</p>{flow}"
    yield '<nav class="handout-contents" aria-label="Contents"><ol>'
    for step in steps():
        yield (
            f'<li><a href="#s{step.name}"><span>{escape(step.component)}</span>'
            f"<span>{step.minutes} minutes</span><span></span></a></li>"
        )
    yield "</ol></nav></section>"


def _running_title(step: Step) -> str:
    text = f"Step {step.name}: the {step.stage}"
    return (
        f"#s{step.name} {{ page: s{step.name}; }}"
        f'@page s{step.name} {{ @top-left {{ content: "{text}"; }} }}'
    )


def _chapter(site: Path, step: Step) -> str:
    """Return the article of a step, with ids that are unique in the handout."""
    own = address(step)
    article = ARTICLE.search((site / own / "index.html").read_text())[2]
    # Remove the anchors of code lines: there are thousands of them, and no link in the
    # handout uses them.
    article = DIFF.sub("", LINE_ANCHOR.sub("", article))

    def rename(tag: re.Match[str]) -> str:
        named = NAME.sub(rf'\1="s{step.name}-\2"', tag[0])
        return LINK.sub(lambda link: _link(link[1], own, step), named)

    return f'<section id="s{step.name}">{TAG.sub(rename, article)}</section>'


def _link(href: str, own: str, step: Step) -> str:
    """Return the `href` that a link has in the handout, or "" if it has to be removed.

    A link to a different host stays. A link to a step's page is changed: it leads to
    the step in the handout. Every other link is removed.
    """
    target = urlsplit(urljoin(HOST + own, href))
    if target.hostname != urlsplit(HOST).hostname:
        return f'href="{href}"'
    for other in steps():
        if target.path == f"/{address(other)}":
            rest = f"-{target.fragment}" if target.fragment else ""
            return f'href="#s{other.name}{rest}"'
    return ""
