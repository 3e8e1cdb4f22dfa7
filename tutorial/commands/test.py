"""`tutorial test`: the browser, and then pytest."""

import os
import subprocess
import sys

from tutorial.browser import BROWSER_VARIABLE, find_browser
from tutorial.environment import ROOT, VENV
from tutorial.postgres import POSTGRES_VARIABLE, find_postgres
from tutorial.services import NO_PROXY, find_redis


def test(arguments: list[str]) -> int:
    """Run pytest with `arguments`, and return its exit status.

    Raises Problem where no browser or no Redis can be had: nothing is skipped quietly.
    """
    find_redis()
    postgres = find_postgres()
    if postgres is None:
        print("No PostgreSQL can be had here: final/ is tested with SQLite alone.")
    environment = (
        os.environ
        | NO_PROXY
        | {
            BROWSER_VARIABLE: find_browser(),
            "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "DEBUG": "1",  # for the settings of final/
            POSTGRES_VARIABLE: postgres or "",
        }
    )
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.call(command, cwd=ROOT, env=environment)
