"""A cache of results, so that a second run checks only folders that have changed."""

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
MOST = 1_000  # how many results the cache may contain

# The folders of the tutorial on which a result depends.
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
    """Return the cache key: a digest of step, folder, browser and program."""
    parts = (str(number), digest, browser, _digest_of_program())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def read(name: str, seconds: float) -> dict | None:
    """Return the cached result for the key, or None.

    The result of a check that timed out counts only if the check's time limit was at
    least `seconds`.
    """
    try:
        result = json.loads(_file(name).read_text())
    except (OSError, ValueError):
        return None
    timeout = result.get("timeout")
    return None if timeout is not None and timeout < seconds else result


def write(name: str, result: dict) -> None:
    """Store a result under the key. If the disk is not writable, do nothing."""
    with contextlib.suppress(OSError):
        PLACE.mkdir(parents=True, exist_ok=True)
        new = PLACE / f"{name}.{os.getpid()}"
        try:
            new.write_text(json.dumps(result))
            new.replace(_file(name))
        finally:
            new.unlink(missing_ok=True)


def remove_oldest() -> None:
    """Remove the oldest results if there are more than MOST."""
    with contextlib.suppress(OSError):
        found = sorted(PLACE.iterdir(), key=lambda path: path.stat().st_mtime)
        for path in found[:-MOST]:
            path.unlink(missing_ok=True)


def _file(name: str) -> Path:
    return PLACE / f"{name}.json"
