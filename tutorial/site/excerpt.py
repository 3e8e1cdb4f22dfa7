"""Finds the lines of a file that belong to a part with a given name."""

import ast
import re
from collections.abc import Iterator, Sequence

from tutorial.problem import Problem

# The possible beginnings of a line that closes a block: brackets, elements, tags.
CLOSERS = ("}", ")", "]", "</", "{% end", "/>", ">")
NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def find(path: str, lines: Sequence[str], name: str) -> range:
    """Return the indexes of the lines of the part called `name`.

    Raises Problem if the file has no such part, or more than one.
    """
    if path.endswith(".py"):
        found = [block for known, block in named(lines) if known == name]
        if len(found) == 1:
            return found[0]
        if found:
            raise Problem(f'"{name}" occurs {len(found)} times in {path}')
        if NAME.fullmatch(name):
            raise Problem(f'{path} has no "{name}"')
    return _indented(path, lines, only_line(path, lines, name))


def named(lines: Sequence[str]) -> Iterator[tuple[str, range]]:
    """Yield each named part of a Python file, including the methods of classes."""
    module = ast.parse("\n".join(lines))
    if ast.get_docstring(module) is not None:
        yield "docstring", _span(lines, module.body[0])
    kinds = [isinstance(node, ast.Import | ast.ImportFrom) for node in module.body]
    if True in kinds:
        first = kinds.index(True)
        end = (kinds + [False]).index(False, first)
        start = _span(lines, module.body[first]).start
        yield "imports", range(start, _span(lines, module.body[end - 1]).stop)
    yield from _named(lines, module.body, "")


def _named(
    lines: Sequence[str], body: list[ast.stmt], prefix: str
) -> Iterator[tuple[str, range]]:
    for node in body:
        for name in names_of(node):
            yield prefix + name, _span(lines, node)
        if isinstance(node, ast.ClassDef):
            yield from _named(lines, node.body, f"{prefix}{node.name}.")


def names_of(node: ast.stmt) -> list[str]:
    """Return the names that a function, a class or an assignment defines."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Assign():
            targets = node.targets
        case ast.AnnAssign() | ast.AugAssign():
            targets = [node.target]
        case _:
            return []
    parts = [p for target in targets for p in getattr(target, "elts", [target])]
    return [part.id for part in parts if isinstance(part, ast.Name)]


def _span(lines: Sequence[str], node: ast.stmt) -> range:
    """Return the lines of a statement with its decorators and the comments above."""
    decorators = getattr(node, "decorator_list", [])
    start = min([node.lineno, *(d.lineno for d in decorators)]) - 1
    indent = indentation(lines[start])
    while start and lines[start - 1].startswith(" " * indent + "#"):
        start -= 1
    return range(start, node.end_lineno)


def only_line(path: str, lines: Sequence[str], text: str) -> int:
    """Return the index of the only line with `text`.

    Raises Problem if no line, or more than one, contains it.
    """
    found = [number for number, line in enumerate(lines) if text in line]
    if len(found) != 1:
        times = f"is in {len(found)} lines" if found else "is in no line"
        raise Problem(f'"{text}" {times} of {path}')
    return found[0]


def _indented(path: str, lines: Sequence[str], start: int) -> range:
    """Return the line `start`, the lines indented below it, and the closing line."""
    indent = indentation(lines[start])
    end = start + 1
    # In CSS, a rule may have several lines of selectors.
    while path.endswith(".css") and lines[end - 1].endswith(",") and end < len(lines):
        end += 1
    while end < len(lines):
        following = _next_line(lines, end)
        if following == len(lines):
            break
        line = lines[following]
        if indentation(line) > indent:
            end = following + 1
        elif (
            indentation(line) == indent
            and following > start + 1
            and line.strip().startswith(CLOSERS)
        ):
            end = following + 1
            # A line such as `} else {` also opens a new block.
            if not line.rstrip().endswith(("{", "(", "[")):
                break
        else:
            break
    return range(start, end)


def _next_line(lines: Sequence[str], at: int) -> int:
    """Return the index of the first line at or after `at` that is not blank."""
    while at < len(lines) and not lines[at].strip():
        at += 1
    return at


def indentation(line: str) -> int:
    """Return the number of spaces at the start of a line."""
    return len(line) - len(line.lstrip())


def join(lines: Sequence[str], parts: list[range]) -> list[range]:
    """Sort `parts`, and join those that have only blank lines between them."""
    joined: list[range] = []
    for part in sorted(parts, key=lambda part: (part.start, part.stop)):
        if joined and _next_line(lines, joined[-1].stop) >= part.start:
            joined[-1] = range(joined[-1].start, max(joined[-1].stop, part.stop))
        else:
            joined.append(part)
    return joined
