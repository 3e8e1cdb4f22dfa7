"""Turns the terms of the glossary into tooltips on all other pages."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tutorial.paths import ROOT

GLOSSARY = ROOT / "docs" / "glossary.md"
# Terms without tooltips, because the pages also use these words in their everyday
# sense: "The page shows a message."
EVERYDAY = ("Message",)


def terms(markdown: str) -> dict[str, str]:
    """Return, for each term, the first two sentences about it as plain text."""
    parts = re.split(r"^## +(.+?) *$", markdown, flags=re.M)[1:]
    found = {}
    for title, text in zip(parts[::2], parts[1::2], strict=True):
        paragraph = re.split(r"\n\s*\n", text.strip())[0]
        plain = _plain(" ".join(paragraph.split()))
        sentences = re.split(r"(?<=[.!?]) (?=[A-Z`])", plain)
        found[_plain(re.sub(r"\s*\{[^}]*\}$", "", title))] = " ".join(sentences[:2])
    return found


def abbreviations(markdown: str) -> list[str]:
    """Return the terms and their plurals in the syntax of the `abbr` extension.

    The terms in EVERYDAY are left out.
    """
    return [
        f"*[{form}]: {meaning}"
        for term, meaning in terms(markdown).items()
        if term not in EVERYDAY
        for form in _forms(term)
    ]


def of_site() -> list[str]:
    """Return the abbreviations for the terms of `docs/glossary.md`."""
    if not GLOSSARY.exists():
        return []
    return _of_file(GLOSSARY, GLOSSARY.stat().st_mtime_ns)


@cache
def _of_file(path: Path, changed: int) -> list[str]:
    return abbreviations(path.read_text())


def _forms(term: str) -> Iterator[str]:
    small = term if term.isupper() else term[0].lower() + term[1:]
    for one in dict.fromkeys((term, small, small[0].upper() + small[1:])):
        yield one
        yield one + ("es" if one.endswith(("s", "x", "ch")) else "s")


def _plain(markdown: str) -> str:
    text = re.sub(r"!?\[([^]]*)\]\([^)]*\)", r"\1", markdown)
    return re.sub(r"\*\*|`|<[^>]+>", "", text)
