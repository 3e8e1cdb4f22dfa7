"""`tutorial docs`: shows the site, or builds it."""

import argparse
from pathlib import Path

from tutorial.commands.arguments import Commands, add_port, ip_address
from tutorial.offline import served
from tutorial.runtime import environment
from tutorial.runtime.addresses import EVERYWHERE, HERE

HANDOUT = "handout.pdf"


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add(
        "docs", "Show the tutorial's site, rebuilt after each change", docs
    )
    add_port(parser, 8001)
    parser.add_argument(
        "--host",
        metavar="ADDRESS",
        type=ip_address,
        default=HERE,
        help=f"the address to listen on; default: {HERE}, for this machine only; with"
        f" {EVERYWHERE}, other machines can read the site",
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--build",
        action="store_true",
        help="write the site to site/ instead of showing it",
    )
    instead.add_argument(
        "--pdf",
        metavar="FILE",
        nargs="?",
        const=HANDOUT,
        help="write the pages of the seven steps as one PDF instead, to print;"
        f" default: {HANDOUT}",
    )


def docs(options: argparse.Namespace) -> None:
    """Show the site until Ctrl-C, or build it. Raises Problem if that is impossible."""
    if options.pdf:
        environment.enter("run", "test", "docs")
        from tutorial.site import handout

        handout.write_pdf(Path(options.pdf))
        print(f"Wrote {options.pdf}.")
        return
    if served.is_there() and not options.build:
        served.serve(options.port, options.host)
    environment.enter("run", "docs")
    from tutorial.site import build

    if options.build:
        build.build()
    else:
        build.serve(options.port, options.host)
