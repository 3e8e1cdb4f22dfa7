"""Finds the passage of the tutorial's text that answers a question best."""

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# Words that do not show what a question is about.
STOP_WORDS = frozenset(
    "a about all also an and are as at be because by can could did do does explain for "
    "from had has have how i if in is it its me my of on one or our please say should "
    "so tell than that the their them then there these they this to us was way we were "
    "what when where which who why will with work works would you your".split()
)

# In this file, each heading is a term, and the text below it is the definition.
GLOSSARY = "docs/glossary.md"

# Pages with instructions. Most of their paragraphs do not explain anything.
GUIDES = (
    "docs/steps/",
    "docs/setup.md",
    "docs/maintainers.md",
    "docs/instructors.md",
    "docs/class.md",
    "docs/history.md",
)


@dataclass(frozen=True)
class Passage:
    """A paragraph as plain text, with its heading and its file."""

    title: str
    text: str
    source: str

    @property
    def term(self) -> str:
        """The term that the passage defines; "" if it is not a definition."""
        return self.title if self.source == GLOSSARY else ""

    @property
    def value(self) -> float:
        """How suitable the passage is as an answer. Instructions get a lower value."""
        return 0.5 if self.source.startswith(GUIDES) else 1.0


def read_passages(root: Path) -> Iterator[Passage]:
    """Yield the paragraphs of the README and of the site's pages in `root`."""
    for path in [root / "README.md", *sorted((root / "docs").rglob("*.md"))]:
        if path.exists():
            yield from _split(path.read_text(), path.relative_to(root).as_posix())


def _split(markdown: str, source: str) -> Iterator[Passage]:
    title = source
    without_code = re.sub(r"^(```|~~~).*?^\1\s*$", "", markdown, flags=re.M | re.S)
    for block in re.split(r"\n\s*\n", without_code):
        if all(line.startswith("    ") for line in block.splitlines()):
            continue  # code
        lines = block.strip().splitlines()
        if lines and (heading := re.match(r"#+\s+(.*)", lines[0])):
            title = _plain(heading[1])
            lines = lines[1:]
        text = _plain(" ".join(line.strip() for line in lines))
        # Take only prose. Skip tables, lists, pictures, very short paragraphs, and
        # paragraphs that introduce a listing.
        if len(text) >= 60 and re.match(r'[\w.“"].*[^:]$', text):
            yield Passage(title, text, source)


def _plain(markdown: str) -> str:
    text = re.sub(r"!?\[([^]]*)\]\([^)]*\)", r"\1", markdown)
    text = re.sub(r"<[^>]+>|\{[^}]*\}", "", text)
    return re.sub(r"\*\*|`", "", text).strip()


class Library:
    """The passages, ranked by SQLite's full-text search (FTS5, BM25)."""

    def __init__(self, passages: Iterator[Passage]) -> None:
        self._passages = list(passages)
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        self._database.execute(
            "CREATE VIRTUAL TABLE passage"
            " USING fts5 (term, title, text, value UNINDEXED,"
            ' tokenize = "porter unicode61 tokenchars _")'
        )
        self._database.executemany(
            "INSERT INTO passage (rowid, term, title, text, value)"
            " VALUES (?, ?, ?, ?, ?)",
            [
                (n, p.term, p.title, p.text, p.value)
                for n, p in enumerate(self._passages)
            ],
        )

    def best(self, question: str) -> Passage | None:
        """Return the passage that fits the question best; None if no passage fits."""
        words = re.findall(r"\w+", question.lower())
        terms = [word for word in words if word not in STOP_WORDS]
        match = " OR ".join(f'"{word}"' for word in terms)
        if not match:
            return None
        # A word in the title counts four times as much as a word in the text. A word
        # in `term` counts 100 times as much, so that a question about a term finds its
        # definition, even if other passages use the term often. This is enough,
        # because BM25 limits how much a frequent word can count.
        row = self._database.execute(
            "SELECT rowid FROM passage WHERE passage MATCH ?"
            " ORDER BY bm25(passage, 100.0, 4.0, 1.0) * value LIMIT 1",
            [match],
        ).fetchone()
        return self._passages[row[0]] if row else None
