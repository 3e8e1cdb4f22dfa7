"""The paths that any package of the program may use."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# The program's own virtual environment, and its Python.
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"

# Only in a pack: the packages that it contains, and the built site.
WHEELS = ROOT / "wheels"
SITE = ROOT / "site"

# What running projects leave behind: databases of Redis, locks. Git ignores it.
RUN = ROOT / ".run"


def requirements(name: str) -> Path:
    """The compiled pins called `name`: "run", "redis", "test" or "docs"."""
    return ROOT / "requirements" / f"{name}.txt"
