"""Changes the HTML of the code in a page, after the highlighter has coloured it."""

import re
from html import escape

# Two private-use characters mark lines of a listing that are not part of the file. The
# first marks the gap between two parts. The second marks a removed line, whose text is
# encoded in digits.
GAP, GONE = "\ue000", "\ue001"
NO_CODE = re.compile(
    r'<span id="__line-\d+-\d+"><a [^>]*></a>'
    rf"([^\n{GAP}{GONE}]*)([{GAP}{GONE}])([^\n]*)\n</span>"
)
CODE = re.compile(r"<code\b(?![^>]*\btranslate=)")
# A line of a listing: its element, its anchor, and its indentation, which may be in
# several colours. In a diff, the sign counts as part of the indentation.
LINE = re.compile(
    r'(<span id="__line-\d+-\d+")(><a id="__codelineno[^>]*></a>)'
    r"((?:<span[^>]*>)*[-+]?(?:</?span[^>]*>| )*)"
)
MARKUP = re.compile(r"<[^>]*>")


def gap(indent: int) -> str:
    """Return the line that marks a gap in a listing."""
    return " " * indent + GAP


def gone(text: str) -> str:
    """Return the line of a listing that shows a removed line with this `text`.

    The text is encoded in digits. As plain text, a removed line that is only half of a
    comment or a string could confuse the highlighter.
    """
    return GONE + text.encode().hex()


def finish_listings(html: str) -> str:
    """Move everything that is not code out of the code, so that nobody copies it."""
    return NO_CODE.sub(_outside, html)


def _outside(line: re.Match[str]) -> str:
    before, sign, rest = (MARKUP.sub("", part) for part in line.groups())
    if sign == GAP:
        return f'<span class="gap" style="--indent: {len(before)}ch"></span>'
    text = bytes.fromhex(rest.strip()).decode()
    code = text.lstrip()
    indent = f"--indent: {len(text) - len(code)}ch"
    return f'<span class="gone" style="{indent}" data-line="{escape(code)}"></span>'


def finish(html: str) -> str:
    """Mark the code in `html` as not to be translated, and set `--indent` on its lines.

    A browser that translates a page would translate names and commands, too. The
    stylesheets use `--indent` to indent the rest of a line that is wrapped.
    """
    return LINE.sub(_with_indent, CODE.sub('<code translate="no"', html))


def _with_indent(line: re.Match[str]) -> str:
    element, anchor, beginning = line.groups()
    indent = len(MARKUP.sub("", beginning))
    style = f' style="--indent: {indent}ch"' if indent else ""
    return f"{element}{style}{anchor}{beginning}"
