"""Searches a project's source files for lines, calls, imports, tasks and receivers."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tutorial.project.files import files, settings_module

COMMENT = re.compile(r"\s*(#|//|/?\*|<!--|\{#)")

# The files that Django and Celery import in a worker. Other files run there only if
# one of these imports them. (Django's system checks also import the views in a worker,
# but the worker does not run them.)
BY_NAME = re.compile(r"(^|/)(apps|models|tasks)\.py$")
BY_CODE = re.compile(r"^\s*(from|import) celery\b", re.M)


@dataclass(frozen=True)
class Call:
    """A call in a Python file: `search_completed.send(...)` has the name "send"."""

    at: str  # file:line
    name: str
    target: str  # the expression before the name: "search_completed"
    arguments: tuple[str, ...] = ()
    keywords: dict[str, str] = field(default_factory=dict)
    awaited: bool = False


# Not searched for mistakes: migrations, installed packages, and generated files.
MADE = re.compile(r"(^|/)(migrations|node_modules|build|dist)/|\.min\.js$")


class Code:
    """The files of the project in `folder`. Without a folder, there are no files.

    `first` holds the paths of the files to search first: those that rendered the page.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.first: list[str] = []

    @cached_property
    def python(self) -> dict[str, ast.Module]:
        """The parsed Python files by path, without tests and files with errors."""
        parsed = {}
        for name, text in self.texts(".py").items():
            if re.search(r"(^|/)tests?[/_.]", name):
                continue
            try:
                parsed[name] = ast.parse(text)
            except SyntaxError:
                continue
        return parsed

    def texts(self, *suffixes: str) -> dict[str, str]:
        """Return the texts of the files with these suffixes or names, by path.

        Names are, for example, "tasks.py" or "search/tasks.py". The suffix "" stands
        for files without a suffix.
        """
        return {
            name: path.read_text(errors="replace")
            for name, path in (files(self.folder) if self.folder else {}).items()
            if _is_one_of(name, suffixes) and not MADE.search(name)
        }

    def find(self, pattern: str, *suffixes: str) -> str | None:
        """Return the place of the first line that matches, as "file:line", or None.

        Comments are skipped, because a comment may warn against the pattern.
        """
        texts = self.texts(*suffixes)
        names = [name for name in self.first if name in texts]
        for name in dict.fromkeys([*names, *texts]):
            for number, line in enumerate(texts[name].splitlines(), start=1):
                if not COMMENT.match(line) and re.search(pattern, line):
                    return f"{name}:{number}"
        return None

    def below(self, at: str | None, pattern: str) -> str | None:
        """Return the place of the first match at or below "file:line", or None."""
        name, _, number = (at or "").rpartition(":")
        lines = self.texts(name).get(name, "").splitlines() if name else []
        for place, line in enumerate(lines, start=1):
            if place < int(number) or COMMENT.match(line):
                continue
            if re.search(pattern, line):
                return f"{name}:{place}"
        return None

    def line(self, at: str | None) -> str:
        """Return the text of the line at "file:line"."""
        name, _, number = (at or "").rpartition(":")
        text = self.texts(Path(name).suffix).get(name, "") if name else ""
        lines = text.splitlines()
        return (
            lines[int(number) - 1].strip() if 0 < int(number or 0) <= len(lines) else ""
        )

    def calls(self, *names: str) -> list[Call]:
        """Return the calls to functions or methods with these names."""
        return [call for call in self._calls if call.name in names]

    @cached_property
    def _calls(self) -> list[Call]:
        found = []
        for file, tree in self.python.items():
            awaited = {
                id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Await)
            }
            for node in ast.walk(tree):
                if isinstance(node, ast.Call):
                    name, target = _name(node.func)
                    found.append(
                        Call(
                            f"{file}:{node.lineno}",
                            name,
                            target,
                            tuple(ast.unparse(argument) for argument in node.args),
                            {
                                keyword.arg: ast.unparse(keyword.value)
                                for keyword in node.keywords
                                if keyword.arg
                            },
                            id(node) in awaited,
                        )
                    )
        return found

    @cached_property
    def receivers(self) -> dict[str, tuple[str, str]]:
        """The receivers of signals, as a dict from function name to (signal, place)."""
        found = {}
        for file, tree in self.python.items():
            for node in ast.walk(tree):
                if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    continue
                for decorator in node.decorator_list:
                    if not isinstance(decorator, ast.Call) or not decorator.args:
                        continue
                    if _name(decorator.func)[0] == "receiver":
                        signal = ast.unparse(decorator.args[0])
                        found[node.name] = (signal, f"{file}:{node.lineno}")
        for call in self.calls("connect"):
            if call.arguments and call.target:
                found[call.arguments[0]] = (call.target, call.at)
        return found

    @cached_property
    def tasks(self) -> dict[str, str]:
        """The Celery tasks, as a dict from function name to place."""
        found = {}
        for file, tree in self.python.items():
            for node in ast.walk(tree):
                if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    continue
                for decorator in node.decorator_list:
                    given = getattr(decorator, "keywords", [])
                    function = getattr(decorator, "func", decorator)
                    if _name(function)[0] not in ("shared_task", "task"):
                        continue
                    found[node.name] = f"{file}:{node.lineno}"
                    names = [key.value for key in given if key.arg == "name"]
                    if names and isinstance(names[0], ast.Constant):
                        last = str(names[0].value).rpartition(".")[2]
                        found.setdefault(last, f"{file}:{node.lineno}")
        return found

    def imports(self, file: str) -> bool:
        """Whether another file of the project imports the module in `file`."""
        module = file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        last = module.rpartition(".")[2]
        for name, tree in self.python.items():
            if name == file:
                continue
            for node in ast.walk(tree):
                if isinstance(node, ast.Import):
                    if any(alias.name == module for alias in node.names):
                        return True
                elif isinstance(node, ast.ImportFrom):
                    source = node.module or ""
                    names = {alias.name for alias in node.names}
                    if source in (module, last) or last in names:
                        return True
                elif isinstance(node, ast.Constant) and node.value == module:
                    return True  # import_module("search.handlers")
        return False

    def imported_from(self, *files: str) -> set[str]:
        """Return those of `files` that exist, and all project files they import."""
        found: set[str] = set()
        left = list(files)
        while left:
            file = left.pop()
            if file in self.python and file not in found:
                found.add(file)
                left += imported(file, self.python[file])
        return found


