"""The list of the screenshots, and a record of what each one shows.

`tutorial pictures` takes the screenshots (see `screenshot_scenes`). For each one, it
also stores the text of the page, and a digest of the files that determine the page's
look. A test uses this record to detect a screenshot that is out of date.
"""

import hashlib
import json
import struct
from dataclasses import asdict, dataclass
from pathlib import Path

from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.project import steps

IMAGES = ROOT / "docs" / "images"
RECORD = ROOT / "docs" / "recorded" / "pictures.json"

SCHEMES = ("light", "dark")
WIDTH = 760  # CSS px
SCALE = 2  # pixels of the picture per CSS px

QUESTION = "What is a broker?"
BLANKS = "   "
RATE_LIMIT = "simulate: rate limit"

# The files that determine a page's look. The page's text is not covered here, because a
# test compares it directly.
LOOK = ("search/templates/**/*", "search/static/**/*", "search/forms.py")
LOOK += ("search/views.py",)


@dataclass(frozen=True)
class Shot:
    """A screenshot of a step."""

    step: str  # such as "4" or "final"
    name: str
    alt: str  # the picture's text alternative
    asks: str = ""  # the question that is typed into the form

    @property
    def key(self) -> str:
        """A name that is unique among all screenshots."""
        return "app" if self.step == "final" else f"step-{self.step}-{self.name}"

    def path(self, scheme: str) -> Path:
        """Return the path of the picture in the colour scheme "light" or "dark"."""
        return IMAGES / f"{self.key}-{scheme}.png"

    def size(self) -> tuple[int, int]:
        """Return the width and the height in CSS px.

        Raises Problem if a picture is missing, or if the pictures differ in size.
        """
        sizes = set()
        for scheme in SCHEMES:
            if not self.path(scheme).exists():
                raise Problem(f"{self.path(scheme).name} is missing: {REMEDY}")
            sizes.add(_size(self.path(scheme)))
        if len(sizes) > 1:
            raise Problem(f"the pictures of {self.key} differ in size: {REMEDY}")
        width, height = sizes.pop()
        return width // SCALE, height // SCALE

    def digest(self) -> str:
        """Return a digest that changes whenever the page's look may have changed."""
        folder = steps.find(self.step).folder
        found = {path for pattern in LOOK for path in folder.glob(pattern)}
        digest = hashlib.sha256(json.dumps([WIDTH, SCALE, self.asks]).encode())
        for path in sorted(path for path in found if path.is_file()):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            digest.update(path.read_bytes() + b"\0")
        return digest.hexdigest()[:16]


REMEDY = "run python3 -m tutorial pictures"

SHOTS = (
    Shot(
        "1",
        "page",
        'The search page of step 1: a field "Your question", a button "Search", and a'
        ' badge that says "Offline: nobody answers the socket".',
    ),
    Shot(
        "2",
        "started",
        'The search page with a notice above the form: "Search has started!"',
        QUESTION,
    ),
    Shot(
        "2",
        "error",
        'The search page with an error above the form: "Type a question first."',
        BLANKS,
    ),
    Shot(
        "4",
        "answer",
        'The search page with a list "Your searches" below the form. It holds the'
        f' question "{QUESTION}" with its answer. The badge still says "Offline: nobody'
        ' answers the socket".',
        QUESTION,
    ),
    Shot(
        "6",
        "live",
        'The search page with a badge that says "Live". The list "Your searches" is'
        " empty.",
    ),
    Shot(
        "7",
        "typed",
        f'The search page with the question "{QUESTION}" in the field. The badge says'
        ' "Live", and the list "Your searches" is empty.',
        QUESTION,
    ),
    Shot(
        "7",
        "started",
        'The search page with the notice "Search has started!", an empty field and an'
        ' empty list "Your searches".',
        QUESTION,
    ),
    Shot(
        "7",
        "answer",
        'The search page with the notice "Search has started!", and in the list "Your'
        f' searches" the question "{QUESTION}" with its answer.',
        QUESTION,
    ),
    Shot(
        "7",
        "error",
        f'The search page with the question "{RATE_LIMIT}" in the list. In place of an'
        ' answer, the list shows: "The API gave no answer (RateLimitError)."',
        RATE_LIMIT,
    ),
    Shot(
        "final",
        "answer",
        'The finished page: a badge that says "Live", the notice "Search has started!",'
        f' and in the list the question "{QUESTION}" with its answer.',
        QUESTION,
    ),
)


def _size(picture: Path) -> tuple[int, int]:
    """Return a PNG's width and height in pixels (PNG specification, 11.2.1)."""
    return struct.unpack(">II", picture.read_bytes()[16:24])


def find(step: str, name: str) -> Shot:
    """Return the screenshot of a step by its name. Raises Problem if there is none."""
    known = {shot.name: shot for shot in SHOTS if shot.step == step}
    if name not in known:
        there = ", ".join(known) or "none"
        raise Problem(f'step {step} has no shot "{name}"; its shots: {there}')
    return known[name]


@dataclass(frozen=True)
class Taken:
    """The record of a screenshot, which `pictures.json` stores."""

    digest: str
    words: list[str]  # the text of the page, line by line


def read() -> dict[str, Taken]:
    """Read the stored records. Returns them by the key of the screenshot."""
    found = json.loads(RECORD.read_text())
    return {key: Taken(**fields) for key, fields in found.items()}


def write(taken: dict[str, Taken]) -> None:
    """Store the records by the key of the screenshot."""
    fields = {key: asdict(one) for key, one in taken.items()}
    RECORD.write_text(json.dumps(fields, indent=2, ensure_ascii=False) + "\n")
