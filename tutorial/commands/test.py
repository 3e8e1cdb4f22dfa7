"""`tutorial test`: finds or installs a browser, then runs pytest."""

import argparse
import os
import subprocess
import sys

from tutorial.commands.arguments import Commands
from tutorial.paths import ROOT, VENV
from tutorial.runtime import environment
from tutorial.runtime.postgres import (
    PGBOUNCER_VARIABLE,
    POSTGRES_VARIABLE,
    find_pgbouncer,
    find_postgres,
)
from tutorial.runtime.services import NO_PROXY, find_redis


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add(
        "test", "Run all tests; other arguments are passed to pytest", test
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="only the unit tests, a check of each step, and one page, in two minutes",
    )


def test(options: argparse.Namespace) -> int:
    """Run pytest, and return its exit status.

    Raises Problem if there is no browser or no Redis, so that no test is skipped.
    """
    environment.enter("run", "redis", "test", "docs")
    from tutorial.runtime.browser import BROWSER_VARIABLE, find_browser

    find_redis()
    postgres = find_postgres()
    if postgres is None:
        print("There is no PostgreSQL here: final/ is tested with SQLite only.")
    chosen = ["-m", "quick"] if options.quick else []
    command = [sys.executable, "-m", "pytest", *chosen, *options.rest]
    variables = {
        BROWSER_VARIABLE: find_browser(),
        "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
        "DEBUG": "1",  # for the settings of final/
        POSTGRES_VARIABLE: postgres or "",
        PGBOUNCER_VARIABLE: (postgres and find_pgbouncer()) or "",
    }
    inherited = dict(os.environ)
    # Otherwise each of pytest's processes would compile the same files again.
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)
    return subprocess.call(command, cwd=ROOT, env=inherited | NO_PROXY | variables)
