"""The pictures of the running steps: which there are, and what was to be seen on them.

`tutorial pictures` takes them, `tutorial.scenes` says how, and the site shows them.
Beside the pictures it writes down the words that stood on each page, and a digest of
the files that give a page its look: so a test can tell when a picture is out of date.
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
SCALE = 2  # pixels of the picture for each of them

QUESTION = "What is a broker?"
BLANKS = "   "
RATE_LIMIT = "simulate: rate limit"

# What gives a page its look. What it says is held against its words.
LOOK = ("search/templates/**/*", "search/static/**/*", "search/forms.py")
LOOK += ("search/views.py",)


@dataclass(frozen=True)
class Shot:
    """A picture of a step, as it is before it is taken."""

    step: str  # as a person calls it: "4", "final"
    name: str
    alt: str  # what stands on it, for whoever does not see it
    asks: str = ""  # what has been typed into the form

    @property
    def key(self) -> str:
        """Its name among all."""
        return "app" if self.step == "final" else f"step-{self.step}-{self.name}"

    def path(self, scheme: str) -> Path:
        """Where the picture in "light" or "dark" is."""
        return IMAGES / f"{self.key}-{scheme}.png"

    def size(self) -> tuple[int, int]:
        """Width and height in CSS px. Raises Problem where it has not been taken."""
        sizes = set()
        for scheme in SCHEMES:
            if not self.path(scheme).exists():
                raise Problem(f"{self.path(scheme).name} is not there: {REMEDY}")
            sizes.add(_size(self.path(scheme)))
        if len(sizes) > 1:
            raise Problem(f"{self.key} is of two sizes: {REMEDY}")
        width, height = sizes.pop()
        return width // SCALE, height // SCALE

    def digest(self) -> str:
        """What changes whenever its look may have changed."""
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
        'The search page with a complaint above the form: "Type a question first."',
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
        f'The search page. Its field holds the question "{QUESTION}", its badge says'
        ' "Live", and the list "Your searches" is empty.',
        QUESTION,
    ),
    Shot(
        "7",
        "started",
        'The search page with the notice "Search has started!" Its field is empty, and'
        ' so is the list "Your searches".',
        QUESTION,
    ),
    Shot(
        "7",
        "answer",
        'The search page with the notice "Search has started!" In the list "Your'
        f' searches" there is now the question "{QUESTION}" with its answer.',
        QUESTION,
    ),
    Shot(
        "7",
        "error",
        f'The search page with the question "{RATE_LIMIT}" in the list. In the place of'
        ' an answer stands: "The API gave no answer (RateLimitError)."',
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
    """Width and height of a PNG in its own pixels (PNG specification, 11.2.1)."""
    return struct.unpack(">II", picture.read_bytes()[16:24])


def find(step: str, name: str) -> Shot:
    """The shot of a step by its name. Raises Problem where there is none."""
    known = {shot.name: shot for shot in SHOTS if shot.step == step}
    if name not in known:
        there = ", ".join(known) or "none"
        raise Problem(f'step {step} has no shot "{name}"; it has {there}')
    return known[name]


@dataclass(frozen=True)
class Taken:
    """What is kept of a shot, beside its two pictures."""

    digest: str
    words: list[str]  # that stood on the page, line by line


def read() -> dict[str, Taken]:
    """What is kept of each shot, by its key."""
    found = json.loads(RECORD.read_text())
    return {key: Taken(**fields) for key, fields in found.items()}


def write(taken: dict[str, Taken]) -> None:
    """Keep this of each shot."""
    fields = {key: asdict(one) for key, one in taken.items()}
    RECORD.write_text(json.dumps(fields, indent=2, ensure_ascii=False) + "\n")
