"""Computes where in a file the added lines go: "in `C`, at the end"."""

import ast
import re
from collections.abc import Sequence

from tutorial.site.excerpt import CLOSERS, indentation, named, names_of
from tutorial.site.pair import Edit, File

LONGEST = 92  # characters that are quoted from a line, at most
# At most this many places are named. If there are more, only their number is given.
MOST = 4
BREAK = "<br>· "


def place(file: File, parts: list[range]) -> str:
    """Say in words, as Markdown, where the lines in `parts` go in the file."""
    if file.is_new:
        whole = {n for part in parts for n in part}
        if all(n in whole for n, line in enumerate(file.new) if line.strip()):
            return "new file"
        return _comma("part of a new file", *_position(file, parts[0]))
    if not any(line.strip() for line in file.old):
        return "empty so far"
    places = []
    for edit in file.edits():
        for new in _shown(edit.new, parts, file.new):
            gone = _gone(file, edit.old)
            # Mention removed lines once, at the first line that replaces them.
            if gone and new.start == _trim(edit.new, file.new).start:
                scope, _ = _position(file, new)
                places.append(_comma(scope, f"in place of {gone[0]}"))
            else:
                places.append(_comma(*_position(file, new)))
        if not _has_text(edit.new, file.new) and _touches(edit.new.start, parts):
            places += [f"without {gone}" for gone in _gone(file, edit.old)]
    if not places:
        return "as it was"
    # Leave out a place if another place is more precise and begins with the same words.
    longer = [p for p in places if not any(q.startswith(f"{p}, ") for q in places)]
    places = [*dict.fromkeys(longer)]
    if len(places) > MOST:
        return f"in {len(places)} places"
    # One place is next to the file's name. Several places have a line each.
    return BREAK.join(["", *places]) if len(places) > 1 else places[0]


def shown_edits(file: File, parts: list[range]) -> list[Edit]:
    """Return the edits inside `parts`, cut to the shown lines.

    Removed lines belong to the first line that replaces them, or else to the place
    where they were.
    """
    edits = []
    for edit in file.edits():
        filled = _trim(edit.new, file.new)
        old = edit.old
        for part in parts:
            new = _cut(edit.new, part)
            is_here = (
                filled.start in new if filled else _touches(edit.new.start, [part])
            )
            if new or (is_here and old):
                edits.append(Edit(old if is_here else range(old.stop, old.stop), new))
            if is_here:
                old = range(old.stop, old.stop)
    return edits


def _touches(at: int, parts: list[range]) -> bool:
    return any(part.start <= at <= part.stop for part in parts)


def _cut(one: range, other: range) -> range:
    start = max(one.start, other.start)
    return range(start, max(start, min(one.stop, other.stop)))


def _trim(lines: range, text: Sequence[str]) -> range:
    """Return `lines` without the blank lines at both ends."""
    filled = [n for n in lines if text[n].strip()]
    return (
        range(filled[0], filled[-1] + 1) if filled else range(lines.start, lines.start)
    )


def _has_text(lines: range, text: Sequence[str]) -> bool:
    return bool(_trim(lines, text))


def _shown(new: range, parts: list[range], text: Sequence[str]) -> list[range]:
    cut = (_trim(_cut(new, part), text) for part in parts)
    return [lines for lines in cut if lines]


def _position(file: File, new: range) -> tuple[str, str]:
    """Return the block that contains the lines `new`, and their place in the block.

    The block is "" if the lines are not inside any block.
    """
    if file.path.endswith(".py"):
        return _in_python(file.new, new)
    return _in_blocks(file.new, new, file.path.endswith(".css"))


def _in_python(lines: Sequence[str], new: range) -> tuple[str, str]:
    body = ast.parse("\n".join(lines)).body
    scope, names = None, []
    while inner := next((n for n in body if _holds(n, new)), None):
        scope = inner
        names += names_of(scope)[:1]
        if not isinstance(scope, ast.ClassDef):
            break
        body = scope.body
    start = f"in {code('.'.join(names))}" if names else ""
    if scope is not None and not isinstance(scope, ast.ClassDef):
        inside = _in_lines(lines, new, range(scope.lineno - 1, scope.end_lineno))
        return start or f"in {code(lines[scope.lineno - 1])}", inside
    inside = [node for node in body if _first(node) in new]
    if inside and all(map(_is_import, inside)):
        return start, "in the imports"
    before = [node for node in body if node.end_lineno <= new.start]
    if not before:
        return start, "at the top"
    return start, f"after {_title(lines, before[-1])}"


