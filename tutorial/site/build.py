"""`tutorial docs`: serves the site, or builds it."""

import os
import subprocess
import sys
from pathlib import Path

import click
from mkdocs.__main__ import cli
from mkdocs.exceptions import Abort

from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.runtime.addresses import check_address
from tutorial.runtime.exclusive import check_port

CONFIGURATION = ROOT / "mkdocs.yml"

# The theme warns about MkDocs 2, which this project does not use.
QUIET = {"NO_MKDOCS_2_WARNING": "1"}

# MkDocs uses this date for its files (reproducible-builds.org): January 1, 1980, the
# earliest date that a zip file can have.
SAME_DATE = {"SOURCE_DATE_EPOCH": "315532800"}


def serve(port: int, host: str) -> None:
    """Serve the site at the address `host` until Ctrl-C; rebuild it after each change.

    Raises Problem if this machine has no such address, or if the port is in use.
    """
    check_address(host)
    check_port(port, host=host)
    _mkdocs("serve", "--dev-addr", f"{host}:{port}")


def build(folder: Path | None = None) -> None:
    """Write the site to `folder` or to `site/`, ready for any web server.

    Raises Problem if a fence names something that does not exist, or if a link is
    broken.
    """
    # Do not add --quiet: it also hides the warnings that fail a strict build.
    options = ["--site-dir", str(folder)] if folder else []
    _mkdocs("build", "--strict", *options)


def build_in(folder: str) -> None:
    """Write the site to `folder`, and print nothing.

    The same pages give the same bytes. Raises Problem as `build` does.
    """
    command = [sys.executable, "-m", "mkdocs"]
    command += _arguments("build", "--strict", "--site-dir", folder)
    # From ROOT, Python finds the Markdown extension `tutorial.site`.
    variables = {**QUIET, **SAME_DATE, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        command, env=os.environ | variables, capture_output=True, text=True
    )
    if result.returncode:
        last = "\n".join((result.stdout + result.stderr).splitlines()[-5:])
        raise Problem(f"The site was not built: {last}")


def _arguments(name: str, *options: str) -> list[str]:
    return [name, "--config-file", str(CONFIGURATION), *options]


def _mkdocs(name: str, *options: str) -> None:
    os.environ.update(QUIET)
    try:
        cli.main(_arguments(name, *options), prog_name="mkdocs", standalone_mode=False)
    except click.Abort:  # Ctrl-C in the middle of a build
        raise KeyboardInterrupt from None
    except Abort as problem:
        raise Problem(f"The site was not built: {problem}") from None
