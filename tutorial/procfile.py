"""Reads a project's Procfile and requirements: which processes, which services."""

import re
from pathlib import Path


def processes(folder: Path) -> dict[str, str]:
    """The commands of the Procfile in `folder`, by process name, in its order."""
    lines = (folder / "Procfile").read_text().splitlines()
    found = (re.match(r"([A-Za-z0-9_-]+):\s*(.+)", line) for line in lines)
    return {match[1]: match[2] for match in found if match}


def packages(folder: Path) -> dict[str, str]:
    """The versions in `folder`'s requirements.txt, by package name in lower case."""
    lines = (folder / "requirements.txt").read_text().splitlines()
    found = (re.match(r"([A-Za-z0-9._-]+)==(\S+)", line) for line in lines)
    return {match[1].lower(): match[2] for match in found if match}
