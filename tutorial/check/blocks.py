"""Finds code around a line: its condition, or an `except` that hides errors."""

import ast
from collections.abc import Iterator

from tutorial.check.code import Code

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
# An `except` whose body has only such statements reports nothing.
SILENT = ast.Pass | ast.Return | ast.Continue | ast.Break | ast.Assign


def silent_except(code: Code, at: str | None) -> str | None:
    """Return the place of an `except` that drops an exception, or None.

    Search only the function that contains the line "file:line" or begins at it.
    """
    file, path = _path(code, at)
    for function in [one for one in path if isinstance(one, FUNCTIONS)][-1:]:
        for node in ast.walk(function):
            if isinstance(node, ast.ExceptHandler) and all(map(_is_silent, node.body)):
                return f"{file}:{node.lineno}"
            if isinstance(node, ast.With) and "suppress(" in ast.unparse(node.items[0]):
                return f"{file}:{node.lineno}"
    return None


def condition_of(code: Code, at: str | None) -> str | None:
    """Return the place of the code that decides whether "file:line" is reached.

    It is an `if` around the line, the `except` of a `try` around it, or an earlier
    `return`. Without such code, return None.
    """
    file, path = _path(code, at)
    for node in reversed(path[:-1]):
        if isinstance(node, FUNCTIONS):
            return _earlier_return(file, node, path[-1].lineno)
        if isinstance(node, ast.If):
            return f"{file}:{node.lineno}"
        if isinstance(node, ast.Try) and node.handlers:
            return f"{file}:{node.handlers[0].lineno}"
    return None


def _earlier_return(file: str, function: ast.AST, line: int) -> str | None:
    """Return the place of a `return` or `raise` above the line, or None.

    A `return` or `raise` in an `except` is preferred.
    """
    parts = [one for one in ast.walk(function) if isinstance(one, ast.ExceptHandler)]
    for part in [*parts, function]:
        for node in ast.walk(part):
            if isinstance(node, ast.Return | ast.Raise) and node.lineno < line:
                return f"{file}:{node.lineno}"
    return None


def _is_silent(statement: ast.stmt) -> bool:
    is_text = isinstance(statement, ast.Expr) and isinstance(
        statement.value, ast.Constant
    )
    return is_text or isinstance(statement, SILENT)


def _path(code: Code, at: str | None) -> tuple[str, list[ast.AST]]:
    """Return the file, and the statements around the line, the outermost first."""
    file, _, number = (at or "").rpartition(":")
    tree = code.python.get(file)
    return file, list(_around(tree, int(number))) if tree else []


def _around(node: ast.AST, line: int) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if _first_line(child) <= line <= (getattr(child, "end_lineno", 0) or 0):
            if isinstance(child, ast.stmt | ast.ExceptHandler):
                yield child
            yield from _around(child, line)
            return


def _first_line(node: ast.AST) -> int:
    """Return the line in which the node begins. Its first decorator counts, too."""
    decorators = getattr(node, "decorator_list", [])
    return min([getattr(node, "lineno", 0), *(one.lineno for one in decorators)])
