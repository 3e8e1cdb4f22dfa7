"""Where the program finds and keeps things: the places that every package may name."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# The program's own virtual environment, and its Python.
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"

# In a pack: the packages that it has brought along, and the site as it was built.
WHEELS = ROOT / "wheels"
SITE = ROOT / "site"

# What running projects leave behind: databases of Redis, locks. Git ignores it.
RUN = ROOT / ".run"


def requirements(name: str) -> Path:
    """The compiled pins called `name`: "run", "redis", "test" or "docs"."""
    return ROOT / "requirements" / f"{name}.txt"
