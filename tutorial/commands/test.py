"""`tutorial test`: the browser, and then pytest."""

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
    parser = commands.add("test", "Run every test; arguments go on to pytest", test)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="unit tests, a check of each step, one page: in two minutes",
    )


def test(options: argparse.Namespace) -> int:
    """Run pytest, and return its exit status.

    Raises Problem where no browser or no Redis can be had: nothing is skipped quietly.
    """
    environment.enter("run", "redis", "test", "docs")
    from tutorial.runtime.browser import BROWSER_VARIABLE, find_browser

    find_redis()
    postgres = find_postgres()
    if postgres is None:
        print("No PostgreSQL can be had here: final/ is tested with SQLite alone.")
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
    # The same files are compiled by each of pytest's processes otherwise.
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)
    return subprocess.call(command, cwd=ROOT, env=inherited | NO_PROXY | variables)
