"""The `mistakes` and `mistake` fences: what can go wrong, why, and how to fix it.

A `mistakes` fence shows entries of `tutorial/check/mistakes.toml`, the catalogue of
`tutorial check`. The texts of the catalogue are plain text, with code in backticks. A
`mistake` fence defines a new entry, for something that goes wrong outside a project,
such as a port that is in use.
"""

import html
import posixpath
import re
from dataclasses import dataclass

from tutorial.check import mistakes as catalogue
from tutorial.problem import Problem
from tutorial.site import fences

# The page with all mistakes. The anchor of each mistake on it is the mistake's id.
PAGE = "troubleshooting.md"

KINDS = ("mistakes", "mistake")

CODE = re.compile(r"`[^`]+`")
# The characters that can be escaped with a backslash in Python-Markdown.
SPECIAL = re.compile(r"[\\`*_{}\[\]()#+.!-]")
ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Entry:
    """A mistake as Markdown: the symptom, the cause, and what to do."""

    id: str
    title: str
    symptom: str
    cause: str
    fix: str


def render(kind: str, body: str, page: str) -> list[str]:
    """Return the fence as Markdown, for the page at the path `page` below `docs/`.

    Raises Problem if a name is not in the catalogue, or if the id of a `mistake` fence
    is in the catalogue already.
    """
    return _own(body) if kind == "mistake" else _of_catalogue(body, page)


def _of_catalogue(body: str, page: str) -> list[str]:
    asked = fences.fields("mistakes", body, ("stage", "only"))
    known = catalogue.mistakes()
    only = fences.names(asked.get("only"))
    if bool(only) == ("stage" in asked):
        raise Problem('a mistakes fence says either "stage: 5" or "only: [id, id]"')
    for name in only:
        if name not in known:
            raise Problem(f'the catalogue has no mistake "{name}"')
    if only:
        return [line for name in only for line in _brief(_entry(known[name]), page)]
    found = [one for one in known.values() if one.stage == asked["stage"]]
    if not found:
        raise Problem(f"the catalogue has no mistake of the stage {asked['stage']}")
    return [line for mistake in found for line in _whole(_entry(mistake))]


def _own(body: str) -> list[str]:
    """Return the entry that a `mistake` fence defines on the page itself."""
    names = ("id", "title", "symptom", "cause", "fix")
    asked = fences.fields("mistake", body, names)
    for name in names:
        if not isinstance(asked.get(name), str):
            raise Problem(f'a mistake fence needs the text "{name}": {body!r}')
    entry = Entry(**{name: text.strip() for name, text in asked.items()})
    if not ID.fullmatch(entry.id):
        raise Problem(f'"{entry.id}" cannot be the id of a mistake')
    if entry.id in catalogue.mistakes():
        raise Problem(f'the catalogue has a mistake "{entry.id}" already')
    return _whole(entry)


def _entry(mistake: catalogue.Mistake) -> Entry:
    texts = (mistake.title, mistake.symptom, mistake.cause, mistake.fix)
    return Entry(mistake.id, *map(as_markdown, texts))


def _whole(entry: Entry) -> list[str]:
    """Return an entry for the page with all mistakes, with its own heading."""
    return [
        "",
        '<article class="mistake" markdown="1">',
        "",
        f"### {entry.title} {{ #{entry.id} }}",
        "",
        *(entry.symptom, "{: .mistake__symptom }"),
        "",
        '<section class="mistake__answer" markdown="1">',
        "",
        f"**Cause** {entry.cause}",
        "",
        f"**Fix** {entry.fix}",
        "",
        "</section>",
        "</article>",
    ]


def _brief(entry: Entry, page: str) -> list[str]:
    """Return an entry as an item of a list, with a link to the full entry."""
    address = posixpath.relpath(PAGE, posixpath.dirname(page) or ".")
    return [
        f"- **{entry.symptom}**",
        f"  [{entry.title}]({address}#{entry.id}).",
        f"  {entry.cause} {entry.fix}",
    ]


def as_markdown(text: str) -> str:
    """Escape a text of the catalogue for Markdown, except its code in backticks."""
    parts, at = [], 0
    for code in CODE.finditer(text):
        parts += [_escaped(text[at : code.start()]), code.group()]
        at = code.end()
    return "".join([*parts, _escaped(text[at:])])


def _escaped(text: str) -> str:
    return SPECIAL.sub(r"\\\g<0>", html.escape(text, quote=False))
