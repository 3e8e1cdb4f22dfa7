"""Where the program finds and keeps things: the places that every package may name."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# The program's own virtual environment, and its Python.
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"

# What running projects leave behind: databases of Redis, locks. Git ignores it.
RUN = ROOT / ".run"


def requirements(name: str) -> Path:
    """The compiled pins called `name`: "run", "redis", "test" or "docs"."""
    return ROOT / "requirements" / f"{name}.txt"
