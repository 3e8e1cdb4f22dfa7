"""No text of the repository uses words that a developer has to read twice.

Most readers are not native speakers. For each of these words, there is a plainer word.
If the test fails, its message names the plainer word. To forbid another word, add it to
`BETTER`, and add an example to `REPORTED`.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.tracked import TRACKED
from tutorial.paths import ROOT

# What to write instead of each forbidden word. A space matches any white space.
BETTER = {
    r"mend(s|ed|ing)?": "fix",
    r"anew": "again (a file: reload)",
    r"whoever": "anyone who …, or the name of the person or the process",
    r"meanwhile": "by now, since then, or the name of what happens at the same time",
    r"in the world": "in production",
    r"namesakes?": "of the same name, of the same number",
    r"shall soon": "what has to happen, in the present tense",
    r"no second time": "not again",
    r"ha(s|ve) words for": "report, log",
}


def as_whole(word: str) -> re.Pattern:
    """Return a pattern for a whole word, or for a part of a name such as `is_anew`."""
    spaced = word.replace(" ", r"\s+")
    return re.compile(f"(?<![a-z]){spaced}(?![a-z])", re.IGNORECASE)


FORBIDDEN = {as_whole(word): better for word, better in BETTER.items()}

# "who" without a noun, as in "who asks gets an answer". Questions are allowed.
BARE_WHO = re.compile(
    r"\b(Who|([Aa]nd|[Oo]r|[Ff]or|[Tt]o|but|than) who)\s+"
    r"(asks|cannot|comes|follows|gets|has|is|reads|sees|types|waits|wants)\b"
)
END = re.compile(r"[.!?](?=[\s\"'`)]|$)")
NAME_THEM = "a visitor who …, anyone who …, a process that …"

PICTURES = {".png", ".ico"}


def problems(text: str) -> Iterator[tuple[int, str, str]]:
    """For each forbidden word in `text`, yield its line, the word, and better words."""
    found = [
        (match.start(), match[0], better)
        for pattern, better in FORBIDDEN.items()
        for match in pattern.finditer(text)
    ]
    for match in BARE_WHO.finditer(text):
        end = END.search(text, match.end())
        if not end or end[0] != "?":
            found.append((match.start(), match[0], NAME_THEM))
    for start, words, better in sorted(found):
        yield text.count("\n", 0, start) + 1, " ".join(words.split()), better


def texts() -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each file, except pictures and this file."""
    for name in TRACKED:
        path = ROOT / name
        if path.suffix in PICTURES or path == Path(__file__) or not path.is_file():
            continue
        yield name, path.read_text()


def test_no_text_contains_a_forbidden_word():
    found = [
        f'{name}:{line}: not "{words}", but: {better}'
        for name, text in texts()
        for line, words, better in problems(text)
    ]
    assert not found, "\n" + "\n".join(found)


REPORTED = (
    *("Then mend it.", "It is mended.", "Mending it takes long.", "def mends_it():"),
    *("It loads your files anew.", "Whoever waits is told.", "gone\nmeanwhile"),
    *("It breaks in the\nworld.", "A port's namesake", "It shall soon end."),
    *("It asks no second time.", "It has words for this.", "We have words for this."),
    *("Who asks gets an answer.", "Or who asks ten times is one.", '"""Who is new."""'),
    *("It is fast for who waits.", "# Who comes back finds it"),
)


@pytest.mark.parametrize("text", REPORTED)
def test_a_forbidden_word_is_reported(text):
    assert len(list(problems(text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        *("Recommend an amendment.", "A user who asks gets an answer.", "Who is it?"),
        *('"Who is back, {name.upper()}?"', "Anyone who waits", "The world is round."),
        *("Who it is for", "a visitor who asks, and one who is new"),
    ],
)
def test_plain_words_are_not_reported(text):
    assert not list(problems(text))
