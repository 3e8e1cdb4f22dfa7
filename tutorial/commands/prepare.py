"""`tutorial prepare`: downloads and tests everything for a day without internet."""

import argparse

from tutorial.commands.arguments import Commands
from tutorial.runtime import bundle, environment, installer


def add(commands: Commands) -> None:
    """Declare the command."""
    commands.add(
        "prepare",
        "Download and test everything that you need for a day without internet",
        prepare,
    )


def prepare(options: argparse.Namespace) -> int:
    """Install what `run`, `check` and `docs` need, and test each part.

    Returns 1 if something is missing, otherwise 0. Raises Problem if the packages
    cannot be installed.
    """
    if missing := environment.missing_sets(*environment.SETS):
        packages, megabytes = installer.amount(*missing)
        in_pack = bundle.wheels_for(bundle.this_target())
        source = "from the pack" if in_pack else "to download"
        print(
            f"Installing what `run`, `check` and `docs` need: {packages} packages,"
            f" about {megabytes} MB {source}.",
            flush=True,
        )
    environment.enter(*environment.SETS)
    from tutorial.offline import rehearsal

    return rehearsal.rehearse()
