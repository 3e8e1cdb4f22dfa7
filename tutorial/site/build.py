"""`tutorial docs`: serves the site, or builds it."""

import os

from mkdocs.__main__ import cli
from mkdocs.exceptions import Abort

from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.runtime.exclusive import check_port

CONFIGURATION = ROOT / "mkdocs.yml"


def serve(port: int) -> None:
    """Serve the site on 127.0.0.1 until Ctrl-C, and rebuild it after each change.

    Raises Problem if the port is in use.
    """
    check_port(port)
    _mkdocs("serve", "--dev-addr", f"127.0.0.1:{port}")


def build() -> None:
    """Write the site to `site/`, ready for any web server.

    Raises Problem if a fence names something that does not exist, or a link is broken.
    """
    # Without --quiet, which also hides the warnings that fail a strict build.
    _mkdocs("build", "--strict")


def _mkdocs(command: str, *options: str) -> None:
    # The theme warns about MkDocs 2, which this project does not use.
    os.environ["NO_MKDOCS_2_WARNING"] = "1"
    arguments = [command, "--config-file", str(CONFIGURATION), *options]
    try:
        cli.main(arguments, prog_name="mkdocs", standalone_mode=False)
    except Abort as problem:
        raise Problem(f"The site was not built: {problem}") from None
