"""`tutorial docs`: shows the site, or builds it."""

import os

from tutorial.paths import ROOT
from tutorial.problem import Problem
from tutorial.runtime.exclusive import check_port

CONFIGURATION = ROOT / "mkdocs.yml"


def serve(port: int) -> None:
    """Show the site on 127.0.0.1 until Ctrl-C, anew whenever something changes.

    Raises Problem where the port is taken.
    """
    check_port(port)
    _mkdocs("serve", "--dev-addr", f"127.0.0.1:{port}")


def build() -> None:
    """Write the site to `site/`, ready for any web server.

    Raises Problem where a page asks for what is not there, or a link leads nowhere.
    """
    # Not --quiet: then a strict build does not count what it would have warned of.
    _mkdocs("build", "--strict")


def _mkdocs(command: str, *options: str) -> None:
    # About a successor that this project does not use.
    os.environ["NO_MKDOCS_2_WARNING"] = "1"
    from mkdocs.__main__ import cli
    from mkdocs.exceptions import Abort

    arguments = [command, "--config-file", str(CONFIGURATION), *options]
    try:
        cli.main(arguments, prog_name="mkdocs", standalone_mode=False)
    except Abort as problem:
        raise Problem(f"The site was not built: {problem}") from None
