"""The packages of the program import only from packages below them."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tutorial.paths import ROOT

PROGRAM = ROOT / "tutorial"

# The packages from the bottom to the top. Those in one row do not import each other.
LEVELS = (
    {"paths", "problem"},
    {"project", "standin"},
    {"runtime"},
    {"visitor", "observer"},
    {"workspace", "check"},
    {"live_map", "classroom", "repair_shop"},
    {"capture", "bench"},
    {"site"},
    {"offline"},
    {"commands"},
    {"cli"},
    {"__main__"},
)
LEVEL = {name: number for number, names in enumerate(LEVELS) for name in names}

# These modules run in other processes, which do not have the package `tutorial`.
ELSEWHERE = ("observer/inside",)


def modules() -> Iterator[Path]:
    """Yield the program's modules, except those that run in other processes."""
    for path in sorted(PROGRAM.rglob("*.py")):
        name = path.relative_to(PROGRAM).as_posix()
        if not name.startswith(ELSEWHERE) and path != PROGRAM / "__init__.py":
            yield path


def name_of(path: Path) -> str:
    """Return the module's name below `tutorial`, such as "runtime.stack"."""
    parts = path.relative_to(PROGRAM).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imported(tree: ast.AST, module: str) -> Iterator[tuple[str, int]]:
    """Yield what a module imports from the program, as (name, line)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: use only absolute imports"
            if node.module == "tutorial":
                for alias in node.names:
                    yield alias.name, node.lineno
            elif (node.module or "").startswith("tutorial."):
                name = node.module.removeprefix("tutorial.")
                for alias in node.names:
                    yield f"{name}.{alias.name}", node.lineno
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("tutorial."):
                    yield alias.name.removeprefix("tutorial."), node.lineno


def test_packages_import_only_from_packages_below_them():
    wrong = []
    for path in modules():
        module = name_of(path)
        own = module.partition(".")[0]
        assert own in LEVEL, f"{own} has no place in LEVELS"
        for name, line in imported(ast.parse(path.read_text()), module):
            package = name.partition(".")[0]
            if package != own and LEVEL[package] >= LEVEL[own]:
                wrong.append(f"{module}, line {line}: {name}")
    assert not wrong


def test_modules_do_not_import_each_other_in_a_cycle():
    known = {name_of(path) for path in modules()}
    graph: dict[str, set[str]] = {}
    for path in modules():
        module = name_of(path)
        found = set()
        for name, _ in imported(ast.parse(path.read_text()), module):
            # The imported name is that of a module, or of something in a module.
            found.add(name if name in known else name.rpartition(".")[0])
        graph[module] = found & known - {module}
    finished: set[str] = set()

    def follow(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join([*way[way.index(module) :], module])
        if module not in finished:
            for name in sorted(graph[module]):
                follow(name, (*way, module))
            finished.add(module)

    for module in graph:
        follow(module, ())


def late_imports(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield the imports inside functions, and the calls that import a module."""
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) and id(node) not in top:
            yield node
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in ("import_module", "importlib.import_module", "__import__"):
                yield node


# The modules that import inside functions, each with its reason.
LATE = {
    "commands.bench": "imported after the start-up, when `.venv` has the packages",
    "commands.check": "imported after the start-up, when `.venv` has the packages",
    "commands.docs": "imported after the start-up, when `.venv` has the packages",
    "commands.pictures": "imported after the start-up, when `.venv` has the packages",
    "commands.pack": "imported after the start-up, when `.venv` has the packages",
    "commands.prepare": "imported after the start-up, when `.venv` has the packages",
    "commands.test": "imported after the start-up, when `.venv` has the packages",
    "commands.run": "imported after the start-up, when `.venv` has the packages",
    "runtime.services": "`redis` is in `.venv`, which may not exist yet",
    "bench.pusher": "it sets up Django first, in the folder of a project",
    "site.mkdocs_hooks": "MkDocs keeps serving while the modules of the program change",
}


def test_only_listed_modules_import_inside_functions():
    late = {}
    for path in modules():
        lines = [node.lineno for node in late_imports(ast.parse(path.read_text()))]
        if lines:
            late[name_of(path)] = lines
    assert {name: late[name] for name in late.keys() - LATE.keys()} == {}
    assert LATE.keys() - late.keys() == set(), "remove them from LATE"


def test_the_commands_start_without_installed_packages():
    """`python3 -m tutorial` has to work before `.venv` exists."""
    code = "import sys; sys.path.insert(0, '.'); import tutorial.cli"
    result = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


def test_each_package_says_what_belongs_in_it():
    for package in sorted({path.parent for path in modules()} - {PROGRAM}):
        if package.parent == PROGRAM:
            text = ast.get_docstring(ast.parse((package / "__init__.py").read_text()))
            assert text, package
            for words in ("In here: ", "Not in here: "):
                assert words in text, f'the docstring of {package.name} lacks "{words}"'
