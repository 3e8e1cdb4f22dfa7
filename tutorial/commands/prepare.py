"""`tutorial prepare`: everything for a day without internet, fetched and tried."""

import argparse

from tutorial.commands.arguments import Commands
from tutorial.runtime import environment, installer


def add(commands: Commands) -> None:
    """Declare the command."""
    commands.add(
        "prepare", "Fetch and try all that a day without internet needs", prepare
    )


def prepare(options: argparse.Namespace) -> int:
    """Install what `run`, `check` and `docs` need, and try it: 1 if something lacks.

    Raises Problem where the packages cannot be installed.
    """
    if missing := environment.missing_sets(*environment.SETS):
        packages, megabytes = installer.amount(*missing)
        print(
            f"Fetching what `run`, `check` and `docs` need: {packages} packages, about"
            f" {megabytes} MB to download.",
            flush=True,
        )
    environment.enter(*environment.SETS)
    from tutorial.offline import rehearsal

    return rehearsal.rehearse()
