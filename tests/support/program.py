"""Runs the program as a command, and checks its messages."""

import os
import subprocess
import sys
from pathlib import Path

from tutorial.paths import ROOT


def tutorial(
    *arguments: str, root: Path = ROOT, seconds: float = 120, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run `python3 -m tutorial` in `root`, and return its exit status and its output.

    Raises TimeoutExpired after `seconds`.
    """
    return subprocess.run(
        [sys.executable, "-m", "tutorial", *arguments],
        cwd=root,
        env=os.environ | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
    )


def check_message(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """Check that the program failed with a short message that contains these words."""
    output = result.stdout + result.stderr
    assert result.returncode != 0
    assert "Traceback" not in output
    assert len(result.stderr.strip().splitlines()) <= 3, output
    for word in words:
        assert word in result.stderr
