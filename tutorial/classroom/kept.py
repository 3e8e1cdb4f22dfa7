"""Results of earlier checks, so that a second run checks only what has changed."""

import contextlib
import hashlib
import json
import os
import sys
from functools import cache
from pathlib import Path

from tutorial.paths import ROOT, RUN
from tutorial.project.files import files

PLACE = RUN / "class"
MOST = 1_000  # results that are kept

# The program's own files, on which a verdict depends.
OWN = ("tutorial", "steps", "requirements")


@cache
def _digest_of_program() -> str:
    result = hashlib.sha256(sys.version.encode())
    for folder in OWN:
        for name, path in files(ROOT / folder).items():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            result.update(f"{folder}/{name} {digest}\n".encode())
    return result.hexdigest()


def key(number: int, digest: str, browser: str) -> str:
    """What a result depends on: the step, the folder's digest, the browser, and us."""
    parts = (str(number), digest, browser, _digest_of_program())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def read(name: str, seconds: float) -> dict | None:
    """The result that is kept under the key, or None.

    A check that has timed out counts only if it had at least `seconds`.
    """
    try:
        result = json.loads(_file(name).read_text())
    except (OSError, ValueError):
        return None
    timeout = result.get("timeout")
    return None if timeout is not None and timeout < seconds else result


def write(name: str, result: dict) -> None:
    """Keep a result under the key. A disk that is full is no reason to stop."""
    with contextlib.suppress(OSError):
        PLACE.mkdir(parents=True, exist_ok=True)
        new = PLACE / f"{name}.{os.getpid()}"
        try:
            new.write_text(json.dumps(result))
            new.replace(_file(name))
        finally:
            new.unlink(missing_ok=True)


def remove_oldest() -> None:
    """Remove the oldest results where there are too many."""
    with contextlib.suppress(OSError):
        found = sorted(PLACE.iterdir(), key=lambda path: path.stat().st_mtime)
        for path in found[:-MOST]:
            path.unlink(missing_ok=True)


def _file(name: str) -> Path:
    return PLACE / f"{name}.json"
