"""What code needs in the finished HTML of a page, beyond the highlighter's colours."""

import re

CODE = re.compile(r"<code\b(?![^>]*\btranslate=)")
# A line of a listing: its element, its anchor, and its indentation, which may be in
# several colours; in a difference, the sign counts as a part of the indentation.
LINE = re.compile(
    r'(<span id="__line-\d+-\d+")(><a id="__codelineno[^>]*></a>)'
    r"((?:<span[^>]*>)*[-+]?(?:</?span[^>]*>| )*)"
)
MARKUP = re.compile(r"<[^>]*>")


def finish(html: str) -> str:
    """`html` with its code kept from translators, and with the lines' indentations.

    A browser that translates a page would translate names and commands, too. The
    stylesheets use `--indent` to put the rest of a wrapped line below its beginning.
    """
    return LINE.sub(_with_indent, CODE.sub('<code translate="no"', html))


def _with_indent(line: re.Match[str]) -> str:
    element, anchor, beginning = line.groups()
    indent = len(MARKUP.sub("", beginning))
    style = f' style="--indent: {indent}ch"' if indent else ""
    return f"{element}{style}{anchor}{beginning}"
