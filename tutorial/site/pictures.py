"""The `screenshot`, `frame` and `film` fences, which show recordings of `capture`."""

import posixpath
from html import escape

from tutorial.capture import screenshots
from tutorial.capture.records import RECORDED, frame_name
from tutorial.capture.screenshots import Shot
from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.project import steps
from tutorial.site import fences
from tutorial.site.listing import fenced

# The scenes of the film: step, shot and caption.
FILM = (
    ("7", "typed", "You type a question."),
    ("7", "started", "The page answers at once."),
    ("7", "answer", "The answer appears by itself, without a reload."),
)


KINDS = ("screenshot", "frame", "film")


def render(kind: str, body: str, page: str, step: str) -> list[str]:
    """Return the fence as Markdown.

    `page` is the path of the page, relative to `docs/`. `step` is the step in the
    page's front matter. Raises Problem if a recording does not exist.
    """
    if kind == "film":
        return _film(body, page)
    return _frame(body, step) if kind == "frame" else _screenshot(body, page, step)


def _screenshot(body: str, page: str, step: str) -> list[str]:
    """Return a screenshot in the reader's theme, with its caption."""
    asked = fences.fields("screenshot", body, ("shot", "caption", "step"))
    if not asked.get("shot"):
        raise Problem("a screenshot fence needs a shot, as in: shot: answer")
    shot = screenshots.find(_step(asked, step), str(asked["shot"]))
    caption = str(asked.get("caption") or "").strip()
    lines = ['<figure class="shot" markdown="block">', *_pictures(page, shot), ""]
    if caption:
        lines += [f'<figcaption markdown="span">{caption}</figcaption>', ""]
    return [*lines, "</figure>"]


def _frame(body: str, step: str) -> list[str]:
    """Return the frame, as JSON, that a browser has received at the step."""
    name = _step(fences.fields("frame", body, ("step",)), step)
    path = RECORDED / frame_name(name)
    if not path.exists():
        raise Problem(
            f"no frame of step {name} has been recorded: {screenshots.REMEDY}"
        )
    return fenced(path.read_text().splitlines(), "{ .json .frame }")


def _film(body: str, page: str) -> list[str]:
    """Return three screenshots of one search, which JavaScript turns into a film.

    Without JavaScript, they are shown side by side. They must have the same size:
    otherwise, the page would jump while the film plays.
    """
    fences.fields("film", body, ())
    moments = [(screenshots.find(of, name), caption) for of, name, caption in FILM]
    if len({shot.size() for shot, _ in moments}) > 1:
        raise Problem(f"the pictures of the film differ in size: {screenshots.REMEDY}")
    lines = ['<div class="film" markdown="block">', '<ol markdown="block">']
    for shot, caption in moments:
        lines += [
            '<li markdown="block">',
            '<div class="film__picture" markdown="block">',
            *_pictures(page, shot),
            "</div>",
            f'<p class="film__caption" markdown="span">{caption}</p>',
            "</li>",
        ]
    button = '<button class="film__button" type="button" hidden></button>'
    return [*lines, "</ol>", button, "</div>"]


def _step(asked: dict, step: str) -> str:
    """Return the step that the fence names, or else the step of the page."""
    name = str(asked.get("step") or step)
    if not name:
        raise Problem("this fence needs a step, as in: step: 4")
    return steps.find(name).name


def _pictures(page: str, shot: Shot) -> list[str]:
    """Return the pictures of a shot in both themes; the site shows only one of them."""
    width, height = shot.size()
    attributes = f'width="{width}" height="{height}" loading="lazy"'
    images = []
    for scheme in screenshots.SCHEMES:
        path = shot.path(scheme).relative_to(ROOT / "docs").as_posix()
        address = posixpath.relpath(path, posixpath.dirname(page) or ".")
        alt = escape(shot.alt)
        images.append(f"![{alt}]({address}#only-{scheme}){{ {attributes} }}")
    return ["", "".join(images), ""]