def _holds(node: ast.stmt, new: range) -> bool:
    """Whether the lines `new` are added inside the statement `node`."""
    return _first(node) < new.start and new.stop <= node.end_lineno


def _first(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(d.lineno for d in decorators)]) - 1


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _title(lines: Sequence[str], node: ast.stmt) -> str:
    if names := names_of(node):
        return code(names[0])
    if _is_import(node):
        return "the imports"
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return "the docstring"
    return code(lines[node.lineno - 1])


def _in_lines(lines: Sequence[str], new: range, scope: range) -> str:
    """Say where in the statement `scope` the lines `new` are.

    Returns "" if no line nearby is unique.
    """
    above = [n for n in range(scope.start, new.start) if lines[n].strip()]
    # There is no line above if the new lines are between a decorator and its `def`.
    before = above[-1] if above else scope.start
    if before == scope.start:
        return "at the start"
    if not any(lines[n].strip() for n in range(new.stop, scope.stop)):
        return "at the end"
    if _tells(lines, before):
        return f"after {code(lines[before])}"
    opener = _opener(lines, before, scope.start)
    return _after_block(lines, opener) if _tells(lines, opener) else ""


def _after_block(lines: Sequence[str], opener: int) -> str:
    return f"after the block that starts with {code(lines[opener])}"


def _opener(lines: Sequence[str], closer: int, start: int) -> int:
    """Return the index of the line that opens the block ending at the line `closer`.

    The search begins at the line `start`. Returns `closer` if it finds no such line.
    """
    level = indentation(lines[closer])
    openers = [
        n
        for n in range(start, closer)
        if lines[n].strip()
        and indentation(lines[n]) == level
        and not lines[n].strip().startswith(CLOSERS)
    ]
    return openers[-1] if openers else closer


def _in_blocks(lines: Sequence[str], new: range, is_css: bool) -> tuple[str, str]:
    """Do the same as `_in_python`, for files in which only indentation marks blocks."""
    indent = min(indentation(lines[n]) for n in new if lines[n].strip())
    above = [n for n in range(new.start) if lines[n].strip()]
    below = [n for n in range(new.stop, len(lines)) if lines[n].strip()]
    if not above:
        return "", "at the top"
    opener = next((n for n in above[::-1] if indentation(lines[n]) < indent), None)
    start = f"in {code(lines[opener])}" if opener is not None else ""
    if above[-1] == opener:
        return start, "at the start"
    if opener is None and not below:
        return "", "at the end"
    before = above[-1]
    if not _tells(lines, before):
        opener = _opener(lines, before, 0)
        # A rule may have several lines of selectors.
        while is_css and opener > 0 and lines[opener - 1].endswith(","):
            opener -= 1
        if opener != before:
            return start, _after_block(lines, opener)
    return start, f"after {code(lines[before])}"


def _tells(lines: Sequence[str], number: int) -> bool:
    """Whether a line contains words, and is the only line with this text."""
    text = lines[number].strip()
    return len(re.findall(r"\w", text)) >= 3 and lines.count(lines[number]) == 1


def _gone(file: File, old: range) -> list[str]:
    """Describe the removed lines: a name, the text of a single line, or a count."""
    old = _trim(old, file.old)
    if not old:
        return []
    if file.path.endswith(".py"):
        whole = [
            name
            for name, block in named(file.old)
            if name != "imports" and set(block) <= set(old)
        ]
        if len(whole) == 1:
            one = whole[0]
            return ["the docstring" if one == "docstring" else code(one)]
    filled = [n for n in old if file.old[n].strip()]
    if len(filled) == 1:
        return [f"the line {code(file.old[filled[0]], longest=LONGEST * 4)}"]
    return [f"{len(filled)} lines"]


def _comma(*texts: str) -> str:
    return ", ".join(filter(None, texts))


def code(text: str, longest: int = LONGEST) -> str:
    """Return `text` as code in Markdown.

    Its indentation is removed, and so is an opening bracket at its end. A text of more
    than `longest` characters is shortened.
    """
    text = re.sub(r"\s*[{(\[]$", "", text.strip())
    if len(text) > longest:
        text = text[: longest - 1].rstrip() + "…"
    marks = "`" * (max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    blank = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{marks}{blank}{text}{blank}{marks}"
