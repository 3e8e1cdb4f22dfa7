"""The paths that any package of the program may use."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# The program's own virtual environment, and its Python.
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"

# The packages and the built site that a pack contains.
WHEELS = ROOT / "wheels"
SITE = ROOT / "site"

# Running projects write their Redis databases and their locks to this folder. Git
# ignores the folder.
RUN = ROOT / ".run"


def requirements(name: str) -> Path:
    """Return the path of a file that pins a set of packages.

    `name` is the name of the set: "run", "redis", "test" or "docs".
    """
    return ROOT / "requirements" / f"{name}.txt"