def _is_one_of(name: str, suffixes: tuple[str, ...]) -> bool:
    """Whether a path has one of the suffixes, or ends with one of the names."""
    # A JavaScript module (.mjs) counts as a script.
    if Path(name).suffix.replace(".mjs", ".js") in suffixes:
        return True
    names = [one for one in suffixes if one and not one.startswith(".")]
    return any(f"/{name}".endswith(f"/{one}") for one in names)


def imported(file: str, tree: ast.AST) -> Iterator[str]:
    """Yield the files that a file may import, and the packages that contain them."""
    package = file.split("/")[:-1]
    modules = [package]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules += [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) + 1 - node.level] if node.level else []
            module = start + (node.module.split(".") if node.module else [])
            modules += [module + [alias.name] for alias in node.names]
        elif isinstance(node, ast.Call) and _name(node.func)[0] == "import_module":
            modules += [
                argument.value.split(".")
                for argument in node.args
                if isinstance(argument, ast.Constant)
                and isinstance(argument.value, str)
            ]
    for parts in modules:
        for length in range(1, len(parts) + 1):
            path = "/".join(parts[:length])
            yield from (f"{path}.py", f"{path}/__init__.py")


def _name(node: ast.expr) -> tuple[str, str]:
    """Return the name of the called function, and the expression before the name."""
    if isinstance(node, ast.Attribute):
        return node.attr, ast.unparse(node.value)
    if isinstance(node, ast.Name):
        return node.id, ""
    if isinstance(node, ast.Call):  # async_to_sync(layer.group_send)(...)
        inner, _ = _name(node.func)
        if inner in ("async_to_sync", "sync_to_async") and node.args:
            return _name(node.args[0])
    return "", ""


def files_of_worker(folder: Path) -> set[str]:
    """Return the Python files that a worker of the project runs, as paths in `folder`.

    Raises Problem if manage.py does not name the settings.
    """
    code = Code(folder)
    settings = settings_module(folder).replace(".", "/")
    first = [
        name
        for name, text in code.texts(".py").items()
        if BY_NAME.search(name) or BY_CODE.search(text)
    ]
    return code.imported_from(f"{settings}.py", f"{settings}/__init__.py", *first)
