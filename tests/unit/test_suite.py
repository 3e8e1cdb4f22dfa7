"""The tests follow the rules for imports, private names and sleeps."""

import ast
from collections.abc import Iterator

import pytest

from tutorial.paths import ROOT

FILES = [
    ROOT / "conftest.py",
    *sorted((ROOT / "tests").rglob("*.py")),
    *sorted((ROOT / "final" / "tests").rglob("*.py")),
]
OURS = {"tutorial", "support", "config", "search"}

SHARED = "put what tests share into tests/support, and fixtures into a conftest.py"
PRIVATE = "use a public name, or make this one public"
SLEEP = "wait for a condition: tutorial.runtime.waiting, or expect() in a page"

# A line number, and what is wrong with that line.
Problem = tuple[int, str]


def imports_of_tests(tree: ast.Module) -> Iterator[Problem]:
    """Yield the imports from another test module, or from a conftest."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            modules = [f"{'.' * node.level}{node.module or ''}"]
            modules += [alias.name for alias in node.names if not node.module]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            continue
        for module in modules:
            name = module.rpartition(".")[2]
            if name.startswith("test_") or name == "conftest":
                yield node.lineno, f"imports from {module}: {SHARED}"


def uses_of_private_names(tree: ast.Module) -> Iterator[Problem]:
    """Yield the private names in imports, in attributes, and in strings."""
    foreign = _modules_of_others(tree) | {"self", "cls"}
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.ImportFrom):
            if (node.module or "").partition(".")[0] in OURS:
                names = [alias.name for alias in node.names]
        elif isinstance(node, ast.Attribute):
            if not (isinstance(node.value, ast.Name) and node.value.id in foreign):
                names = [node.attr]
        elif isinstance(node, ast.Call) and _name_of(node.func).endswith("attr"):
            # monkeypatch.setattr(module, "name") or setattr("package.module.name")
            strings = [a for a in node.args[:2] if isinstance(a, ast.Constant)]
            names = [str(string.value).rpartition(".")[2] for string in strings]
        for name in names:
            if name.startswith("_") and not name.startswith("__"):
                yield node.lineno, f"uses {name}: {PRIVATE}"


def _modules_of_others(tree: ast.Module) -> set[str]:
    """Return the local names of imported modules that are not in this repository."""
    return {
        (alias.asname or alias.name).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if alias.name.partition(".")[0] not in OURS
    }


def fixed_sleeps(tree: ast.Module) -> Iterator[Problem]:
    """Yield the calls with a constant sleep, except in `while` loops and lambdas."""
    in_loops = {
        inner
        for loop in ast.walk(tree)
        if isinstance(loop, ast.While | ast.Lambda)  # a lambda may pause between tries
        for inner in ast.walk(loop)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and _name_of(node.func) in ("sleep", "wait_for_timeout")
            and all(isinstance(argument, ast.Constant) for argument in node.args)
            and node not in in_loops
        ):
            yield node.lineno, f"sleeps for a fixed time: {SLEEP}"


def _name_of(function: ast.expr) -> str:
    """Return the last part of a function's name."""
    return (
        function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)
    )


RULES = [imports_of_tests, uses_of_private_names, fixed_sleeps]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tests_keep_the_rule(rule):
    broken = [
        f"{file.relative_to(ROOT)}:{line} {problem}"
        for file in FILES
        for line, problem in rule(ast.parse(file.read_text()))
    ]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize(
    ("rule", "code", "is_broken"),
    [
        (imports_of_tests, "from test_commands import tutorial", True),
        (imports_of_tests, "from .conftest import start", True),
        (imports_of_tests, "from . import test_redis", True),
        (imports_of_tests, "import tests.unit.test_steps", True),
        (imports_of_tests, "from support.program import tutorial", False),
        (imports_of_tests, "from tutorial.commands import test", False),
        (uses_of_private_names, "from tutorial.runtime.browser import _find", True),
        (uses_of_private_names, "browser._download()", True),
        (uses_of_private_names, "self.visitor._open(url)", True),
        (uses_of_private_names, 'monkeypatch.setattr(browser, "_find", 1)', True),
        (uses_of_private_names, 'monkeypatch.setattr("search.tasks._kept", 1)', True),
        (uses_of_private_names, 'getattr(run, "_ready")', True),
        (uses_of_private_names, "import asyncio\nasyncio._set_running_loop(0)", False),
        (uses_of_private_names, "self._page.__class__", False),
        (fixed_sleeps, "time.sleep(3)", True),
        (fixed_sleeps, "async def wait():\n    await asyncio.sleep(0.5)", True),
        (fixed_sleeps, "page.wait_for_timeout(1000)", True),
        (fixed_sleeps, "while not ready():\n    time.sleep(0.1)", False),
        (fixed_sleeps, "wait_for(ready, 5, pause_in(page))", False),
        (fixed_sleeps, "page.wait_for_timeout(left * 1000)", False),
    ],
)
def test_a_rule_finds_only_what_it_forbids(rule, code, is_broken):
    assert bool(list(rule(ast.parse(code)))) == is_broken
