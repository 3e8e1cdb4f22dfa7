"""Highlights the lines of a file, each as a separate piece of HTML."""

from collections.abc import Sequence
from functools import cache
from pathlib import PurePosixPath

import pygments
from markupsafe import Markup
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.util import ClassNotFound

from tutorial.site.listing import LANGUAGES, PLAIN

FORMATTER = HtmlFormatter(nowrap=True)


@cache
def highlighted(path: str, lines: tuple[str, ...]) -> Sequence[Markup]:
    """Return the `lines` of the file at `path` as HTML, one piece per line."""
    html = pygments.highlight("\n".join([*lines, ""]), _lexer(path), FORMATTER)
    # At the end of each line, the formatter closes all open elements, and it reopens
    # them in the next line. So each line is complete HTML.
    found = html.split("\n")[: len(lines)]
    if len(found) != len(lines):
        raise ValueError(f"{path}: {len(lines)} lines have become {len(found)}")
    return [*map(Markup, found)]


def _lexer(path: str) -> Lexer:
    file = PurePosixPath(path)
    return _lexer_of(file.suffix or file.name)


@cache
def _lexer_of(kind: str) -> Lexer:
    """Return the lexer for a suffix or a name, from LANGUAGES or else from Pygments."""
    if kind in LANGUAGES:
        return get_lexer_by_name(LANGUAGES[kind][0], stripnl=False)
    try:
        name = f"file{kind}" if kind.startswith(".") else kind
        return get_lexer_for_filename(name, stripnl=False)
    except ClassNotFound:
        return get_lexer_by_name(PLAIN[0], stripnl=False)
